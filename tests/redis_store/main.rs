//! `RedisStore` against real Redis servers. Each test has servers of its own, which end with it. The name of a test begins
//! with the rule (`r62_`) or the failure (`f61_`) that it checks; `docs/behaviour.md` and `docs/failures.md` have the lists.
//!
//! A plain `cargo test` ignores those that need `redis-server`, and says so; `./scripts/test` runs them. No test asserts on
//! tight times: a test waits until something holds, and fails after a generous limit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod support;

// The contract.
mod calls;
mod clocks;
mod cost;
mod guard;
mod lapse;
mod watching;

// What breaks.
mod damage;
mod failover;
mod outages;
mod processes;
mod refusals;
mod setup;

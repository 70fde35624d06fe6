//! Authenticators in real processes that share one login, through a file or through Redis, against a real provider that
//! rotates its refresh tokens and ends a login whose token comes twice. The name of a test begins with the rule (`r54_`) or the
//! failure (`f56_`) that it checks; `docs/behaviour.md` and `docs/failures.md` have the lists.
//!
//! A test starts this program again, as a [`worker`]: a process with one authenticator that does what the test tells it. At a
//! [step](protocol::Step) of a refresh that the test names, a worker kills itself, or waits, so that the test can stop the process.
//!
//! A plain `cargo test` ignores these tests, and says so; `./scripts/test` runs them. No test asserts on tight times: it waits
//! until something holds, and fails after a generous limit.
//!
//! | variable | default | what |
//! | --- | --- | --- |
//! | `REAUTH_LOAD_SECONDS` | 10 | how long eight processes are under load; 30 for a long run |
//! | `REAUTH_COST_PROCESSES` | 4 | for how many processes the cost of a refresh is measured, at most; 64 for the report |

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod protocol;
mod support;
mod worker;

mod cost;
mod crowd;
mod disks;
mod kills;
mod load;
mod orders;
mod others;
mod outages;
mod stops;

/// Not a test: what this program does when a test starts it again.
#[test]
fn process() {
    worker::run_if_told();
}

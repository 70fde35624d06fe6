//! The integration tests, in one binary. The name of a test begins with the rule (`r07_`) or the failure (`f31_`) that
//! it checks; `docs/behaviour.md` and `docs/failures.md` have the lists.
//!
//! A plain `cargo test` ignores those that need the identity provider, and says so; `./scripts/test` runs them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod support;

// The core: what the authenticator promises.
mod authenticator;
mod cancellation;
mod conformance;
mod fleet;
#[cfg(feature = "identities")]
mod identities;
mod properties;
mod stores;
mod surface;

// The adapters.
mod bodies;
mod contract;
mod doors;
mod passed;
mod per_request;
mod reqwest_middleware;
mod stacks;
mod tower_layer;

// The token endpoint and the sources.
mod endpoint;
mod external;
mod oauth2;
mod pilot;
mod vathos;

// What the documents say about the tests.
mod documents;

// What is kept secret.
mod secrets;

// With real parts.
mod provider;
mod soak;
mod tls;

//! A store that is sealed, behind an authenticator, and its key in a keychain.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

mod authenticator;
mod fake;
mod keychain;
#[cfg(target_os = "linux")]
mod secret_service;

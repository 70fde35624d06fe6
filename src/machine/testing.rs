//! Times and credentials for the tests of the pure machine.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use std::time::{Duration, UNIX_EPOCH};

use crate::clock::Reading;
use crate::credentials::Credentials;

/// So long after the start, on both clocks.
pub(super) fn at(seconds: u64) -> Reading {
    Reading { monotonic: Duration::ZERO, wall: UNIX_EPOCH + Duration::from_secs(2_000_000_000) }
        .after(Duration::from_secs(seconds))
}

/// For a hundred seconds.
pub(super) fn nth(n: usize) -> Credentials {
    let credentials = Credentials::new(format!("at-{n}")).unwrap();
    let credentials = credentials.with_refresh_token(format!("rt-{n}")).unwrap();
    credentials.with_lifetime(Duration::from_secs(100))
}

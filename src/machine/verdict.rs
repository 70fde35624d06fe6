//! What a caller wants, and what it has to do.

use std::sync::Arc;
use std::time::Duration;

use super::held::Held;
use super::marks::hash_access_token;
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;

/// What a caller has to do. `C` are the credentials and `F` is the flight, as the machine or the cache sees them.
pub(crate) enum Verdict<C = Arc<Held>, F = u64> {
    /// Use these credentials, and run the flight if one has just started in the background.
    Use(C, Option<F>),
    /// Wait for the flight. With `run` it has just started, and this caller has to run it first.
    Wait { flight: F, run: bool },
    /// There are no credentials now.
    Fail(Error),
}

impl Verdict {
    /// For a request from before a log-out. The request is not sent again with the credentials of the next log-in (R17,
    /// R44).
    pub(super) fn logged_out() -> Self {
        Self::Fail(Error::login_required(
            "the request was sent with the credentials of another login, which was logged out since; log in again",
        ))
    }
}

/// What a caller waits for.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    /// Credentials that may be sent.
    Usable,
    /// Credentials with another access token than this generation had.
    SuccessorOf(u64),
    /// Credentials with another access token than the one that has this hash.
    OtherThan(u64),
    /// Credentials that are valid for this time at least.
    ValidFor(Duration),
}

impl Wanted {
    /// For a caller that reports these as rejected.
    pub(crate) fn other_than(used: &Credentials) -> Self {
        Self::OtherThan(hash_access_token(used))
    }

    pub(super) fn is_met_by(self, held: &Held, now: Reading) -> bool {
        match self {
            Self::Usable => true,
            Self::SuccessorOf(generation) => !held.covers(generation),
            Self::OtherThan(hash) => hash_access_token(&held.credentials) != hash,
            Self::ValidFor(least) => held.time_left(now) >= least,
        }
    }
}

/// For a caller of [`Wanted::ValidFor`] that asks for more than the provider issues.
pub(super) fn too_short() -> Error {
    Error::misconfigured(
        "the identity provider's tokens do not last as long as this call needs; ask for a shorter time, or have the \
         provider issue tokens that last longer",
    )
}

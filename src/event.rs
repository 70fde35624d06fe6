//! What happens to the credentials of an authenticator, as events. No event has a token in it.

use std::fmt;
use std::time::Duration;

use crate::error::Error;
use crate::passed::PassedReason;

/// Something that happened to the credentials of one [`Authenticator`](crate::Authenticator).
///
/// A flight is one refresh or log-in with all its retries. `generation` counts the credentials that the authenticator
/// has held; 0 means that it held none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A flight started: it gets new credentials from the source, or newer ones from the store.
    #[non_exhaustive]
    RefreshStarted {
        /// The generation that the flight is to replace.
        generation: u64,
        /// Why the flight started.
        cause: RefreshCause,
    },
    /// An attempt failed, and the flight will make another. These events show an outage while it lasts. The last failure
    /// of a flight is reported only as [`Event::RefreshFailed`].
    #[non_exhaustive]
    AttemptFailed {
        /// The generation that the flight is to replace.
        generation: u64,
        /// Why the flight started.
        cause: RefreshCause,
        /// Why the attempt failed.
        error: Error,
        /// How many attempts of this flight have failed so far, including this one.
        attempt: u32,
        /// The time until the next attempt.
        next_attempt: Duration,
    },
    /// A flight ended with usable credentials. They have been stored, unless an [`Event::StoreFailed`] says otherwise.
    #[non_exhaustive]
    RefreshSucceeded {
        /// The new generation.
        generation: u64,
        /// Why the flight started.
        cause: RefreshCause,
        /// The time since the start of the flight.
        duration: Duration,
        /// How many callers waited for this flight.
        callers: u64,
    },
    /// A flight ended without usable credentials.
    #[non_exhaustive]
    RefreshFailed {
        /// The generation that the flight was to replace.
        generation: u64,
        /// Why the flight started.
        cause: RefreshCause,
        /// Why the flight failed.
        error: Error,
        /// The time since the start of the flight.
        duration: Duration,
        /// How many callers waited for this flight.
        callers: u64,
        /// The time until the next flight may start.
        next_attempt: Duration,
    },
    /// A server rejected the current token. It is not sent again while its replacement is on its way.
    #[non_exhaustive]
    Rejected {
        /// The rejected generation.
        generation: u64,
    },
    /// Newer credentials, which another process had stored, were taken from the store.
    #[non_exhaustive]
    Adopted {
        /// The new generation.
        generation: u64,
    },
    /// The program logged out, or set other credentials; or another process that shares the store has logged out.
    Cleared,
    /// The provider did not revoke the credentials after a log-out. They may stay valid there until they expire.
    #[non_exhaustive]
    RevocationFailed {
        /// Why the revocation failed.
        error: Error,
    },
    /// The store failed. If that was a write, the credentials are used all the same.
    #[non_exhaustive]
    StoreFailed {
        /// Why the store failed.
        error: Error,
    },
    /// The provider has issued a new refresh token, and the store could not save it. If this process ends now, the login is
    /// lost. The save is tried again until it succeeds, which is an [`Event::RotationSaved`].
    #[non_exhaustive]
    RotationUnsaved {
        /// The new generation.
        generation: u64,
        /// Why the store failed.
        error: Error,
    },
    /// The store has saved a refresh token that it could not save before.
    #[non_exhaustive]
    RotationSaved {
        /// The generation that was saved.
        generation: u64,
    },
    /// An adapter let a request pass without a token, or the 401 of a request changed nothing, where a program might expect
    /// otherwise. Of each [kind](crate::PassedKind), an authenticator reports one a minute at most.
    #[non_exhaustive]
    Passed {
        /// Why, in a sentence.
        reason: PassedReason,
    },
}

/// Why a flight (one refresh or log-in with all its retries) started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshCause {
    /// There were no credentials, or they had expired.
    Missing,
    /// The token is in its advisory window: it is refreshed in the background, and no caller waits.
    Advisory,
    /// The token is in its mandatory window: callers wait for the refresh.
    Mandatory,
    /// A server rejected the token that a request carried.
    Rejected,
    /// The program asked for it.
    Requested,
}

impl RefreshCause {
    /// Returns the stable name for logs and metrics: `missing`, `advisory`, `mandatory`, `rejected` or `requested`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Advisory => "advisory",
            Self::Mandatory => "mandatory",
            Self::Rejected => "rejected",
            Self::Requested => "requested",
        }
    }
}

impl fmt::Display for RefreshCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

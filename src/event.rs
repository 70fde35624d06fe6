//! What happens to a credential, as a stream of events. No event holds a token.

use std::fmt;
use std::time::Duration;

use crate::Error;

/// Why a flight started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshCause {
    /// Nothing was held, or it had lapsed.
    Missing,
    /// The advisory window was reached: a refresh in the background, nobody waits.
    Advisory,
    /// The mandatory window was reached: callers wait.
    Mandatory,
    /// A server rejected the token that a request carried.
    Rejected,
    /// The program asked for it.
    Requested,
}

impl RefreshCause {
    /// The stable name in spans and events.
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

/// Something that happened to the credential of one [`Authenticator`](crate::Authenticator).
///
/// `generation` counts the credentials an authenticator has held: 0 means that it held none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A flight started: the source is about to be asked.
    #[non_exhaustive]
    RefreshStarted {
        /// The generation it is to replace.
        generation: u64,
        /// Why.
        cause: RefreshCause,
    },
    /// An attempt failed in a way that may pass, and the flight goes on: an outage, while it lasts. The failure that
    /// ends a flight is told by [`Event::RefreshFailed`] alone.
    #[non_exhaustive]
    AttemptFailed {
        /// The generation that is to be replaced.
        generation: u64,
        /// Why the flight started.
        cause: RefreshCause,
        /// Why the attempt failed.
        error: Error,
        /// How many attempts of this flight have failed so far, this one included.
        attempt: u32,
        /// How long until it is tried again.
        next_attempt: Duration,
    },
    /// A flight landed a usable credential, and it was persisted (or see [`Event::StoreFailed`]).
    #[non_exhaustive]
    RefreshSucceeded {
        /// The new generation.
        generation: u64,
        /// Why the flight started.
        cause: RefreshCause,
        /// From the start of the flight.
        duration: Duration,
        /// How many callers waited for this one flight.
        callers: u64,
    },
    /// A flight ended without a usable credential.
    #[non_exhaustive]
    RefreshFailed {
        /// The generation that was to be replaced.
        generation: u64,
        /// Why the flight started.
        cause: RefreshCause,
        /// Why it failed.
        error: Error,
        /// From the start of the flight.
        duration: Duration,
        /// How many callers waited for this one flight.
        callers: u64,
        /// How long until the next flight may start.
        next_attempt: Duration,
    },
    /// A server rejected the current token; it is not sent again.
    #[non_exhaustive]
    Rejected {
        /// The rejected generation.
        generation: u64,
    },
    /// A newer credential was found in the store (another process put it there) and taken.
    #[non_exhaustive]
    Adopted {
        /// The new generation.
        generation: u64,
    },
    /// The credential was cleared (log-out) or replaced by the program.
    Cleared,
    /// After a log-out the provider could not be brought to revoke what was held: it may stay good there until it
    /// lapses.
    #[non_exhaustive]
    RevocationFailed {
        /// Why.
        error: Error,
    },
    /// The store failed; the credential is used all the same, and the next write tries again.
    #[non_exhaustive]
    StoreFailed {
        /// Why.
        error: Error,
    },
}

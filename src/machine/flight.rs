//! The types of a flight: what it is doing, what it asks for next, and what came of that.

use std::sync::Arc;
use std::time::Duration;

use super::backoff::Streak;
use super::held::Held;
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::event::RefreshCause;

/// Work that the machine does step by step. A flight gets new credentials. The others are the store calls that follow a
/// log-out, or a `set_credentials` of the program.
#[derive(Clone)]
pub(crate) enum Work {
    /// The flight with this number.
    Flight(u64),
    /// Have the store forget what was logged out.
    Forget,
    /// Save the credentials that the program set.
    Save(Arc<Held>),
}

/// What the driver of some work has to do next.
pub(crate) enum Step {
    /// Call the store, then pass the result to the machine as [`Input::Stored`].
    Store(StoreCall),
    /// Ask the source to refresh these, then [`Input::Responded`].
    Refresh(RefreshRequest),
    /// Ask the source to log in within this time, then [`Input::Responded`].
    Login(Duration),
    /// Wait for this time, then [`Input::Waited`].
    Wait(Duration),
    /// A log-out came before this response: have the provider revoke what it brought. Then the work is done.
    Revoke(Credentials),
    /// The work is done. The state already shows it.
    Done(Result<(), Error>),
    /// The flight was ended from outside. Its result is no longer needed.
    Stop,
}

/// A request that carries a refresh token. A slow response is waited for, because it may bring the successor (R14).
pub(crate) struct RefreshRequest {
    pub(crate) held: Credentials,
    /// How long callers wait for it.
    pub(crate) patience: Duration,
    /// How long the request itself may take.
    pub(crate) limit: Duration,
}

/// What came of a [`Step`].
pub(crate) enum Input {
    Begin,
    Stored(StoreResult),
    /// The clocks were read just before the request was sent (R3).
    Responded(Reading, Result<Credentials, Error>),
    Waited,
}

/// One call of the store.
#[derive(Clone)]
pub(crate) enum StoreCall {
    Load,
    Save(Credentials),
    Clear,
}

/// What a load found; `None` after the other calls.
pub(crate) type StoreResult = Result<Option<Credentials>, Error>;

/// The flight that is running.
pub(super) struct Flight {
    pub(super) id: u64,
    pub(super) cause: RefreshCause,
    /// When it started, on the monotonic clock.
    pub(super) started: Duration,
    /// How many callers wait or have waited for it.
    pub(super) callers: u64,
    /// How many attempts have failed so far. Another attempt follows each of them.
    pub(super) attempts: u32,
    /// The flights in a row that failed before it.
    pub(super) streak: Streak,
    pub(super) phase: Phase,
    /// Until when a caller who has a valid token waits for it, on the monotonic clock (R8).
    pub(super) patient_until: Duration,
    /// A caller waits for newer credentials, even if it has valid ones.
    pub(super) is_requested: bool,
    /// The one repetition that R14 allows after a lost response was used.
    pub(super) repeated: bool,
    /// The one further request that R12 allows after a response with an expired token was made.
    pub(super) asked_again: bool,
    pub(super) reasons: Reasons,
}

/// What the flight is doing.
pub(super) enum Phase {
    Beginning,
    Forgetting,
    Loading(LoadReason),
    /// Between two attempts.
    Waiting,
    /// `in_doubt`: the refresh token was in doubt before this request was sent.
    Refreshing {
        in_doubt: bool,
    },
    LoggingIn,
    Saving(Arc<Held>),
}

/// Why a flight reads the store.
pub(super) enum LoadReason {
    /// Nothing is held.
    First,
    /// The refresh token was in doubt when the flight began.
    Doubt,
    /// The response to the refresh was lost, for this reason.
    Lost(Error),
    /// The refresh token was refused.
    Refused,
}

/// Earlier failures. They are reported in place of "this source cannot log in", because they say more.
#[derive(Default)]
pub(super) struct Reasons {
    /// Why the refresh token was refused.
    pub(super) refusal: Option<Error>,
    /// Why the store could not be read.
    pub(super) store: Option<Error>,
}

impl Flight {
    /// Whether this flight is the first of a possible outage: the flights before it did not fail.
    pub(super) fn opens_an_outage(&self) -> bool {
        self.streak.since == self.started
    }

    /// Whether an attempt has failed and another will follow.
    pub(super) fn is_retrying(&self) -> bool {
        self.attempts > 0
    }

    /// Whether a caller who has a valid token still waits for it (R8).
    pub(super) fn is_worth_a_wait(&self, now: Reading) -> bool {
        !self.is_retrying() && now.monotonic < self.patient_until
    }

    /// Whether the next request of this flight is still to be sent.
    pub(super) fn will_send(&self) -> bool {
        matches!(self.phase, Phase::Beginning | Phase::Forgetting | Phase::Loading(_) | Phase::Waiting)
    }
}

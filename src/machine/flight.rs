//! The types of a flight: what it is doing, what it asks for next, and what came of that.

use std::sync::Arc;
use std::time::Duration;

use super::backoff::Streak;
use super::held::Held;
use super::late::Sent;
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::event::RefreshCause;
use crate::store::{Entry, GuardError, GuardRequest, Replaced, Version};

/// Work that the machine does step by step. A flight gets new credentials. The others are the store calls that follow a
/// log-out, a `set_credentials` of the program, or a flight.
#[derive(Clone)]
pub(crate) enum Work {
    /// The flight with this number.
    Flight(u64),
    /// Have the store forget what was logged out.
    Forget,
    /// Save the credentials that the program set.
    Save(Arc<Held>),
    /// Do what a flight has left to do.
    Rest(Rest),
}

/// What is left to do when a flight is over, under the guard that it had.
#[derive(Clone)]
pub(crate) enum Rest {
    /// Write what became of the exchange: it is not open any more.
    Note(Entry),
    /// Save the credentials, which could not be saved yet (R54).
    Save { entry: Entry, attempts: u32 },
    /// A log-out elsewhere came first: have the provider revoke what the flight brought (R17).
    Revoke(Credentials),
}

/// What the driver of some work has to do next.
pub(crate) enum Step {
    /// Call the store, then pass the result to the machine as [`Input::Stored`].
    Store(StoreCall),
    /// Ask the source to refresh these, then [`Input::Responded`].
    Refresh(RefreshRequest),
    /// Ask the source to log in within this time, then [`Input::Responded`].
    Login(LoginRequest),
    /// Wait for this time, then [`Input::Waited`].
    Wait(Duration),
    /// Have the provider revoke what this response brought, because nobody needs it any more. Then the work is done.
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

/// A log-in by the source.
pub(crate) struct LoginRequest {
    /// How long it may take.
    pub(crate) limit: Duration,
    /// A person has to do something. If a log-out comes first, there is nothing left to wait for.
    pub(crate) waits_for_user: bool,
}

/// What came of a [`Step`].
pub(crate) enum Input {
    Begin,
    Stored(StoreResult),
    /// The guard may be lost, so nothing was sent or written.
    Lapsed,
    Responded(Sent, Result<Credentials, Error>),
    Waited,
}

/// One call of the store.
#[derive(Clone)]
pub(crate) enum StoreCall {
    /// Read.
    Load,
    /// Take the guard, then read.
    Guard(GuardRequest),
    /// Write over this version.
    Replace(Option<Version>, Entry),
    /// Write over whatever is there.
    Overwrite(Entry),
}

impl StoreCall {
    /// Whether this only adds the note of an open exchange: it is not compared with the notes that are there.
    pub(crate) fn opens_exchange(&self) -> bool {
        match self {
            Self::Replace(expected, entry) => {
                *expected == Some(*entry.version()) && entry.open_exchange().is_some() && !entry.is_refused()
            }
            Self::Load | Self::Guard(_) | Self::Overwrite(_) => false,
        }
    }
}

/// What came of the call of the same name.
pub(crate) enum StoreResult {
    Loaded(Result<Option<Entry>, Error>),
    Guarded(Result<Guarded, GuardError>),
    Replaced(Result<Replaced, Error>),
}

/// What was found when the guard was taken.
pub(crate) struct Guarded {
    pub(crate) found: Result<Option<Entry>, Error>,
    /// The note of the open exchange was written.
    pub(crate) is_written: bool,
    /// How sure it is that no other process has the guard. `None`: the wait ended without it, because there is something
    /// new in the store (R57).
    pub(crate) hold: Option<Hold>,
}

/// How sure it is that no other process has the guard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// As sure as the store can make it: another process may have lost it and not know.
    MayLapse,
    /// No other process can have it.
    CannotLapse,
}

/// The flight that is running.
pub(super) struct Flight {
    pub(super) id: u64,
    pub(super) cause: RefreshCause,
    /// When it started, on the monotonic clock.
    pub(super) started: Duration,
    /// When it has taken too long, on the monotonic clock.
    pub(super) ends: Duration,
    /// Since when its log-in waits for a person, or for that of another process, on the monotonic clock. It may take longer than other
    /// flights.
    pub(super) waits_for_user: Option<Duration>,
    /// The source was asked for such a log-in.
    pub(super) asks_user: bool,
    /// When it has sent its first request since it last waited for the guard or a person, on the monotonic clock.
    pub(super) sends_since: Option<Duration>,
    /// Callers do not wait for it any more.
    pub(super) is_released: bool,
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
    pub(super) at_store: AtStore,
    /// It only looks for something new in the store. If there is nothing, callers get this error, which is remembered (R58).
    pub(super) only_looks: Option<Error>,
    /// A 401 caused it while an error is remembered. If there is nothing new in the store, the token is used again.
    pub(super) withholds: bool,
}

/// Where a flight stands at the store.
#[derive(Default)]
pub(super) struct AtStore {
    /// The flight has the guard.
    pub(super) hold: Option<Hold>,
    /// The note of the open exchange is in the store, beside the refresh token in use.
    pub(super) is_proved: bool,
    /// The guard can't be had. What needs none goes on without it (R56).
    pub(super) goes_without: bool,
    /// How often the guard was taken, and how often a write met another one.
    pub(super) turns: u32,
    /// Since when it waits for another process whose exchange is open, on the monotonic clock.
    pub(super) yields_since: Option<Duration>,
    /// It has taken over an exchange that another process has left open.
    pub(super) took_over: bool,
    /// How many saves have failed.
    pub(super) failed_saves: u32,
}

/// What the flight is doing.
pub(super) enum Phase {
    Beginning,
    Forgetting,
    Loading(LoadReason),
    /// Taking the guard.
    Entering,
    /// Writing the note of the open exchange. `ends_turn`: the write may end the guard.
    Proving {
        ends_turn: bool,
    },
    /// Writing the note that the refresh token in use was refused, before another one takes its place.
    Noting(Entry),
    /// Waiting for the writer of an open exchange, with the guard.
    Yielding,
    /// Waiting for the writer that may have spent the refresh token that was refused.
    AwaitingWriter,
    /// Between two attempts.
    Waiting,
    /// `in_doubt`: the refresh token was in doubt before this request was sent.
    Refreshing {
        in_doubt: bool,
    },
    LoggingIn,
    Saving(Saving),
    /// Between two attempts to save.
    SavingAgain(Saving),
}

/// What is being saved.
pub(super) struct Saving {
    pub(super) held: Arc<Held>,
    pub(super) entry: Entry,
    pub(super) by: By,
}

/// How credentials came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Refresh,
    Login,
}

/// Why a flight reads the store without taking the guard.
pub(super) enum LoadReason {
    /// Nothing is held.
    First,
    /// The response to the refresh was lost, for this reason.
    Lost(Error),
    /// The refresh token was refused.
    Refused,
    /// Another process has an exchange open.
    Yielding,
    /// The store can't be written, for this reason.
    NotWritable(Error),
    /// An error is remembered, and another process may have logged in.
    Look,
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
    /// How much time callers give it from now on.
    pub(super) fn time_left(&self, now: Reading) -> Duration {
        self.ends.saturating_sub(now.monotonic)
    }

    /// Whether this flight is the first of a possible outage: the flights before it did not fail.
    pub(super) fn opens_an_outage(&self) -> bool {
        self.streak.since >= self.started
    }

    /// Whether an attempt has failed and another will follow.
    pub(super) fn is_retrying(&self) -> bool {
        self.attempts > 0
    }

    /// Whether a caller who has a valid token still waits for it (R8).
    pub(super) fn is_worth_a_wait(&self, now: Reading) -> bool {
        !self.is_retrying() && !self.is_released && now.monotonic < self.patient_until
    }

    /// Whether the next request of this flight is still to be sent.
    pub(super) fn will_send(&self) -> bool {
        !matches!(
            self.phase,
            Phase::Refreshing { .. } | Phase::LoggingIn | Phase::Saving(_) | Phase::SavingAgain(_)
        )
    }
}

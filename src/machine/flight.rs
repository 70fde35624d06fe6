//! The flight in the air: what it is about to do, what came of it, and who moves it on.
//!
//! Pure, like the state it belongs to: [`State::step`] takes what came in and says what to do next. The order
//! of the steps is in `chain`; how a flight ends, in `landed`.

use std::sync::Arc;
use std::time::Duration;

use super::backoff::{Failure, Streak};
use super::state::{Held, State, Verdict};
use crate::clock::Reading;
use crate::event::{Event, RefreshCause};
use crate::{Credentials, Error, Timing};

/// What the driver of a flight has to do next.
pub(crate) enum Step {
    /// Read the store, then [`Input::Loaded`].
    Load,
    /// Have the store forget, then [`Input::Forgot`].
    Forget,
    /// Ask the source to refresh this, then [`Input::Answered`].
    Refresh(Credentials),
    /// Ask the source to log in, then [`Input::Answered`].
    Login,
    /// Wait so long, then [`Input::Waited`].
    Wait(Duration),
    /// Write this to the store, then [`Input::Saved`].
    Save(Credentials),
    /// The flight is over; the state already shows it.
    Done(Result<(), Error>),
    /// The flight was ended from outside; its result is not wanted.
    Stop,
}

/// What came of a [`Step`].
pub(crate) enum Input {
    Begin,
    Loaded(Result<Option<Credentials>, Error>),
    Forgot(Result<(), Error>),
    /// The clocks were read just before the request was sent.
    Answered(Reading, Result<Credentials, Error>),
    Waited,
    Saved(Result<(), Error>),
}

/// The flight in the air.
pub(crate) struct Flight {
    pub(super) id: u64,
    /// An attempt has failed and another will follow: callers with a valid token stop waiting.
    pub(super) struggling: bool,
    pub(super) deadline: Duration,
    pub(super) cause: RefreshCause,
    pub(super) started: Duration,
    pub(super) callers: u64,
    pub(super) attempts: u32,
    /// The flights that failed before it.
    pub(super) streak: Streak,
    pub(super) phase: Phase,
    /// The one repetition that R14 allows after a lost answer has been used.
    pub(super) repeated: bool,
    /// Why the answer to the refresh was lost, while the store is read before the repetition.
    pub(super) lost: Option<Error>,
    /// Why the refresh token was refused: more telling than a source's "I can't log in".
    pub(super) refusal: Option<Error>,
    pub(super) store_error: Option<Error>,
}

pub(super) enum Phase {
    Beginning,
    /// Reading the store, because nothing was read yet, the answer was lost, or the token was refused.
    Loading(LoadReason),
    /// Between two attempts.
    Waiting,
    /// `doubt` is the state's `in_doubt` from before the request was sent.
    Refreshing {
        doubt: bool,
    },
    LoggingIn,
    Saving(Arc<Held>),
}

#[derive(Clone, Copy)]
pub(super) enum LoadReason {
    First,
    Doubt,
    Refused,
}

impl Flight {
    pub(super) fn new(id: u64, cause: RefreshCause, streak: Streak, now: Reading, timing: &Timing) -> Self {
        Self {
            id,
            struggling: false,
            deadline: now.monotonic.saturating_add(timing.flight_deadline),
            cause,
            started: now.monotonic,
            callers: 0,
            attempts: 0,
            streak,
            phase: Phase::Beginning,
            repeated: false,
            lost: None,
            refusal: None,
            store_error: None,
        }
    }

    /// Whether no flight has met before it what it may meet.
    pub(super) fn opens_an_outage(&self) -> bool {
        self.streak.since == self.started
    }

    pub(super) fn join(&mut self) -> Verdict {
        self.callers += 1;
        Verdict::Join(self.id)
    }
}

impl State {
    /// Moves flight `id` on. A flight that is no longer the one in the air is told to stop.
    pub(crate) fn step(&mut self, id: u64, input: Input, now: Reading) -> Step {
        let Some(mut flight) = self.flight.take_if(|flight| flight.id == id) else { return Step::Stop };
        let phase = std::mem::replace(&mut flight.phase, Phase::Beginning);
        match (phase, input) {
            (Phase::Saving(held), Input::Saved(saved)) => self.published(flight, held, saved, now),
            (Phase::Loading(why), Input::Loaded(loaded)) => self.loaded(flight, why, loaded, now),
            (Phase::Refreshing { doubt }, Input::Answered(sent, answer)) => {
                self.refreshed(flight, doubt, sent, answer, now)
            }
            (Phase::LoggingIn, Input::Answered(sent, Ok(answer))) => self.land(flight, sent, answer, now),
            (Phase::LoggingIn, Input::Answered(_, Err(error))) => self.login_failed(flight, error, now),
            (_, Input::Forgot(forgot)) => {
                match forgot {
                    Ok(()) => self.must_forget = false,
                    Err(error) => self.events.push(Event::StoreFailed { error }),
                }
                self.attempt(flight)
            }
            (Phase::Waiting, _) => self.attempt(flight),
            _ => self.begin(flight),
        }
    }

    /// Ends flight `id` because whoever ran it is gone. What it sent may have been received; what it had
    /// received is kept.
    pub(crate) fn interrupt(&mut self, id: u64, error: Error, now: Reading) -> Option<Result<(), Error>> {
        let mut flight = self.flight.take_if(|flight| flight.id == id)?;
        if let Phase::Saving(held) = std::mem::replace(&mut flight.phase, Phase::Beginning) {
            return match self.published(flight, held, Err(error), now) {
                Step::Done(outcome) => Some(outcome),
                _ => None,
            };
        }
        let streak = flight.streak.with_one_more();
        let failure =
            Failure::interrupted(error.clone(), streak, now.monotonic, &self.timing, &mut self.jitter);
        self.failed(&flight, failure, now);
        Some(Err(error))
    }

    /// Ends flight `id` before it began, for a reason of that caller's own: the next caller is not held up by it.
    pub(crate) fn call_off(&mut self, id: u64, error: Error, now: Reading) -> Option<Result<(), Error>> {
        let failure = self.failure.take();
        let outcome = self.interrupt(id, error, now);
        self.failure = failure;
        outcome
    }

    pub(crate) fn is_in_the_air(&self, id: u64) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.id == id)
    }

    pub(super) fn go(&mut self, mut flight: Box<Flight>, phase: Phase, step: Step) -> Step {
        flight.phase = phase;
        self.flight = Some(flight);
        step
    }
}

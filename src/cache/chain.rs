//! One flight: the declared chain from what is held to something newer, the same for every source.
//!
//! Refresh; if the answer was lost, read the store, then try once more (R14); if the refresh token was
//! refused, read the store and adopt what another process put there (R15); else log in; else say that the
//! user has to. Then persist, then publish (R16). Pure, like the state it belongs to: [`State::step`] takes
//! what came in and says what to do next.

use std::sync::Arc;
use std::time::Duration;

use super::backoff::{self, Failure};
use super::state::{Held, State, Verdict};
use super::windows::{Freshness, Windows};
use crate::clock::Reading;
use crate::event::{Cause, Event};
use crate::{Credentials, Error, ErrorKind, Timing};

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
    cause: Cause,
    started: Duration,
    callers: u64,
    attempts: u32,
    phase: Phase,
    /// The one repetition that R14 allows after a lost answer has been used.
    repeated: bool,
    /// Why the answer to the refresh was lost, while the store is read before the repetition.
    lost: Option<Error>,
    /// Why the refresh token was refused: more telling than a source's "I can't log in".
    refusal: Option<Error>,
    store_error: Option<Error>,
}

enum Phase {
    Beginning,
    /// Reading the store, because nothing was read yet, the answer was lost, or the token was refused.
    Loading(Why),
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
enum Why {
    First,
    Doubt,
    Refused,
}

impl Flight {
    pub(super) fn new(id: u64, cause: Cause, now: Reading, timing: &Timing) -> Self {
        Self {
            id,
            struggling: false,
            deadline: now.monotonic.saturating_add(timing.flight_deadline),
            cause,
            started: now.monotonic,
            callers: 0,
            attempts: 0,
            phase: Phase::Beginning,
            repeated: false,
            lost: None,
            refusal: None,
            store_error: None,
        }
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
        let streak = self.failure.as_ref().map_or(0, |failure| failure.streak) + 1;
        let failure =
            Failure::interrupted(error.clone(), streak, now.monotonic, &self.timing, &mut self.dice);
        self.failed(&flight, failure, now);
        Some(Err(error))
    }

    pub(crate) fn is_in_the_air(&self, id: u64) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.id == id)
    }

    fn begin(&mut self, mut flight: Flight) -> Step {
        flight.repeated = self.in_doubt;
        if self.must_forget {
            return self.go(flight, Phase::Beginning, Step::Forget);
        }
        // Where another process may have what we lack, look there first.
        let lacking = if self.held.is_none() {
            Some(Why::First)
        } else if self.in_doubt {
            Some(Why::Doubt)
        } else {
            self.refused.then_some(Why::Refused)
        };
        match lacking.filter(|_| self.has_store) {
            Some(why) => self.go(flight, Phase::Loading(why), Step::Load),
            None => self.attempt(flight),
        }
    }

    /// Refreshes if there is something to refresh with, else logs in.
    fn attempt(&mut self, flight: Flight) -> Step {
        let held = self.held.as_ref().map(|held| held.credentials.clone());
        match held.filter(|held| held.refresh_token().is_some() && !self.refused) {
            Some(held) => {
                // From here on the refresh token may be spent, whoever dies before the answer is in.
                let doubt = std::mem::replace(&mut self.in_doubt, true);
                self.go(flight, Phase::Refreshing { doubt }, Step::Refresh(held))
            }
            None => self.go(flight, Phase::LoggingIn, Step::Login),
        }
    }

    fn refreshed(
        &mut self,
        mut flight: Flight,
        doubt: bool,
        sent: Reading,
        answer: Result<Credentials, Error>,
        now: Reading,
    ) -> Step {
        let error = match answer {
            Ok(credentials) => {
                let kept = self.keep_refresh_token(credentials);
                return self.land(flight, sent, kept, now);
            }
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::LoginRequired => {
                self.in_doubt = false;
                self.refused = true;
                flight.refusal = Some(error);
                if self.has_store {
                    return self.go(flight, Phase::Loading(Why::Refused), Step::Load);
                }
                self.after_refusal(flight, now)
            }
            ErrorKind::Transient if !error.may_have_been_processed() => {
                self.in_doubt = doubt;
                self.try_again(flight, error, now)
            }
            ErrorKind::Transient if !flight.repeated => {
                flight.repeated = true;
                if self.has_store {
                    flight.lost = Some(error);
                    return self.go(flight, Phase::Loading(Why::Doubt), Step::Load);
                }
                self.try_again(flight, error, now)
            }
            // The server read the request and refused the client, not the token.
            ErrorKind::Misconfigured => {
                self.in_doubt = doubt;
                self.fail(flight, error, now)
            }
            _ => self.fail(flight, error, now),
        }
    }

    fn login_failed(&mut self, flight: Flight, error: Error, now: Reading) -> Step {
        match error.kind() {
            ErrorKind::Transient => self.try_again(flight, error, now),
            ErrorKind::LoginRequired => {
                // A store that can't be read is an outage, not a reason to send the user to the log-in page.
                let error = match (flight.store_error.clone(), flight.refusal.clone()) {
                    (Some(store), _) if error.is_unsupported() => store,
                    (None, Some(refusal)) if error.is_unsupported() && !refusal.is_unsupported() => refusal,
                    _ => error,
                };
                self.fail(flight, error, now)
            }
            _ => self.fail(flight, error, now),
        }
    }

    fn loaded(
        &mut self,
        mut flight: Flight,
        why: Why,
        loaded: Result<Option<Credentials>, Error>,
        now: Reading,
    ) -> Step {
        match loaded {
            Ok(Some(found)) if self.is_news(&found) => return self.adopt(flight, found, now),
            Ok(_) => {}
            Err(error) => {
                self.events.push(Event::StoreFailed { error: error.clone() });
                flight.store_error = Some(error);
            }
        }
        match why {
            Why::First => self.use_initial(flight, now),
            Why::Refused => self.after_refusal(flight, now),
            Why::Doubt => match flight.lost.take() {
                Some(error) => self.try_again(flight, error, now),
                None => self.attempt(flight),
            },
        }
    }

    /// Another process was here: what the store holds is neither what we hold nor what we know it to hold.
    fn is_news(&self, found: &Credentials) -> bool {
        let known = |known: Option<&Credentials>| known.is_some_and(|known| known.same_tokens(found));
        !known(self.stored.as_ref()) && !known(self.held.as_ref().map(|held| &held.credentials))
    }

    fn adopt(&mut self, flight: Flight, found: Credentials, now: Reading) -> Step {
        let windows = Windows::of_held(&found, now, &self.timing, &mut self.dice);
        self.stored = Some(found.clone());
        match self.hold(found, windows) {
            Ok(held) => {
                self.events.push(Event::Adopted { generation: held.generation });
                self.take_up(flight, held, now)
            }
            Err(error) => self.fail(flight, error, now),
        }
    }

    fn use_initial(&mut self, flight: Flight, now: Reading) -> Step {
        match self.initial.take() {
            Some(initial) => self.take_up(flight, initial, now),
            None => self.attempt(flight),
        }
    }

    /// What the source was built with is the next thing to try; the full grant is the last.
    fn after_refusal(&mut self, flight: Flight, now: Reading) -> Step {
        match self.initial.take() {
            Some(initial) if self.is_news(&initial.credentials) => self.take_up(flight, initial, now),
            _ => self.go(flight, Phase::LoggingIn, Step::Login),
        }
    }

    /// Takes a credential that was not just issued: usable as it is, or something to refresh.
    fn take_up(&mut self, flight: Flight, held: Arc<Held>, now: Reading) -> Step {
        let rejected = self.is_rejected(&held.credentials);
        let freshness = held.windows.freshness(now);
        let replaced = self.held.replace(held.clone());
        // A refresh token that is spent or refused stays so beside another access token.
        let same =
            replaced.is_some_and(|old| old.credentials.refresh_token() == held.credentials.refresh_token());
        self.refused &= same;
        self.in_doubt &= same;
        self.rejected = rejected;
        if rejected || freshness >= Freshness::Mandatory {
            return self.attempt(flight);
        }
        self.succeed(&flight, now)
    }

    /// R13: an answer without a refresh token leaves the old one in force.
    fn keep_refresh_token(&self, answer: Credentials) -> Credentials {
        let held = self.held.as_ref().and_then(|held| held.credentials.refresh_token());
        match (answer.refresh_token(), held) {
            (None, Some(held)) => answer.clone().with_refresh_token(held).unwrap_or(answer),
            _ => answer,
        }
    }

    fn land(&mut self, flight: Flight, sent: Reading, answer: Credentials, now: Reading) -> Step {
        let windows = Windows::of_answer(&answer, sent, &self.timing, &mut self.dice);
        let held = match self.hold(answer, windows) {
            Ok(held) => held,
            Err(error) => return self.fail(flight, error, now),
        };
        if self.has_store {
            let credentials = held.credentials.clone();
            return self.go(flight, Phase::Saving(held), Step::Save(credentials));
        }
        self.published(flight, held, Ok(()), now)
    }

    /// The credential is persisted, or can't be: it is published either way (R16).
    fn published(&mut self, flight: Flight, held: Arc<Held>, saved: Result<(), Error>, now: Reading) -> Step {
        match saved {
            Ok(()) if self.has_store => {
                self.stored = Some(held.credentials.clone());
                self.must_forget = false;
            }
            Ok(()) => {}
            Err(error) => self.events.push(Event::StoreFailed { error }),
        }
        let rejected = self.is_rejected(&held.credentials);
        let expired = held.windows.freshness(now) == Freshness::Expired;
        // Even an answer that can't be used replaces what is held: its refresh token may be a new one.
        self.held = Some(held);
        self.rejected = rejected;
        self.refused = false;
        self.in_doubt = false;
        if rejected {
            let error =
                Error::invalid_answer("the identity provider issued again a token that was just rejected");
            let next = self.last_rejection().map(|at| at.saturating_add(self.rejection_interval()));
            let step = self.fail(flight, error, now);
            if let (Some(failure), Some(next)) = (&mut self.failure, next) {
                failure.not_before(next);
            }
            return step;
        }
        if expired {
            let error =
                Error::invalid_answer("the identity provider issued a token that has already expired");
            return self.fail(flight, error, now);
        }
        self.succeed(&flight, now)
    }

    fn is_rejected(&self, candidate: &Credentials) -> bool {
        let held = self.held.as_ref().filter(|_| self.rejected);
        held.is_some_and(|held| held.credentials.same_access_token(candidate))
    }

    /// Waits and tries again, unless the deadline comes first.
    fn try_again(&mut self, mut flight: Flight, error: Error, now: Reading) -> Step {
        let wait = backoff::between_attempts(flight.attempts, &error, &mut self.dice);
        if now.monotonic.saturating_add(wait) >= flight.deadline {
            return self.fail(flight, error, now);
        }
        flight.attempts += 1;
        flight.struggling = true;
        self.go(flight, Phase::Waiting, Step::Wait(wait))
    }

    fn fail(&mut self, flight: Flight, error: Error, now: Reading) -> Step {
        let streak = self.failure.as_ref().map_or(0, |failure| failure.streak) + 1;
        let left = self.usable(now).and_then(|(held, _)| held.windows.expiry.remaining(now));
        let failure = Failure::new(error.clone(), streak, now.monotonic, left, &self.timing, &mut self.dice);
        self.failed(&flight, failure, now);
        Step::Done(Err(error))
    }

    fn failed(&mut self, flight: &Flight, failure: Failure, now: Reading) {
        let usable = self.usable(now).is_some();
        self.events.push(Event::RefreshFailed {
            generation: self.generation(),
            cause: flight.cause,
            error: failure.error.clone(),
            duration: now.monotonic.saturating_sub(flight.started),
            callers: flight.callers,
            next_attempt: failure.retry_at(usable).saturating_sub(now.monotonic),
        });
        self.failure = Some(failure);
    }

    fn succeed(&mut self, flight: &Flight, now: Reading) -> Step {
        self.failure = None;
        self.events.push(Event::RefreshSucceeded {
            generation: self.generation(),
            cause: flight.cause,
            duration: now.monotonic.saturating_sub(flight.started),
            callers: flight.callers,
        });
        Step::Done(Ok(()))
    }

    fn go(&mut self, flight: Flight, phase: Phase, step: Step) -> Step {
        self.flight = Some(Flight { phase, ..flight });
        step
    }
}

//! One step of some work: which method takes which input. To add a step, begin here.

use std::sync::Arc;

use super::State;
use super::flight::{Flight, Input, Phase, Step, StoreCall, Work};
use super::held::Held;
use crate::clock::Reading;
use crate::error::Error;

impl State {
    /// Moves some work on. A flight that no longer runs is told to stop.
    pub(crate) fn step(&mut self, work: &Work, input: Input, now: Reading) -> Step {
        match work {
            Work::Flight(id) => self.step_flight(*id, input, now),
            Work::Forget => self.step_forget(input),
            Work::Save(held) => self.step_save(held, input),
        }
    }

    /// Whether some work still matters.
    pub(crate) fn is_wanted(&self, work: &Work) -> bool {
        match work {
            Work::Flight(id) => self.flight.as_ref().is_some_and(|flight| flight.id == *id),
            Work::Forget => self.must_forget(),
            Work::Save(held) => self.holdings.generation() == held.generation,
        }
    }

    /// Whether a call of the store has to be made, now that it is its turn. Another call may have cleared the store.
    pub(crate) fn needs(&self, work: &Work, call: &StoreCall) -> bool {
        self.is_wanted(work) && (self.must_forget() || !matches!(call, StoreCall::Clear))
    }

    fn step_flight(&mut self, id: u64, input: Input, now: Reading) -> Step {
        let Some(mut flight) = self.flight.take_if(|flight| flight.id == id) else {
            return match input {
                // What a request brings that a log-out has overtaken is not kept (R17).
                Input::Responded(_, Ok(credentials)) if id <= self.log_out.flight => {
                    Step::Revoke(credentials)
                }
                _ => Step::Stop,
            };
        };
        let phase = std::mem::replace(&mut flight.phase, Phase::Beginning);
        match (phase, input) {
            (Phase::Beginning, Input::Begin) => self.begin(flight, now),
            (Phase::Forgetting, Input::Stored(result)) => self.forgot(flight, result, now),
            (Phase::Loading(reason), Input::Stored(result)) => self.loaded(flight, reason, result, now),
            (Phase::Waiting, Input::Waited) => self.attempt(flight, now),
            (Phase::Refreshing { in_doubt }, Input::Responded(sent, response)) => {
                let response = response.map_err(|error| self.with_retry_after_in_bounds(error));
                self.refreshed(flight, in_doubt, sent, response, now)
            }
            (Phase::LoggingIn, Input::Responded(sent, response)) => {
                let response = response.map_err(|error| self.with_retry_after_in_bounds(error));
                self.logged_in(flight, sent, response, now)
            }
            (Phase::Saving(held), Input::Stored(result)) => {
                self.publish(flight, held, result.map(|_| ()), now)
            }
            // Only a faulty driver comes here. The flight keeps what it holds, for `interrupt`.
            (phase, _) => self.proceed(flight, phase, Step::Stop),
        }
    }

    /// A longer `Retry-After` than the program allows counts as the longest (R10).
    fn with_retry_after_in_bounds(&self, error: Error) -> Error {
        let max = self.pace.timing.retry_after_max;
        match error.retry_after() {
            Some(asked) if asked > max => error.with_retry_after(max),
            _ => error,
        }
    }

    /// Puts the flight back into the air.
    pub(super) fn proceed(&mut self, mut flight: Box<Flight>, phase: Phase, step: Step) -> Step {
        flight.phase = phase;
        self.flight = Some(flight);
        step
    }

    /// A log-out's work at the store. The caller of the log-out gets the error, and the next flight tries again.
    fn step_forget(&mut self, input: Input) -> Step {
        match (input, &mut self.shelf) {
            (Input::Begin, Some(shelf)) if shelf.must_forget => Step::Store(StoreCall::Clear),
            (Input::Stored(Ok(_)), Some(shelf)) => {
                shelf.forgot();
                Step::Done(Ok(()))
            }
            (Input::Stored(Err(error)), _) => Step::Done(Err(error)),
            _ => Step::Done(Ok(())),
        }
    }

    /// Saves the credentials that the program set.
    fn step_save(&mut self, held: &Arc<Held>, input: Input) -> Step {
        let is_current =
            self.holdings.held().is_some_and(|now| now.credentials.same_tokens(&held.credentials));
        match (input, &mut self.shelf) {
            (Input::Begin, Some(shelf)) => {
                shelf.begin_write(&held.credentials);
                Step::Store(StoreCall::Save(held.credentials.clone()))
            }
            (Input::Stored(Ok(_)), Some(shelf)) => {
                shelf.holds(&held.credentials);
                // A log-out that came during the write still has to be carried through (R17).
                shelf.must_forget &= !is_current;
                Step::Done(Ok(()))
            }
            (Input::Stored(Err(error)), _) => Step::Done(Err(error)),
            _ => Step::Done(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests;

//! One step of some work: which method takes which input. To add a step, begin here.

use std::sync::Arc;

use super::State;
use super::flight::{Flight, Input, LoadReason, Phase, Rest, Step, StoreCall, StoreResult, Work};
use super::held::Held;
use crate::clock::Reading;
use crate::error::Error;
use crate::store::{Entry, Replaced};

/// How often a write outside of a flight is tried again because the store held something else. A store that many processes write to
/// seldom needs more than a few.
const MAX_REFUSED: u32 = 20;

impl State {
    /// Moves some work on. A flight that no longer runs is told to stop.
    pub(crate) fn step(&mut self, work: &Work, input: Input, now: Reading) -> Step {
        match work {
            Work::Flight(id) => self.step_flight(*id, input, now),
            Work::Forget => self.step_forget(input, now),
            Work::Save(held) => self.step_save(held, input),
            Work::Rest(rest) => self.step_rest(rest, input, now),
        }
    }

    /// Whether some work still matters.
    pub(crate) fn is_wanted(&self, work: &Work) -> bool {
        let shelf = self.shelf.as_ref();
        let is_ours = |entry: &Entry| {
            shelf.and_then(|shelf| shelf.ours()).is_some_and(|ours| ours.version() == entry.version())
        };
        match work {
            Work::Flight(id) => self.flight.as_ref().is_some_and(|flight| flight.id == *id),
            Work::Forget => self.must_forget(),
            Work::Save(held) => self.holdings.generation() == held.generation,
            Work::Rest(Rest::Note(entry)) => is_ours(entry),
            Work::Rest(Rest::Save { entry, .. }) => {
                is_ours(entry) && shelf.is_some_and(|shelf| shelf.unsaved_since.is_some())
            }
            Work::Rest(Rest::Revoke(_)) => true,
        }
    }

    /// Whether a call of the store has to be made, now that it is its turn. Another call may have written the log-out.
    pub(crate) fn needs(&self, work: &Work, call: &StoreCall) -> bool {
        let is_log_out = match call {
            StoreCall::Replace(_, entry) | StoreCall::Overwrite(entry) => entry.is_logged_out(),
            StoreCall::Load | StoreCall::Guard(_) => false,
        };
        self.is_wanted(work) && (self.must_forget() || !is_log_out)
    }

    fn step_flight(&mut self, id: u64, input: Input, now: Reading) -> Step {
        let Some(mut flight) = self.flight.take_if(|flight| flight.id == id) else {
            return match input {
                Input::Responded(sent, Ok(brought)) => self.came_late(id, sent, brought, now),
                _ => Step::Stop,
            };
        };
        let phase = std::mem::replace(&mut flight.phase, Phase::Beginning);
        match (phase, input) {
            (Phase::Beginning, Input::Begin) => self.begin(flight, now),
            (Phase::Forgetting, Input::Stored(StoreResult::Replaced(result))) => {
                self.forgot(flight, result, now)
            }
            (Phase::Loading(reason), Input::Stored(StoreResult::Loaded(result))) => {
                self.loaded(flight, reason, result, now)
            }
            (Phase::Entering, Input::Stored(StoreResult::Guarded(result))) => {
                self.entered(flight, result, now)
            }
            (Phase::Proving { ends_turn }, Input::Stored(StoreResult::Replaced(result))) => {
                self.proved(flight, ends_turn, result, now)
            }
            (Phase::Proving { .. }, Input::Lapsed) => self.enter_again(flight, now),
            (Phase::Noting(note), Input::Stored(StoreResult::Replaced(result))) => {
                self.noted(flight, note, result, now)
            }
            (Phase::Yielding, Input::Waited) => self.load(flight, LoadReason::Yielding),
            (Phase::AwaitingWriter, Input::Waited) => self.load(flight, LoadReason::Refused),
            (Phase::Waiting, Input::Waited) => self.attempt(flight, now),
            (Phase::Refreshing { in_doubt }, Input::Lapsed) => self.lapsed(flight, in_doubt, now),
            (Phase::Refreshing { in_doubt }, Input::Responded(sent, response)) => {
                let response = response.map_err(|error| self.with_retry_after_in_bounds(error));
                self.refreshed(flight, in_doubt, sent.at, response, now)
            }
            (Phase::LoggingIn, Input::Responded(sent, response)) => {
                let response = response.map_err(|error| self.with_retry_after_in_bounds(error));
                self.logged_in(flight, sent.at, response, now)
            }
            (Phase::Saving(saving), Input::Stored(StoreResult::Replaced(result))) => {
                self.saved(flight, saving, result, now)
            }
            (Phase::SavingAgain(saving), Input::Waited) => self.save_again(flight, saving),
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
    fn step_forget(&mut self, input: Input, now: Reading) -> Step {
        let Some(shelf) = self.shelf.as_mut().filter(|shelf| shelf.forget.is_some()) else {
            return Step::Done(Ok(()));
        };
        match input {
            Input::Begin => {
                shelf.refused = 0;
                if shelf.is_known { self.write_forget() } else { Step::Store(StoreCall::Load) }
            }
            Input::Stored(
                StoreResult::Loaded(Ok(found)) | StoreResult::Replaced(Ok(Replaced::No(found))),
            ) => {
                shelf.log_out_finds(found.as_ref());
                shelf.read(found.as_ref());
                found.map(|found| shelf.forget_over(*found.version()));
                shelf.refused += 1;
                if shelf.refused <= MAX_REFUSED {
                    return self.write_forget();
                }
                shelf.overwrites = true;
                shelf
                    .forget
                    .clone()
                    .map_or(Step::Done(Ok(())), |note| Step::Store(StoreCall::Overwrite(note)))
            }
            // A log-out does not need to read what is stored. But a store that hangs would only cost more time.
            Input::Stored(StoreResult::Loaded(Err(error)) | StoreResult::Replaced(Err(error)))
                if !shelf.overwrites && !error.is_late() =>
            {
                shelf.overwrites = true;
                match shelf.forget_unread(now) {
                    Some(entry) => Step::Store(StoreCall::Overwrite(entry)),
                    None => Step::Done(Ok(())),
                }
            }
            Input::Stored(StoreResult::Loaded(Err(error)) | StoreResult::Replaced(Err(error))) => {
                shelf.log_out_failed();
                self.guard_may_have_ended();
                Step::Done(Err(error))
            }
            Input::Stored(StoreResult::Replaced(Ok(Replaced::Yes))) => {
                shelf.forgot();
                self.guard_may_have_ended();
                Step::Done(Ok(()))
            }
            _ => Step::Done(Ok(())),
        }
    }

    /// Something was written outside the flight, as a log-out or as what the program has set. That may end the guard that a
    /// flight has.
    fn guard_may_have_ended(&mut self) {
        if let Some(flight) = &mut self.flight {
            flight.at_store.hold = None;
            flight.at_store.is_proved = false;
        }
    }

    /// Writes the log-out over what the store is known to hold.
    fn write_forget(&mut self) -> Step {
        let call = self
            .shelf
            .as_ref()
            .and_then(|shelf| Some(StoreCall::Replace(shelf.stored, shelf.forget.clone()?)));
        call.map_or(Step::Done(Ok(())), Step::Store)
    }

    /// Saves the credentials that the program set, over whatever is there: they are a new log-in.
    fn step_save(&mut self, held: &Arc<Held>, input: Input) -> Step {
        let is_current =
            self.holdings.held().is_some_and(|now| now.credentials.same_tokens(&held.credentials));
        let Some(shelf) = self.shelf.as_mut().filter(|_| is_current) else { return Step::Done(Ok(())) };
        match input {
            Input::Begin => {
                shelf.refused = 0;
                if !shelf.is_known {
                    // Nobody could tell what comes later from what was there before.
                    return Step::Store(StoreCall::Load);
                }
            }
            Input::Stored(StoreResult::Loaded(Ok(found))) => shelf.read(found.as_ref()),
            Input::Stored(StoreResult::Loaded(Err(error))) => return Step::Done(Err(error)),
            Input::Stored(StoreResult::Replaced(result)) => {
                // If not, a flight has stored them, and what is there now came later.
                let is_saving = shelf.is_saving_set();
                match result {
                    Ok(Replaced::No(found)) if is_saving => {
                        shelf.read(found.as_ref());
                        // The program has set them after whatever was found.
                        shelf.log_in_over();
                        shelf.refused += 1;
                        if shelf.refused > MAX_REFUSED {
                            return Step::Done(Err(Error::store(
                                "the store held something else each time that the new credentials were written; check its \
                                 `CredentialStore::replace`",
                            )));
                        }
                    }
                    Ok(Replaced::No(_)) => return Step::Done(Ok(())),
                    Ok(Replaced::Yes) => {
                        shelf.saved_set();
                        self.guard_may_have_ended();
                        return Step::Done(Ok(()));
                    }
                    Err(error) => {
                        self.guard_may_have_ended();
                        return Step::Done(if is_saving { Err(error) } else { Ok(()) });
                    }
                }
            }
            _ => {}
        }
        match shelf.saves_set() {
            Some(entry) => Step::Store(StoreCall::Replace(shelf.stored, entry)),
            None => Step::Done(Ok(())),
        }
    }

    fn step_rest(&mut self, rest: &Rest, input: Input, now: Reading) -> Step {
        match input {
            // A log-out, or credentials that the program has set, may come just after the call of the store has ended.
            Input::Stored(_) if !self.is_wanted(&Work::Rest(rest.clone())) => Step::Stop,
            Input::Begin => self.rest_begins(rest),
            Input::Waited => self.rest_waited(rest),
            Input::Stored(StoreResult::Replaced(result)) => self.rest_replaced(rest, result, now),
            _ => Step::Stop,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;

//! What comes before a refresh token is sent, if there is a store: the guard, what other processes have written, and the
//! proof that the store can be written (R50-R53, R56).

use super::State;
use super::elsewhere::held_by;
use super::flight::{Flight, Guarded, LoadReason, Phase, Step, StoreCall};
use super::held::RefreshToken;
use super::retry::out_of_time;
use super::shelf::Finding;
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::event::Event;
use crate::store::{Entry, GuardError, GuardRequest, Holder, Replaced};

/// How often a flight may find that another writer came in between.
const MAX_TURNS: u32 = 10;

impl State {
    /// Spends a refresh token even if its successor can't be stored.
    pub(crate) fn refresh_without_store(&mut self) {
        if let Some(shelf) = &mut self.shelf {
            shelf.refreshes_without_store = true;
        }
    }

    /// Whether the next request needs something from the store first: the guard, and for a refresh token the proof.
    pub(super) fn needs_store(&self, flight: &Flight, sends_token: bool) -> bool {
        let at_store = &flight.at_store;
        match sends_token {
            true => self.shelf.is_some() && !at_store.is_proved,
            false => self.shelf.is_some() && at_store.hold.is_none() && !at_store.goes_without,
        }
    }

    /// Takes the guard, or writes the proof under the guard that the flight has.
    pub(super) fn prepare(&mut self, mut flight: Box<Flight>, sends_token: bool, now: Reading) -> Step {
        let Some(shelf) = &self.shelf else { return self.attempt(flight, now) };
        if sends_token && shelf.unsaved_since.is_some() {
            if shelf.refreshes_without_store {
                // The guard belongs to the save that is still tried.
                flight.at_store.is_proved = true;
                return self.attempt(flight, now);
            }
            let said = "the newest credentials could not be stored yet, so no refresh token is sent";
            let error = without_store(said, shelf.save_error.clone());
            return self.fail(flight, error, now);
        }
        if flight.at_store.hold.is_none() {
            return self.enter(flight, sends_token, now);
        }
        match shelf.foreign_intent().filter(|_| !flight.at_store.took_over) {
            Some(intent) => {
                let holder = intent.holder.clone();
                self.yield_to(flight, &holder, now)
            }
            None => self.prove(flight, now),
        }
    }

    fn enter(&mut self, mut flight: Box<Flight>, sends_token: bool, now: Reading) -> Step {
        let limit = flight.time_left(now);
        flight.at_store.turns += 1;
        flight.sends_since = None;
        if limit.is_zero() || flight.at_store.turns > MAX_TURNS {
            return self.fail(flight, out_of_time(), now);
        }
        let request = GuardRequest {
            limit,
            call_limit: self.pace.timing.store_timeout,
            holder: Holder::this_process(now.wall),
            proof: self.shelf.as_ref().and_then(|shelf| shelf.proof(now)).filter(|_| sends_token),
        };
        self.proceed(flight, Phase::Entering, Step::Store(StoreCall::Guard(request)))
    }

    /// The wait for the guard is over.
    pub(super) fn entered(
        &mut self,
        mut flight: Box<Flight>,
        result: Result<Guarded, GuardError>,
        now: Reading,
    ) -> Step {
        let guarded = match result {
            Ok(guarded) => guarded,
            Err(GuardError::Held(by)) => return self.fail(flight, held_by(by.as_ref()), now),
            Err(GuardError::NotWritable(error)) if self.token_to_send().is_some() => {
                // There may still be something new to read.
                return self.load(flight, LoadReason::NotWritable(error));
            }
            Err(GuardError::NotWritable(error) | GuardError::Unreachable(error)) => {
                return self.go_without(flight, error, now);
            }
        };
        flight.at_store.hold = guarded.hold;
        let found = guarded.found.unwrap_or_else(|error| {
            self.events.push(Event::StoreFailed { error: error.clone() });
            flight.reasons.store = Some(error);
            None
        });
        let proof = self.shelf.as_ref().and_then(|shelf| shelf.proof(now));
        match (&mut self.shelf, proof) {
            (Some(shelf), Some((_, entry))) if guarded.is_written => {
                shelf.holds(entry);
                flight.at_store.is_proved = true;
                self.attempt(flight, now)
            }
            _ => self.found(flight, found, now),
        }
    }

    /// This is in the store, and no other process writes now.
    pub(super) fn found(&mut self, mut flight: Box<Flight>, found: Option<Entry>, now: Reading) -> Step {
        let is_worth_more = found.as_ref().is_some_and(|found| self.is_worth_more(found, now));
        let Some(shelf) = &mut self.shelf else { return self.attempt(flight, now) };
        if let (Some(_), Some(found)) = (&shelf.forget, &found) {
            if !shelf.log_out_meets(found) {
                // It may be what was logged out here (R17). The next write is newer.
                shelf.read(Some(found));
                shelf.forget_over(*found.version());
                return self.attempt(flight, now);
            }
        }
        let finding = shelf.finding(found.as_ref());
        shelf.read(found.as_ref());
        if finding == Finding::Outdated && found.is_some() && shelf.remembers_log_out() {
            // The store was set back behind the log-out (R64).
            return self.forget(flight, now);
        }
        match (finding, found) {
            (Finding::News, Some(found)) => return self.adopt(flight, found, now),
            (Finding::LoggedOut, Some(found)) => return self.logged_out_elsewhere(flight, found, None, now),
            (Finding::Outdated, Some(found)) if is_worth_more => {
                return self.logged_in_elsewhere(found, None, flight.id, now);
            }
            (Finding::Ours, Some(found)) => {
                if found.is_refused() && self.holdings.refresh_token != RefreshToken::Refused {
                    self.holdings.refresh_token = RefreshToken::Refused;
                    flight.reasons.refusal.get_or_insert_with(refused_elsewhere);
                }
                shelf.holds(found);
            }
            _ => {}
        }
        match self.holdings.initial.take_if(|_| self.holdings.current.is_none()) {
            Some(initial) => self.take_up_initial(flight, initial, now),
            None if self.token_to_send().is_none() && self.holdings.current.is_some() => {
                self.after_refusal(flight, now)
            }
            None => self.attempt(flight, now),
        }
    }

    /// Writes that an exchange is open. That proves that the store can be written.
    pub(super) fn prove(&mut self, flight: Box<Flight>, now: Reading) -> Step {
        let Some((stored, entry)) = self.shelf.as_ref().and_then(|shelf| shelf.proof(now)) else {
            return self.fail(flight, out_of_time(), now);
        };
        let ends_turn = stored != Some(*entry.version());
        self.proceed(flight, Phase::Proving { ends_turn }, Step::Store(StoreCall::Replace(stored, entry)))
    }

    pub(super) fn proved(
        &mut self,
        mut flight: Box<Flight>,
        ends_turn: bool,
        result: Result<Replaced, Error>,
        now: Reading,
    ) -> Step {
        let proof = self.shelf.as_ref().and_then(|shelf| shelf.proof(now));
        match (result, &mut self.shelf, proof) {
            (Ok(Replaced::Yes), Some(shelf), Some((_, entry))) => {
                shelf.holds(entry);
                flight.at_store.is_proved = !ends_turn;
                if ends_turn {
                    flight.at_store.hold = None;
                }
                self.attempt(flight, now)
            }
            (Ok(Replaced::No(found)), ..) => {
                flight.at_store.turns += 1;
                if flight.at_store.turns > MAX_TURNS {
                    return self.fail(flight, out_of_time(), now);
                }
                // The guard was lost, or the store has none.
                self.found(flight, found, now)
            }
            (Err(error), ..) => self.go_without(flight, error, now),
            (Ok(Replaced::Yes), ..) => self.attempt(flight, now),
        }
    }

    /// There is no guard. A refresh token is not spent then: its successor could not be stored (R53, R56).
    pub(super) fn go_without(&mut self, mut flight: Box<Flight>, error: Error, now: Reading) -> Step {
        self.events.push(Event::StoreFailed { error: error.clone() });
        flight.at_store.hold = None;
        flight.at_store.goes_without = true;
        flight.reasons.store = Some(error.clone());
        if self.shelf.as_ref().is_some_and(|shelf| shelf.refreshes_without_store) {
            flight.at_store.is_proved = true;
        } else if self.token_to_send().is_some() {
            let said = "the credential store can't be used, and without it the refresh token is not spent";
            return self.fail(flight, without_store(said, Some(error)), now);
        }
        match self.holdings.initial.take_if(|_| self.holdings.current.is_none()) {
            Some(initial) => self.take_up_initial(flight, initial, now),
            None => self.attempt(flight, now),
        }
    }

    /// What would be sent to refresh: credentials whose refresh token may be good.
    pub(super) fn token_to_send(&self) -> Option<&Credentials> {
        let may_send = matches!(self.holdings.refresh_token, RefreshToken::Good | RefreshToken::InDoubt);
        let held = self.holdings.held().map(|held| &held.credentials);
        held.filter(|held| may_send && held.refresh_token().is_some())
    }
}

/// Many programs print an error without its causes, so this has the store's words in it.
fn without_store(said: &str, why: Option<Error>) -> Error {
    match why {
        Some(why) => Error::transient(format!("{said}: {why}")).not_processed().with_source(why),
        None => Error::transient(format!("{said}; check the store")).not_processed(),
    }
}

pub(super) fn refused_elsewhere() -> Error {
    Error::login_required("the identity provider has refused the stored refresh token; log in again")
}

//! The steps from what is held to something newer, the same for every source.
//!
//! Refresh. If the response was lost, read the store, then try once more (R14). If the refresh token was refused, read
//! the store and adopt what another process put there (R15). Otherwise log in. If that is not possible, say that the
//! user has to. With a store, a flight first takes its guard (`guarding`).

use std::time::Duration;

use super::State;
use super::flight::{By, Flight, LoadReason, LoginRequest, Phase, RefreshRequest, Step, StoreCall};
use super::held::RefreshToken;
use super::retry::out_of_time;
use super::shelf::Finding;
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::store::{Entry, Replaced};

impl State {
    pub(super) fn load(&mut self, flight: Box<Flight>, reason: LoadReason) -> Step {
        self.proceed(flight, Phase::Loading(reason), Step::Store(StoreCall::Load))
    }

    pub(super) fn begin(&mut self, mut flight: Box<Flight>, now: Reading) -> Step {
        if flight.only_looks.is_some() {
            return self.load(flight, LoadReason::Look);
        }
        if self.holdings.refresh_token == RefreshToken::Inconclusive {
            self.holdings.refresh_token = RefreshToken::InDoubt;
        }
        flight.repeated = self.holdings.refresh_token == RefreshToken::InDoubt;
        match &self.shelf {
            Some(shelf) if shelf.forget.is_some() => self.forget(flight, now),
            // What another process has stored may be good for long, so that no guard is needed.
            Some(_) if self.holdings.current.is_none() => self.load(flight, LoadReason::First),
            _ => self.attempt(flight, now),
        }
    }

    /// Writes the note of a log-out, which the log-out itself could not write.
    pub(super) fn forget(&mut self, flight: Box<Flight>, now: Reading) -> Step {
        let call = self
            .shelf
            .as_ref()
            .and_then(|shelf| Some(StoreCall::Replace(shelf.stored, shelf.forget.clone()?)));
        match call {
            Some(call) => self.proceed(flight, Phase::Forgetting, Step::Store(call)),
            None => self.attempt(flight, now),
        }
    }

    pub(super) fn forgot(
        &mut self,
        mut flight: Box<Flight>,
        result: Result<Replaced, Error>,
        now: Reading,
    ) -> Step {
        flight.at_store.turns += 1;
        let Some(shelf) = &mut self.shelf else { return self.attempt(flight, now) };
        match result {
            Ok(Replaced::Yes) => {
                shelf.forgot();
                // The write may have ended the guard.
                flight.at_store.hold = None;
            }
            Ok(Replaced::No(found)) => {
                if found.as_ref().is_some_and(|found| shelf.log_out_meets(found)) {
                    return self.found(flight, found, now);
                }
                shelf.read(found.as_ref());
                if let Some(found) = found {
                    shelf.forget_over(*found.version());
                }
                if flight.at_store.turns < 5 {
                    return self.forget(flight, now);
                }
            }
            Err(error) => self.events.push(Event::StoreFailed { error }),
        }
        self.attempt(flight, now)
    }

    /// Refreshes if there is a refresh token that may be sent, and logs in otherwise.
    pub(super) fn attempt(&mut self, flight: Box<Flight>, now: Reading) -> Step {
        let mut flight = match self.take_late(flight, now) {
            Ok(step) => return step,
            Err(flight) => flight,
        };
        if flight.time_left(now).is_zero() {
            return self.fail(flight, out_of_time(), now);
        }
        let Some(held) = self.token_to_send().cloned() else { return self.log_in(flight, now) };
        if self.needs_store(&flight, true) {
            return self.prepare(flight, true, now);
        }
        let patience = self.time_for_requests(&flight, now);
        if patience.is_zero() {
            return self.fail(flight, out_of_time(), now);
        }
        flight.sends(now);
        let limit = patience.saturating_add(self.pace.timing.flight_deadline);
        let in_doubt = self.holdings.refresh_token == RefreshToken::InDoubt;
        // From here on the refresh token may be spent, whatever happens before the response arrives.
        self.holdings.refresh_token = RefreshToken::InDoubt;
        let request = RefreshRequest { held, patience, limit };
        self.proceed(flight, Phase::Refreshing { in_doubt }, Step::Refresh(request))
    }

    /// Nothing was sent, because the guard may have been lost.
    pub(super) fn lapsed(&mut self, flight: Box<Flight>, was_in_doubt: bool, now: Reading) -> Step {
        self.holdings.refresh_token = if was_in_doubt { RefreshToken::InDoubt } else { RefreshToken::Good };
        self.enter_again(flight, now)
    }

    /// Takes the guard anew.
    pub(super) fn enter_again(&mut self, mut flight: Box<Flight>, now: Reading) -> Step {
        flight.at_store.hold = None;
        flight.at_store.is_proved = false;
        self.attempt(flight, now)
    }

    pub(super) fn log_in(&mut self, mut flight: Box<Flight>, now: Reading) -> Step {
        if self.needs_store(&flight, false) {
            self.await_user(&mut flight, false, now);
            return self.prepare(flight, false, now);
        }
        self.await_user(&mut flight, true, now);
        match flight.time_left(now) {
            Duration::ZERO => self.fail(flight, out_of_time(), now),
            limit => {
                flight.sends(now);
                let request = LoginRequest { limit, waits_for_user: flight.waits_for_user.is_some() };
                self.proceed(flight, Phase::LoggingIn, Step::Login(request))
            }
        }
    }

    pub(super) fn refreshed(
        &mut self,
        mut flight: Box<Flight>,
        was_in_doubt: bool,
        sent: Reading,
        response: Result<Credentials, Error>,
        now: Reading,
    ) -> Step {
        let error = match response {
            Ok(credentials) => {
                let credentials = self.keep_what_is_missing(credentials);
                return self.persist(flight, sent, credentials, By::Refresh, now);
            }
            Err(error) => error,
        };
        let before = if was_in_doubt { RefreshToken::InDoubt } else { RefreshToken::Good };
        match error.kind() {
            ErrorKind::LoginRequired => {
                // Of a source that can't refresh, nobody has refused anything.
                self.holdings.refresh_token = match error.is_inconclusive() || error.is_unsupported() {
                    true => RefreshToken::Inconclusive,
                    false => RefreshToken::Refused,
                };
                flight.reasons.refusal.get_or_insert(error);
                match self.shelf {
                    Some(_) => self.load(flight, LoadReason::Refused),
                    None => self.after_refusal(flight, now),
                }
            }
            ErrorKind::Transient if !error.may_have_been_processed() => {
                self.holdings.refresh_token = before;
                self.try_again(flight, error, now)
            }
            ErrorKind::Transient if !flight.repeated => {
                flight.repeated = true;
                match self.shelf {
                    Some(_) => self.load(flight, LoadReason::Lost(error)),
                    None => self.repeat(flight, error, now),
                }
            }
            // The provider read the request and refused the client, not the token.
            ErrorKind::Misconfigured => {
                self.holdings.refresh_token = before;
                self.fail(flight, error, now)
            }
            _ => self.fail(flight, error, now),
        }
    }

    pub(super) fn logged_in(
        &mut self,
        mut flight: Box<Flight>,
        sent: Reading,
        response: Result<Credentials, Error>,
        now: Reading,
    ) -> Step {
        let error = match response {
            Ok(credentials) => {
                // The person has taken their time. What follows has its own.
                flight.sends_since = None;
                return self.persist(flight, sent, credentials, By::Login, now);
            }
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::Transient => self.try_again(flight, error, now),
            ErrorKind::LoginRequired if error.is_unsupported() => {
                // A store that cannot be read is an outage, not a reason to send the user to the log-in page.
                let refusal = flight.reasons.refusal.clone().filter(|refusal| !refusal.is_unsupported());
                let error = flight.reasons.store.clone().or(refusal).unwrap_or(error);
                self.fail(flight, error, now)
            }
            _ => self.fail(flight, error, now),
        }
    }

    pub(super) fn loaded(
        &mut self,
        mut flight: Box<Flight>,
        reason: LoadReason,
        result: Result<Option<Entry>, Error>,
        now: Reading,
    ) -> Step {
        if let (Ok(Some(found)), Some(shelf)) = (&result, &mut self.shelf) {
            if shelf.forget.is_some() {
                // If the log-out is over, there is nothing left to write, and what was found counts.
                shelf.log_out_meets(found);
            }
        }
        let found = match (result, &mut self.shelf) {
            (Ok(found), Some(shelf)) if shelf.forget.is_none() => {
                let finding = shelf.finding(found.as_ref());
                shelf.read(found.as_ref());
                match (finding, found) {
                    (Finding::News, Some(found)) => return self.adopt(flight, found, now),
                    (Finding::LoggedOut, Some(found)) => {
                        return self.logged_out_elsewhere(flight, found, None, now);
                    }
                    (Finding::Outdated, Some(found)) if self.is_worth_more(&found, now) => {
                        return self.logged_in_elsewhere(found, None, flight.id, now);
                    }
                    (_, found) => found,
                }
            }
            (Err(error), _) if flight.only_looks.is_none() => {
                self.events.push(Event::StoreFailed { error: error.clone() });
                flight.reasons.store = Some(error);
                None
            }
            _ => None,
        };
        match reason {
            LoadReason::First => match self.holdings.initial.take() {
                Some(initial) => self.take_up_initial(flight, initial, now),
                None => self.attempt(flight, now),
            },
            LoadReason::Lost(error) => self.repeat(flight, error, now),
            LoadReason::Refused => self.await_writer(flight, now),
            LoadReason::Yielding => self.found(flight, found, now),
            LoadReason::NotWritable(error) => self.go_without(flight, error, now),
            LoadReason::Look => self.found_nothing(flight, now),
        }
    }
}

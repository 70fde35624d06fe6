//! The steps from what is held to something newer, the same for every source.
//!
//! Refresh. If the response was lost, read the store, then try once more (R14). If the refresh token was refused, read
//! the store and adopt what another process put there (R15). Otherwise log in. If that is not possible, say that the
//! user has to.

use std::sync::Arc;
use std::time::Duration;

use super::State;
use super::flight::{Flight, LoadReason, Phase, RefreshRequest, Step, StoreCall, StoreResult};
use super::held::{Candidate, Held, RefreshToken};
use super::retry::out_of_time;
use super::windows::{Freshness, Windows};
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::event::Event;

impl State {
    fn load(&mut self, flight: Box<Flight>, reason: LoadReason) -> Step {
        self.proceed(flight, Phase::Loading(reason), Step::Store(StoreCall::Load))
    }

    pub(super) fn begin(&mut self, mut flight: Box<Flight>, now: Reading) -> Step {
        if self.holdings.refresh_token == RefreshToken::Inconclusive {
            self.holdings.refresh_token = RefreshToken::InDoubt;
        }
        flight.repeated = self.holdings.refresh_token == RefreshToken::InDoubt;
        if self.must_forget() {
            return self.proceed(flight, Phase::Forgetting, Step::Store(StoreCall::Clear));
        }
        // Read the store first wherever another process may have written what is missing here.
        let reason = match self.holdings.refresh_token {
            _ if self.holdings.current.is_none() => Some(LoadReason::First),
            RefreshToken::InDoubt => Some(LoadReason::Doubt),
            RefreshToken::Inconclusive | RefreshToken::Refused => Some(LoadReason::Refused),
            RefreshToken::Good => None,
        };
        match reason.filter(|_| self.may_read()) {
            Some(reason) => self.load(flight, reason),
            None => self.attempt(flight, now),
        }
    }

    pub(super) fn forgot(&mut self, flight: Box<Flight>, result: StoreResult, now: Reading) -> Step {
        match (result, &mut self.shelf) {
            (Ok(_), Some(shelf)) => shelf.must_forget = false,
            (Ok(_), None) => {}
            (Err(error), _) => self.events.push(Event::StoreFailed { error }),
        }
        self.attempt(flight, now)
    }

    /// Refreshes if there is a refresh token that may be sent, and logs in otherwise.
    pub(super) fn attempt(&mut self, flight: Box<Flight>, now: Reading) -> Step {
        let patience = self.time_left(&flight, now);
        if patience.is_zero() {
            return self.fail(flight, out_of_time(), now);
        }
        let before = self.holdings.refresh_token;
        let held = self.holdings.held().map(|held| &held.credentials).filter(|held| {
            held.refresh_token().is_some() && matches!(before, RefreshToken::Good | RefreshToken::InDoubt)
        });
        match held.cloned() {
            Some(held) => {
                let limit = patience.saturating_add(self.pace.timing.flight_deadline);
                // From here on the refresh token may be spent, whatever happens before the response arrives.
                self.holdings.refresh_token = RefreshToken::InDoubt;
                let in_doubt = before == RefreshToken::InDoubt;
                self.proceed(
                    flight,
                    Phase::Refreshing { in_doubt },
                    Step::Refresh(RefreshRequest { held, patience, limit }),
                )
            }
            None => self.log_in(flight, now),
        }
    }

    fn log_in(&mut self, flight: Box<Flight>, now: Reading) -> Step {
        match self.time_left(&flight, now) {
            Duration::ZERO => self.fail(flight, out_of_time(), now),
            limit => self.proceed(flight, Phase::LoggingIn, Step::Login(limit)),
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
                let credentials = self.keep_refresh_token(credentials);
                return self.persist(flight, sent, credentials, now);
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
                match self.may_read() {
                    true => self.load(flight, LoadReason::Refused),
                    false => self.after_refusal(flight, now),
                }
            }
            ErrorKind::Transient if !error.may_have_been_processed() => {
                self.holdings.refresh_token = before;
                self.try_again(flight, error, now)
            }
            ErrorKind::Transient if !flight.repeated => {
                flight.repeated = true;
                match self.may_read() {
                    true => self.load(flight, LoadReason::Lost(error)),
                    false => self.repeat(flight, error, now),
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
        flight: Box<Flight>,
        sent: Reading,
        response: Result<Credentials, Error>,
        now: Reading,
    ) -> Step {
        let error = match response {
            Ok(credentials) => return self.persist(flight, sent, credentials, now),
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
        result: StoreResult,
        now: Reading,
    ) -> Step {
        match result {
            Ok(Some(found)) if self.may_read() && self.is_news(&found) => {
                return self.adopt(flight, found, now);
            }
            Ok(_) => {}
            Err(error) => {
                self.events.push(Event::StoreFailed { error: error.clone() });
                flight.reasons.store = Some(error);
            }
        }
        match reason {
            LoadReason::First => match self.holdings.initial.take() {
                Some(initial) => self.take_up(flight, initial, now),
                None => self.attempt(flight, now),
            },
            LoadReason::Doubt => self.attempt(flight, now),
            LoadReason::Lost(error) => self.repeat(flight, error, now),
            LoadReason::Refused => self.after_refusal(flight, now),
        }
    }

    /// Whether another process wrote this: it is neither what is in use nor what this process may have written.
    fn is_news(&self, found: &Credentials) -> bool {
        let is_held = self.holdings.held().is_some_and(|held| held.credentials.same_tokens(found));
        !is_held && !self.shelf.as_ref().is_some_and(|shelf| shelf.may_hold(found))
    }

    fn adopt(&mut self, flight: Box<Flight>, found: Credentials, now: Reading) -> Step {
        let windows = Windows::of(&found, now, false, &mut self.pace);
        if let Some(shelf) = &mut self.shelf {
            shelf.holds(&found);
        }
        let holdings = &mut self.holdings;
        if holdings.current.is_none() {
            // The initial credentials are used until something better is found: what the store has may be expired (R8).
            holdings.current = holdings.initial.clone();
        }
        let held = holdings.number(found, windows);
        self.events.push(Event::Adopted { generation: held.generation });
        if matches!(holdings.refresh_token, RefreshToken::InDoubt | RefreshToken::Inconclusive) {
            holdings.doubted = holdings.current.clone();
        }
        let rejected = self.is_rejected(&held.credentials);
        self.take_up(flight, Candidate { held, rejected }, now)
    }

    /// Tries the credentials that were in doubt, then those that the source was built with. The log-in comes last. A refresh
    /// token whose refusal was inconclusive is kept, so that nothing may take its place but the log-in.
    fn after_refusal(&mut self, flight: Box<Flight>, now: Reading) -> Step {
        let was_inconclusive = flight.reasons.refusal.as_ref().is_some_and(Error::is_inconclusive);
        if was_inconclusive || self.holdings.refresh_token == RefreshToken::Inconclusive {
            return self.log_in(flight, now);
        }
        if let Some(doubted) = self.holdings.doubted.take() {
            return self.take_up(flight, doubted, now);
        }
        match self.holdings.initial.take() {
            Some(initial) if self.is_news(&initial.held.credentials) => self.take_up(flight, initial, now),
            _ => self.log_in(flight, now),
        }
    }

    /// Puts credentials in use that were not issued just now. They are refreshed at once if that is due, or if a caller
    /// wants credentials that are issued from now on.
    fn take_up(&mut self, flight: Box<Flight>, found: Candidate, now: Reading) -> Step {
        let Candidate { held, rejected } = &found;
        let is_due = *rejected || held.windows.freshness(now) >= Freshness::Mandatory;
        let is_older = self.holdings.held().is_some_and(|current| held.generation < current.generation);
        let left = held.time_left(now);
        let better = |good: &Arc<Held>| {
            *rejected || good.time_left(now) > left || (is_older && good.time_left(now) == left)
        };
        let candidate = match self.usable(now) {
            // The token that is valid for longer stays in use until the refresh has brought another (R8).
            Some((good, _)) if (is_due || is_older) && better(&good) => {
                Candidate::good(good.with_refresh_token_of(held))
            }
            _ => found,
        };
        self.holdings.put_in_use(candidate);
        match is_due || flight.is_requested {
            true => self.attempt(flight, now),
            false => self.succeed(&flight, now),
        }
    }
}

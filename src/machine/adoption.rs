//! Credentials that were not issued just now: found in the store, given at construction, or put aside.

use std::sync::Arc;

use super::State;
use super::flight::{Flight, Phase, Step, StoreCall};
use super::guarding::refused_elsewhere;
use super::held::{Candidate, Held, RefreshToken};
use super::shelf::ChangeOfLogin;
use super::windows::{Freshness, Windows};
use crate::clock::Reading;
use crate::error::Error;
use crate::event::Event;
use crate::store::Entry;

impl State {
    /// Takes what another process has written.
    pub(super) fn adopt(&mut self, mut flight: Box<Flight>, found: Entry, now: Reading) -> Step {
        let Some(credentials) = found.credentials().cloned() else { return self.attempt(flight, now) };
        self.has_found(&mut flight);
        let change = self.shelf.as_ref().map_or(ChangeOfLogin::None, |shelf| shelf.change_of_login(&found));
        if change == ChangeOfLogin::AfterLogOut && self.holdings.current.is_some() {
            return self.logged_in_elsewhere(found, None, flight.id, now);
        }
        self.keep_doubted(&found, change);
        let is_refused = found.is_refused();
        let windows = Windows::of(&credentials, now, false, &mut self.pace);
        if let Some(shelf) = &mut self.shelf {
            shelf.holds(found);
        }
        flight.at_store.is_proved = false;
        let holdings = &mut self.holdings;
        if holdings.current.is_none() {
            // The initial credentials are used until something better is found: what the store has may be expired (R8).
            holdings.current = holdings.initial.clone();
        }
        let held = holdings.number(credentials, windows);
        self.events.push(Event::Adopted { generation: held.generation });
        let rejected = self.is_rejected(&held.credentials);
        self.take_up(flight, Candidate { held, rejected }, is_refused, now)
    }

    /// A flight that only looked has found something. It is a refresh from now on.
    pub(super) fn has_found(&mut self, flight: &mut Flight) {
        if flight.only_looks.take().is_some() {
            let (generation, cause) = (self.holdings.generation(), flight.cause);
            self.events.push(Event::RefreshStarted { generation, cause });
        }
    }

    /// Puts the credentials in use that the source was built with. The store holds nothing newer.
    pub(super) fn take_up_initial(&mut self, flight: Box<Flight>, initial: Candidate, now: Reading) -> Step {
        if let Some(shelf) = &mut self.shelf {
            let entry = shelf.logged_in(initial.held.credentials.clone());
            shelf.uses(entry);
        }
        self.take_up(flight, initial, false, now)
    }

    /// Tries the credentials that were in doubt, then those that the source was built with. The log-in comes last. A refresh
    /// token whose refusal was inconclusive is kept, so that nothing may take its place but the log-in.
    pub(super) fn after_refusal(&mut self, flight: Box<Flight>, now: Reading) -> Step {
        let flight = match self.take_late(flight, now) {
            Ok(step) => return step,
            Err(flight) => flight,
        };
        let was_inconclusive = flight.reasons.refusal.as_ref().is_some_and(Error::is_inconclusive);
        if was_inconclusive || self.holdings.refresh_token == RefreshToken::Inconclusive {
            return self.log_in(flight, now);
        }
        if self.initial_is_in_use() {
            self.holdings.initial = None;
        }
        let is_another_left = self.holdings.doubted.is_some() || self.holdings.initial.is_some();
        if let Some(note) = self.refusal_to_note(&flight).filter(|_| is_another_left) {
            // What comes next is written over it, and may never be sent.
            let call = StoreCall::Replace(Some(*note.version()), note.clone());
            return self.proceed(flight, Phase::Noting(note), Step::Store(call));
        }
        if let Some(doubted) = self.holdings.doubted.take() {
            if let Some(shelf) = &mut self.shelf {
                let entry = shelf.refreshed(doubted.held.credentials.clone());
                shelf.uses(entry);
            }
            return self.take_up(flight, doubted, false, now);
        }
        match self.holdings.initial.take() {
            Some(initial) => self.take_up_initial(flight, initial, now),
            None => self.log_in(flight, now),
        }
    }

    /// Whether the store held just what the source was built with.
    fn initial_is_in_use(&self) -> bool {
        let initial = self.holdings.initial.as_ref().map(|initial| &initial.held.credentials);
        let held = self.holdings.held().map(|held| &held.credentials);
        initial.zip(held).is_some_and(|(initial, held)| initial.same_tokens(held))
    }

    /// Puts credentials in use that were not issued just now. They are refreshed at once if that is due, or if a caller
    /// wants credentials that are issued from now on.
    pub(super) fn take_up(
        &mut self,
        mut flight: Box<Flight>,
        found: Candidate,
        is_refused: bool,
        now: Reading,
    ) -> Step {
        flight.at_store.is_proved = false;
        let Candidate { held, rejected } = &found;
        let is_due = *rejected || held.windows.freshness(now) >= Freshness::Mandatory;
        let (successor, is_good) = (held.credentials.clone(), !*rejected);
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
        if is_good {
            self.remember_replaced(&successor);
        }
        self.holdings.put_in_use(candidate);
        if is_refused {
            self.holdings.refresh_token = RefreshToken::Refused;
        }
        match is_due || flight.is_requested {
            true if is_refused => {
                flight.reasons.refusal.get_or_insert_with(refused_elsewhere);
                self.after_refusal(flight, now)
            }
            true => self.attempt(flight, now),
            false => self.succeed(&flight, now),
        }
    }
}

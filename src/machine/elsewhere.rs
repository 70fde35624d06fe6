//! What other processes do: they log in and out, refresh, and leave an exchange open (R51, R55, R59).

use std::time::Duration;

use super::State;
use super::flight::{Flight, Hold, Phase, Rest, Step};
use super::held::{Candidate, RefreshToken};
use super::shelf::{ChangeOfLogin, Finding};
use super::windows::{Freshness, Windows};
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::event::Event;
use crate::store::{Entry, GuardError, Holder, Relation, Version};
use crate::timing::Timing;

impl State {
    /// Whether this, found in the store, ends the wait for its guard: another process has written it (R57).
    pub(crate) fn is_news(&self, found: Option<&Entry>) -> bool {
        let shelf = self.shelf.as_ref().filter(|shelf| shelf.forget.is_none());
        let finding = shelf.map(|shelf| shelf.finding(found));
        matches!(finding, Some(Finding::News | Finding::LoggedOut))
    }

    /// What the store holds as far as is known.
    pub(crate) fn stored(&self) -> Option<Version> {
        self.shelf.as_ref()?.stored
    }

    /// Another process has written this. A flight that is in the air reads the store itself (R59).
    pub(crate) fn heard(&mut self, found: Entry, now: Reading) {
        let Some(shelf) = self.shelf.as_mut().filter(|shelf| shelf.forget.is_none()) else { return };
        if self.flight.is_some() || shelf.unsaved_since.is_some() {
            return;
        }
        let is_held = self.holdings.current.is_some();
        match (shelf.finding(Some(&found)), found.credentials().cloned()) {
            (Finding::LoggedOut, _) if is_held => {
                shelf.ends_login();
                shelf.holds(found);
                self.end_login();
            }
            (Finding::News, Some(credentials)) if !found.is_refused() => {
                let windows = Windows::of(&credentials, now, false, &mut self.pace);
                if windows.freshness(now) == Freshness::Expired {
                    return;
                }
                let change = shelf.change_of_login(&found);
                if change == ChangeOfLogin::AfterLogOut {
                    self.end_login();
                }
                let held = self.holdings.number(credentials, windows);
                let rejected = self.is_rejected(&held.credentials);
                self.events.push(Event::Adopted { generation: held.generation });
                self.holdings.initial = None;
                self.keep_doubted(&found, change);
                if let Some(shelf) = &mut self.shelf {
                    shelf.holds(found);
                }
                self.holdings.put_in_use(Candidate { held, rejected });
                self.failure = None;
            }
            _ => {}
        }
    }

    /// Whether an older login, to which the store was set back, is better than what is held: that is refused and has expired. The
    /// other processes use the older one (R64).
    pub(super) fn is_worth_more(&self, found: &Entry, now: Reading) -> bool {
        let Some(shelf) = &self.shelf else { return false };
        let is_of_another_login =
            shelf.ours().is_some_and(|ours| ours.version().login != found.version().login)
                && !shelf.has_ended(found);
        let is_held_in_vain =
            self.holdings.refresh_token == RefreshToken::Refused && !self.holdings.is_unexpired(now);
        is_held_in_vain && is_of_another_login && found.credentials().is_some() && !found.is_refused()
    }

    /// Another process has logged out, and then in, perhaps as another user. Who waits for this flight gets nothing of that login.
    pub(super) fn logged_in_elsewhere(
        &mut self,
        found: Entry,
        brought: Option<Credentials>,
        flight: u64,
        now: Reading,
    ) -> Step {
        let credentials = found.credentials().cloned();
        let is_refused = found.is_refused();
        self.end_login();
        if let Some(shelf) = &mut self.shelf {
            shelf.holds(found);
            shelf.rest = brought.map(|brought| (flight, Rest::Revoke(brought)));
        }
        if let Some(credentials) = credentials {
            let windows = Windows::of(&credentials, now, false, &mut self.pace);
            let held = self.holdings.number(credentials, windows);
            self.events.push(Event::Adopted { generation: held.generation });
            self.holdings.put_in_use(Candidate::good(held));
            if is_refused {
                self.holdings.refresh_token = RefreshToken::Refused;
            }
        }
        Step::Done(Err(Error::login_required("another process has logged out and in again since; try again")))
    }

    /// What was in use is kept beside what is adopted, if its refresh token may be the good one. That of another login is not.
    pub(super) fn keep_doubted(&mut self, found: &Entry, change: ChangeOfLogin) {
        let is_fork = self
            .shelf
            .as_ref()
            .and_then(|shelf| shelf.ours())
            .is_some_and(|ours| found.version().relation_to(ours.version()) == Relation::Fork);
        let is_in_doubt =
            matches!(self.holdings.refresh_token, RefreshToken::InDoubt | RefreshToken::Inconclusive);
        if change != ChangeOfLogin::None {
            self.holdings.doubted = None;
        } else if is_in_doubt || is_fork {
            self.holdings.doubted = self.holdings.current.clone();
        }
    }

    /// Another process has logged out: what is held here is forgotten. `brought` is what this flight got meanwhile.
    pub(super) fn logged_out_elsewhere(
        &mut self,
        flight: Box<Flight>,
        tombstone: Entry,
        brought: Option<Credentials>,
        now: Reading,
    ) -> Step {
        let is_held = self.holdings.current.is_some() || brought.is_some();
        if let Some(shelf) = &mut self.shelf {
            shelf.ends_login();
            shelf.holds(tombstone);
            shelf.rest = brought.map(|brought| (flight.id, Rest::Revoke(brought)));
        }
        if !is_held {
            // Nothing was handed out.
            self.holdings.initial = None;
            return self.attempt(flight, now);
        }
        self.end_login();
        Step::Done(Err(logged_out()))
    }

    /// Another process has said that it sends the refresh token, and has written no result. Its access token is used while it
    /// is valid. After that it has some time left, and then this flight takes over (R51).
    pub(super) fn yield_to(&mut self, mut flight: Box<Flight>, holder: &Holder, now: Reading) -> Step {
        let Some(current) = &self.holdings.current else { return self.prove(flight, now) };
        let expiry = current.held.windows.expiry;
        let ends = current.held.windows.expires_at();
        let lasts = !current.rejected || ends.is_some();
        if lasts && !expiry.passed(now) {
            return self.fail(flight, held_by(Some(holder)), now);
        }
        let since = *flight.at_store.yields_since.get_or_insert(now.monotonic);
        let waited = now.monotonic.saturating_sub(since);
        let begun = holder.since().max(ends.unwrap_or(holder.since()));
        let passed = now.wall.duration_since(begun).unwrap_or_default().max(waited);
        let is_over = flight.at_store.hold == Some(Hold::CannotLapse);
        match Timing::EXCHANGE_WAIT.saturating_sub(passed) {
            left if is_over || left.is_zero() => {
                // Its refresh token may be spent.
                flight.at_store.took_over = true;
                flight.repeated = true;
                self.holdings.refresh_token = RefreshToken::InDoubt;
                self.prove(flight, now)
            }
            left if left.min(POLL) >= flight.time_left(now) => self.fail(flight, held_by(Some(holder)), now),
            left => self.proceed(flight, Phase::Yielding, Step::Wait(left.min(POLL))),
        }
    }

    /// The refresh token was refused. If another process had an exchange open, its result may come yet (R55).
    pub(super) fn await_writer(&mut self, flight: Box<Flight>, now: Reading) -> Step {
        let since = flight.at_store.yields_since.unwrap_or(now.monotonic);
        let is_over = now.monotonic >= since.saturating_add(Timing::EXCHANGE_WAIT.saturating_mul(2));
        // A log-in may follow, and has to have the time that a request may take.
        let has_time = POLL.saturating_add(Timing::EXCHANGE_WAIT) <= flight.time_left(now);
        // If the guard can't lapse, the other process has ended.
        let may_come = flight.at_store.took_over && flight.at_store.hold != Some(Hold::CannotLapse);
        match may_come && flight.at_store.yields_since.is_some() && !is_over && has_time {
            true => self.proceed(flight, Phase::AwaitingWriter, Step::Wait(POLL)),
            false => self.after_refusal(flight, now),
        }
    }
}

/// How often the store is read during a wait for another process.
const POLL: Duration = Duration::from_millis(100);

pub(super) fn logged_out() -> Error {
    Error::login_required("another process has logged out; log in again")
}

pub(super) fn held_by(holder: Option<&Holder>) -> Error {
    let error = GuardError::Held(holder.cloned());
    Error::transient(error.to_string()).not_processed().with_holder(holder.cloned())
}

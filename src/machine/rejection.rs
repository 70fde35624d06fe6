//! What a server's 401 means: which token it was about, and whether a refresh is due (R24, R26).

use std::time::Duration;

use super::ending::overdue;
use super::flight::{Flight, Step};
use super::held::Held;
use super::marks::hash_access_token;
use super::{State, Verdict};
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::event::{Event, RefreshCause};

impl State {
    /// A server rejected the token of `generation` (R24, R26).
    pub(crate) fn reject(&mut self, generation: u64, now: Reading) -> Verdict {
        if generation <= self.log_out.generation {
            return Verdict::logged_out();
        }
        // Some providers issue the same token again. An older generation of a token is that same token.
        let held = match self.holdings.held().filter(|held| held.covers(generation)) {
            Some(held) if !self.holdings.is_rejected() => held.clone(),
            // It was replaced or rejected before. `need` knows what follows.
            _ => {
                self.holdings.reject_put_aside(|held| held.covers(generation));
                return self.need_usable(now);
            }
        };
        let is_same = |other: &Held| other.credentials.same_access_token(&held.credentials);
        if self.usable(now).is_none() {
            // It has expired and is replaced for that reason, but not by the same token (R12).
            self.holdings.reject_put_aside(is_same);
            let verdict = self.need_usable(now);
            if self.flight.is_some() {
                self.mark_rejected();
            }
            return verdict;
        }
        if let Some(error) = self.rest(now, false, true) {
            if !self.may_look(&error) {
                return Verdict::Fail(error);
            }
            self.mark_rejected();
            let verdict = self.join(now, RefreshCause::Rejected, false);
            self.flight.iter_mut().for_each(|look| look.withholds = true);
            return verdict;
        }
        if self.flight.as_ref().is_some_and(|flight| flight.time_left(now).is_zero()) {
            // Nobody is made to wait for a request that has taken too long already.
            return Verdict::Fail(overdue());
        }
        if self.flight.is_none() {
            let next = self.rejections.last.map(|last| last.saturating_add(self.rejection_interval()));
            if let Some(wait) =
                next.map(|next| next.saturating_sub(now.monotonic)).filter(|wait| !wait.is_zero())
            {
                return Verdict::Fail(self.failure.as_ref().map_or_else(
                    || {
                        Error::transient(
                            "a server rejects a token that was renewed a moment ago, so its 401 stands; check that the \
                             token is meant for this server",
                        )
                        .with_retry_after(wait)
                    },
                    |failure| failure.error.clone(),
                ));
            }
            self.rejections.last = Some(now.monotonic);
        }
        self.mark_rejected();
        self.holdings.reject_put_aside(is_same);
        self.events.push(Event::Rejected { generation: held.generation });
        self.join(now, RefreshCause::Rejected, false)
    }

    /// Rejects the generation that has this access token. Any other token was replaced before.
    ///
    /// Credentials of an earlier log-in change nothing here, and the caller gets no others: those may be another user's
    /// (R17, R44).
    pub(crate) fn reject_token(&mut self, used: &Credentials, now: Reading) -> Verdict {
        if self.is_of_earlier_login(used) {
            return Verdict::logged_out();
        }
        let held = self.holdings.held().filter(|held| held.credentials.same_access_token(used));
        if let Some(generation) = held.map(|held| held.generation) {
            return self.reject(generation, now);
        }
        let hash = hash_access_token(used);
        if self.log_out.token == Some(hash) {
            return Verdict::logged_out();
        }
        self.holdings.reject_put_aside(|held| held.credentials.same_access_token(used));
        self.rejections.reported = Some(hash);
        self.need_usable(now)
    }

    /// Whether this authenticator handed these out before a log-out.
    pub(super) fn is_from_before_log_out(&self, used: &Credentials) -> bool {
        let current = self.holdings.login;
        used.login().is_some_and(|login| {
            login.authenticator == current.authenticator && login.number != current.number
        })
    }

    /// The same, unless it holds them again.
    fn is_of_earlier_login(&self, used: &Credentials) -> bool {
        self.is_from_before_log_out(used)
            && !self.holdings.all().any(|held| held.credentials.same_access_token(used))
    }

    /// Whether a server has rejected this access token.
    pub(super) fn is_rejected(&self, candidate: &Credentials) -> bool {
        let held = self.holdings.held().filter(|_| self.holdings.is_rejected());
        held.is_some_and(|held| held.credentials.same_access_token(candidate))
            || self.rejections.reported == Some(hash_access_token(candidate))
            || self.rejections.replaced.contain(candidate)
    }

    /// A rejected token makes way for `successor`. It is not handed out again, whoever issues it once more (R93).
    pub(super) fn remember_replaced(&mut self, successor: &Credentials) {
        let rejected = self.holdings.current.as_ref().filter(|current| current.rejected);
        if let Some(replaced) =
            rejected.filter(|current| !current.held.credentials.same_access_token(successor))
        {
            self.rejections.replaced.add(&replaced.held.credentials);
        }
    }

    /// The shortest time between two refreshes that rejections caused (R26).
    pub(super) fn rejection_interval(&self) -> Duration {
        let lifetime = self.holdings.held().and_then(|held| held.windows.lifetime());
        lifetime.map_or(self.pace.timing.rejection_interval, |life| {
            (life / 2).min(self.pace.timing.rejection_interval)
        })
    }

    /// A flight that only looks has found nothing new in the store. Its callers get the error that is remembered.
    pub(super) fn found_nothing(&mut self, flight: Box<Flight>, now: Reading) -> Step {
        let flight = match self.take_late(flight, now) {
            Ok(step) => return step,
            Err(flight) => flight,
        };
        self.end_look(&flight);
        match flight.only_looks {
            Some(remembered) => Step::Done(Err(remembered)),
            None => Step::Stop,
        }
    }

    /// The token that a 401 was for is used again, because the flight that looked for another one has found none.
    pub(super) fn end_look(&mut self, flight: &Flight) {
        if let Some(current) = self.holdings.current.as_mut().filter(|_| flight.withholds) {
            current.rejected = false;
        }
    }

    fn mark_rejected(&mut self) {
        if let Some(current) = &mut self.holdings.current {
            current.rejected = true;
        }
    }
}

#[cfg(test)]
mod tests;

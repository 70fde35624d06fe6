//! A log-in that waits for a person: it may take longer than a flight otherwise, and callers need not wait for it (R89).

use std::time::Duration;

use super::State;
use super::flight::{Flight, Work};
use crate::clock::Reading;
use crate::error::Error;

impl State {
    /// Sets how long a log-in may take that waits for a person.
    pub(crate) fn limit_login(&mut self, limit: Option<Duration>) {
        self.login_limit = limit.map(Box::new);
    }

    /// Gives a flight the time that a person needs, once for the wait for another process, whose user logs in, and once for the
    /// log-in here.
    pub(super) fn await_user(&self, flight: &mut Flight, asks: bool, now: Reading) {
        let had_time = if asks { flight.asks_user } else { flight.waits_for_user.is_some() };
        if let Some(limit) = self.login_limit.as_deref().copied().filter(|_| !had_time) {
            flight.waits_for_user.get_or_insert(now.monotonic);
            flight.asks_user = asks;
            flight.ends = flight.ends.max(now.monotonic.saturating_add(limit));
        }
    }

    /// How long callers still wait for requests that need no person: those that refresh, and attempts that follow a failed one.
    /// A flight that waits for a person has the usual time for them, from its first request on.
    pub(super) fn time_for_requests(&self, flight: &Flight, now: Reading) -> Duration {
        let left = flight.time_left(now);
        let since = flight.sends_since.unwrap_or(now.monotonic);
        let ends = since.saturating_add(self.pace.timing.flight_deadline);
        if flight.waits_for_user.is_some() { left.min(ends.saturating_sub(now.monotonic)) } else { left }
    }

    /// When this flight has taken too long, on the monotonic clock. `None` if it is not in the air.
    pub(crate) fn ends(&self, flight: u64) -> Option<Duration> {
        self.flight.as_ref().filter(|running| running.id == flight).map(|running| running.ends)
    }

    /// How long callers wait for this work from now on; `None` if they wait for its end.
    pub(crate) fn login_patience(&self, work: &Work, now: Reading) -> Option<Duration> {
        let Work::Flight(id) = work else { return None };
        let flight = self.flight.as_ref().filter(|flight| flight.id == *id)?;
        let waited = now.monotonic.saturating_sub(flight.waits_for_user?);
        Some(self.pace.timing.login_patience?.saturating_sub(waited))
    }

    /// The error for a caller, if there is a flight for which callers do not wait any more. If it has taken longer than it may,
    /// nothing may drive it, and a caller who waits finds that out.
    pub(super) fn released(&self, now: Reading) -> Option<Error> {
        let flight = self.flight.as_ref().filter(|flight| flight.is_released);
        flight.filter(|flight| !flight.time_left(now).is_zero()).map(|_| waits_for_user())
    }
}

impl Flight {
    /// It sends a request. If that is its first one, the wait for a person before it was no outage.
    pub(super) fn sends(&mut self, now: Reading) {
        let since = *self.sends_since.get_or_insert(now.monotonic);
        if self.waits_for_user.is_some() && self.opens_an_outage() {
            self.streak.since = since;
        }
    }
}

pub(super) fn waits_for_user() -> Error {
    Error::login_required("a log-in waits for the user; complete it, then try again")
}

#[cfg(test)]
mod tests;

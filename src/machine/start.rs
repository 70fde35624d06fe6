//! When a flight starts, and who joins it.

use super::State;
use super::backoff::Streak;
use super::flight::{AtStore, Flight, Phase, Reasons};
use super::verdict::Verdict;
use crate::clock::Reading;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, RefreshCause};
use crate::timing::Timing;

impl State {
    /// Joins the flight in the air, or starts one, or fails with the error that is remembered.
    pub(super) fn join(&mut self, now: Reading, cause: RefreshCause, is_requested: bool) -> Verdict {
        if let Some(error) = self.released(now) {
            return Verdict::Fail(error);
        }
        let run = self.flight.is_none();
        match self.rest(now, self.usable(now).is_some(), true) {
            // Another process may have logged in meanwhile (R58).
            Some(error) if self.may_look(&error) => {
                self.start_flight(now, cause, Some(error));
            }
            Some(error) => return Verdict::Fail(error),
            None if run => {
                self.start(now, cause);
            }
            None => {}
        }
        if let Some(flight) = &mut self.flight {
            flight.callers += 1;
            flight.is_requested |= is_requested;
        }
        // A flight that a late response has brought back has its old number.
        let flight = self.flight.as_ref().map_or(self.flights, |flight| flight.id);
        Verdict::Wait { flight, run }
    }

    /// Whether a flight looks into the store while this error is remembered.
    pub(super) fn may_look(&self, remembered: &Error) -> bool {
        remembered.kind() == ErrorKind::LoginRequired && self.shelf.is_some()
    }

    /// Whether a flight may start while a valid token is in use.
    pub(super) fn may_start(&self, now: Reading, waits: bool) -> bool {
        self.flight.is_none() && self.rest(now, true, waits).is_none()
    }

    /// The last flight's error, while no flight is in the air and none may start.
    pub(super) fn rest(&self, now: Reading, usable: bool, waits: bool) -> Option<Error> {
        let failure = self.failure.as_ref().filter(|_| self.flight.is_none())?;
        let retry_at = failure.retry_at(usable, waits);
        (now.monotonic < retry_at).then(|| failure.error_until(retry_at, now.monotonic))
    }

    pub(super) fn start(&mut self, now: Reading, cause: RefreshCause) -> u64 {
        self.events.push(Event::RefreshStarted { generation: self.holdings.generation(), cause });
        self.start_flight(now, cause, None)
    }

    fn start_flight(&mut self, now: Reading, cause: RefreshCause, only_looks: Option<Error>) -> u64 {
        self.flights += 1;
        self.flight = Some(self.new_flight(self.flights, cause, only_looks, now));
        self.flights
    }

    pub(super) fn new_flight(
        &self,
        id: u64,
        cause: RefreshCause,
        only_looks: Option<Error>,
        now: Reading,
    ) -> Box<Flight> {
        let streak = match &self.failure {
            Some(failure) => failure.streak_at(now.monotonic, &self.pace.timing),
            None => Streak::none(now.monotonic),
        };
        let left = self.usable(now).and_then(|(held, _)| held.windows.expiry.remaining(now));
        let patience = left.map_or(Timing::MANDATORY_WAIT, |left| Timing::MANDATORY_WAIT.min(left / 2));
        Box::new(Flight {
            id,
            cause,
            started: now.monotonic,
            ends: now.monotonic.saturating_add(self.pace.timing.flight_deadline),
            waits_for_user: None,
            asks_user: false,
            sends_since: None,
            is_released: false,
            callers: 0,
            attempts: 0,
            streak,
            phase: Phase::Beginning,
            patient_until: now.monotonic.saturating_add(patience),
            is_requested: false,
            repeated: false,
            asked_again: false,
            reasons: Reasons::default(),
            at_store: AtStore::default(),
            only_looks,
            withholds: false,
        })
    }
}

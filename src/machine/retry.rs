//! Whether a flight makes another attempt, and when.

use std::time::Duration;

use super::State;
use super::backoff::{self, Streak};
use super::flight::{Flight, Phase, Step};
use crate::clock::Reading;
use crate::error::Error;
use crate::event::Event;
use crate::timing::Timing;

impl State {
    /// Retries in this flight if somebody has to wait for it. While a token is held that has not expired, that is so only
    /// if a server has rejected it, or if a caller wants a newer one; and only in the first flight of an outage. Otherwise
    /// the back-off between flights is enough (R8).
    pub(super) fn try_again(&mut self, flight: Box<Flight>, error: Error, now: Reading) -> Step {
        let streak = flight.streak;
        let somebody_waits = flight.is_requested || self.holdings.is_rejected();
        match !self.holdings.is_unexpired(now) || (somebody_waits && flight.opens_an_outage()) {
            true => self.wait(flight, error, streak, now),
            false => self.fail(flight, error, now),
        }
    }

    /// Sends a refresh token whose response was lost once more (R14), as soon as in a first flight. A provider that
    /// forgives a repetition does so for seconds only; the waits of a long outage may take a minute.
    pub(super) fn repeat(&mut self, flight: Box<Flight>, error: Error, now: Reading) -> Step {
        self.wait(flight, error, Streak::none(now.monotonic), now)
    }

    /// Waits for the next attempt as long as `streak` asks for. Fails if the deadline comes first.
    fn wait(&mut self, mut flight: Box<Flight>, error: Error, streak: Streak, now: Reading) -> Step {
        let (attempts, monotonic) = (flight.attempts, now.monotonic);
        let wait = backoff::between_attempts(attempts, &error, streak, monotonic, &mut self.pace);
        if wait >= self.time_for_requests(&flight, now)
            || self.gives_up_first_login(&flight, &error, wait, now)
        {
            return self.fail(flight, error, now);
        }
        flight.attempts += 1;
        self.events.push(Event::AttemptFailed {
            generation: self.holdings.generation(),
            cause: flight.cause,
            error,
            attempt: flight.attempts,
            next_attempt: wait,
        });
        self.proceed(flight, Phase::Waiting, Step::Wait(wait))
    }

    /// Whether nothing was ever held, and the provider was not reached: its URL may be wrong (R37).
    fn gives_up_first_login(&self, flight: &Flight, error: &Error, wait: Duration, now: Reading) -> bool {
        let deadline = flight.started.saturating_add(self.pace.timing.first_login_deadline);
        let is_over = now.monotonic.saturating_add(wait) >= deadline;
        self.holdings.newest == 0
            && error.is_unreached()
            && (is_over || flight.attempts + 1 >= Timing::FIRST_LOGIN_ATTEMPTS)
    }
}

pub(super) fn out_of_time() -> Error {
    Error::transient("the refresh took too long for another request to be sent; try again").not_processed()
}

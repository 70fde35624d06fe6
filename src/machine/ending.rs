//! How a flight ends: persist, then publish (R16); or fail, and say when the next may start.

use std::sync::Arc;
use std::time::Duration;

use super::backoff::Failure;
use super::flight::{Flight, Phase, Step};
use super::shelf::Stored;
use super::state::{Held, State};
use super::windows::{Freshness, Windows};
use crate::clock::Reading;
use crate::event::Event;
use crate::{Credentials, Error};

impl State {
    /// R13: an answer without a refresh token leaves the old one in force.
    pub(super) fn keep_refresh_token(&self, answer: Credentials) -> Credentials {
        let held = self.held.as_ref().and_then(|held| held.credentials.refresh_token());
        match (answer.refresh_token(), held) {
            (None, Some(held)) => answer.clone().with_refresh_token(held).unwrap_or(answer),
            _ => answer,
        }
    }

    pub(super) fn land(
        &mut self,
        flight: Box<Flight>,
        sent: Reading,
        answer: Credentials,
        now: Reading,
    ) -> Step {
        let windows = Windows::of_answer(&answer, sent, &self.timing, &mut self.jitter);
        let held = self.hold(answer, windows);
        if self.has_store {
            let credentials = held.credentials.clone();
            self.writes(&credentials);
            return self.go(flight, Phase::Saving(held), Step::Save(credentials));
        }
        self.published(flight, held, Ok(()), now)
    }

    /// The credential is persisted, or can't be: it is published either way (R16).
    pub(super) fn published(
        &mut self,
        flight: Box<Flight>,
        held: Arc<Held>,
        saved: Result<(), Error>,
        now: Reading,
    ) -> Step {
        match saved {
            Ok(()) if self.has_store => {
                self.stored = Stored::only(&held.credentials);
                self.must_forget = false;
            }
            Ok(()) => {}
            Err(error) => self.events.push(Event::StoreFailed { error }),
        }
        let rejected = self.is_rejected(&held.credentials);
        let expired = held.windows.freshness(now) == Freshness::Expired;
        // Even an answer that can't be used replaces what is held: its refresh token may be a new one.
        self.held = Some(held);
        self.rejected = rejected;
        self.refused = false;
        self.in_doubt = false;
        self.doubted = None;
        if rejected {
            let error =
                Error::invalid_response("the identity provider issued again a token that was just rejected");
            // What follows is caused by the same rejection (R26).
            let next = flight.started.saturating_add(self.rejection_interval());
            return self.fail_until(flight, error, next, now);
        }
        if expired {
            let error =
                Error::invalid_response("the identity provider issued a token that has already expired");
            return self.fail(flight, error, now);
        }
        self.succeed(&flight, now)
    }

    pub(super) fn fail(&mut self, flight: Box<Flight>, error: Error, now: Reading) -> Step {
        self.fail_until(flight, error, Duration::ZERO, now)
    }

    /// Fails, and puts off the next flight until `next` at least, on the monotonic clock.
    fn fail_until(&mut self, flight: Box<Flight>, error: Error, next: Duration, now: Reading) -> Step {
        let streak = flight.streak.with_one_more();
        let left = self.usable(now).and_then(|(held, _)| held.windows.expiry.remaining(now));
        let mut failure =
            Failure::new(error.clone(), streak, now.monotonic, left, &self.timing, &mut self.jitter);
        failure.not_before(next);
        self.failed(&flight, failure, now);
        Step::Done(Err(error))
    }

    pub(super) fn failed(&mut self, flight: &Flight, failure: Failure, now: Reading) {
        let usable = self.usable(now).is_some();
        self.events.push(Event::RefreshFailed {
            generation: self.generation(),
            cause: flight.cause,
            error: failure.error.clone(),
            duration: now.monotonic.saturating_sub(flight.started),
            callers: flight.callers,
            next_attempt: failure.retry_at(usable).saturating_sub(now.monotonic),
        });
        self.failure = Some(Box::new(failure));
    }

    pub(super) fn succeed(&mut self, flight: &Flight, now: Reading) -> Step {
        self.failure = None;
        self.events.push(Event::RefreshSucceeded {
            generation: self.generation(),
            cause: flight.cause,
            duration: now.monotonic.saturating_sub(flight.started),
            callers: flight.callers,
        });
        Step::Done(Ok(()))
    }
}

//! How a flight ends: save, then publish (R16); or fail, and say when the next flight may start.

use std::sync::Arc;
use std::time::Duration;

use super::State;
use super::backoff::Failure;
use super::flight::{Flight, Phase, Step, Work};
use super::held::{Candidate, Held, RefreshToken};
use super::interactive::waits_for_user;
use super::windows::Freshness;
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::store::Entry;

/// Whether the store holds new credentials.
pub(super) enum Saved {
    NoStore,
    Yes(Entry),
    /// It does not, and the next write tries again.
    No(Entry, Error),
    /// It is still tried.
    Later(Entry),
}

impl State {
    /// Keeps the old refresh token if the response of a refresh brought none (R13), and the fields that it did not bring (R85).
    pub(super) fn keep_what_is_missing(&self, response: Credentials) -> Credentials {
        let Some(held) = self.holdings.held() else { return response };
        let response = response.with_fields_of(&held.credentials);
        match (response.refresh_token(), held.credentials.refresh_token()) {
            (None, Some(held)) => response.clone().with_refresh_token(held).unwrap_or(response),
            _ => response,
        }
    }

    /// Puts new credentials in use. They were saved, or could not be: they are used either way (R16).
    pub(super) fn publish(
        &mut self,
        mut flight: Box<Flight>,
        held: Arc<Held>,
        saved: Saved,
        now: Reading,
    ) -> Step {
        match (saved, &mut self.shelf) {
            (Saved::Yes(entry), Some(shelf)) => {
                if flight.at_store.failed_saves > 0 {
                    self.events.push(Event::RotationSaved { generation: held.generation });
                }
                shelf.holds(entry);
                shelf.forget = None;
            }
            (Saved::No(entry, error), Some(shelf)) => {
                shelf.uses(entry);
                self.events.push(Event::StoreFailed { error });
            }
            (Saved::Later(entry), Some(shelf)) => shelf.uses(entry),
            _ => {}
        }
        // The write has ended the guard.
        flight.at_store.hold = None;
        flight.at_store.is_proved = false;
        let rejected = self.is_rejected(&held.credentials);
        let expired = held.windows.freshness(now) == Freshness::Expired;
        if !rejected && !expired {
            self.remember_replaced(&held.credentials);
        }
        let is_unusable =
            |before: &Held| expired || (rejected && !before.credentials.same_access_token(&held.credentials));
        let before =
            self.holdings.current.take_if(|before| before.held.windows.freshness(now) != Freshness::Expired);
        self.holdings.current = Some(match before {
            // Only the refresh token is used if the access token has expired (R12) or was rejected before (R93).
            Some(Candidate { held: before, rejected }) if is_unusable(&before) => {
                Candidate { held: before.with_refresh_token_of(&held), rejected }
            }
            _ => Candidate { held, rejected },
        });
        self.holdings.refresh_token = RefreshToken::Good;
        self.holdings.doubted = None;
        self.holdings.late = None;
        if expired {
            let may_ask = !flight.asked_again && !flight.time_left(now).is_zero();
            if may_ask && self.usable(now).is_none() {
                // The provider may have taken longer than its token lasts.
                flight.asked_again = true;
                return self.attempt(flight, now);
            }
            let error = Error::invalid_response(
                "the identity provider issued a token that has already expired; check its clock and the token lifetime",
            );
            return self.fail(flight, error, now);
        }
        if rejected {
            let error = Error::invalid_response(
                "the identity provider issued the token again that a server has just rejected; check the clocks and \
                 the audience of both",
            );
            // The next flight would have the same rejection as its cause (R26).
            let next = flight.started.saturating_add(self.rejection_interval());
            return self.fail_until(flight, error, next, now);
        }
        self.succeed(&flight, now)
    }

    pub(super) fn succeed(&mut self, flight: &Flight, now: Reading) -> Step {
        self.leave_note(flight);
        self.failure = None;
        self.events.push(Event::RefreshSucceeded {
            generation: self.holdings.generation(),
            cause: flight.cause,
            duration: now.monotonic.saturating_sub(flight.started),
            callers: flight.callers,
        });
        Step::Done(Ok(()))
    }

    pub(super) fn fail(&mut self, flight: Box<Flight>, error: Error, now: Reading) -> Step {
        match self.take_late(flight, now) {
            Ok(step) => step,
            Err(flight) => self.fail_until(flight, error, Duration::ZERO, now),
        }
    }

    /// Fails, and lets no flight start before `next` on the monotonic clock.
    fn fail_until(&mut self, flight: Box<Flight>, error: Error, next: Duration, now: Reading) -> Step {
        self.leave_note(&flight);
        self.put_back_in_use(&error);
        let streak = flight.streak.with_one_more(&error);
        let left = self.usable(now).and_then(|(held, _)| held.windows.expiry.remaining(now));
        let mut failure = Failure::new(error.clone(), streak, now.monotonic, left, &mut self.pace);
        if flight.callers == 0 {
            failure = failure.unless_somebody_waits();
        }
        failure.not_before(next);
        self.remember(&flight, failure, now);
        Step::Done(Err(error))
    }

    /// A rejected token goes back into use when its renewal fails, because the rejection may have been a mistake. It does
    /// not if the provider has refused the login (R24).
    fn put_back_in_use(&mut self, error: &Error) {
        let is_login_refused = error.kind() == ErrorKind::LoginRequired && !error.is_unsupported();
        let is_refused = match self.holdings.refresh_token {
            RefreshToken::Refused => true,
            RefreshToken::Inconclusive => is_login_refused && !error.is_inconclusive(),
            RefreshToken::Good | RefreshToken::InDoubt => is_login_refused,
        };
        if let Some(current) = self.holdings.current.as_mut().filter(|_| !is_refused) {
            current.rejected = self.rejections.replaced.contain(&current.held.credentials);
        }
    }

    fn remember(&mut self, flight: &Flight, failure: Failure, now: Reading) {
        let usable = self.usable(now).is_some();
        self.events.push(Event::RefreshFailed {
            generation: self.holdings.generation(),
            cause: flight.cause,
            error: failure.error.clone(),
            duration: now.monotonic.saturating_sub(flight.started),
            callers: flight.callers,
            next_attempt: failure.retry_at(usable, false).saturating_sub(now.monotonic),
        });
        self.failure = Some(Box::new(failure));
    }

    /// Ends the wait for a flight whose request takes long, and which goes on (R14). For its callers the renewal has failed.
    pub(crate) fn release(&mut self, work: &Work) -> Option<Result<(), Error>> {
        let is_wanted = self.is_wanted(work);
        let flight = self.flight.as_mut().filter(|_| is_wanted)?;
        let waits = flight.waits_for_user.is_some() && !matches!(flight.phase, Phase::Refreshing { .. });
        flight.is_released |= waits;
        let error = if waits { waits_for_user() } else { overdue() };
        self.put_back_in_use(&error);
        Some(Err(error))
    }

    /// Ends flight `id` because its driver is gone. What it sent may have been received; what it had received is kept.
    pub(crate) fn interrupt(&mut self, id: u64, error: Error, now: Reading) -> Option<Result<(), Error>> {
        self.abandon_rest(id);
        let mut flight = self.flight.take_if(|flight| flight.id == id)?;
        let phase = std::mem::replace(&mut flight.phase, Phase::Beginning);
        if let Phase::Saving(saving) | Phase::SavingAgain(saving) = phase {
            // Nobody could send another request.
            flight.asked_again = true;
            self.events.push(saving.failure(error));
            return match self.publish(flight, saving.held, Saved::Later(saving.entry), now) {
                Step::Done(outcome) => Some(outcome),
                _ => None,
            };
        }
        self.put_back_in_use(&error);
        if flight.only_looks.is_some() {
            self.end_look(&flight);
        }
        let streak = flight.streak.with_one_more(&error);
        let failure = Failure::interrupted(error.clone(), streak, now.monotonic, &mut self.pace);
        self.remember(&flight, failure, now);
        Some(Err(error))
    }

    /// Ends flight `id` before it began, for a reason that concerns its first caller only. The next caller does not have to
    /// wait for a back-off.
    pub(crate) fn call_off(&mut self, id: u64, error: Error, now: Reading) -> Option<Result<(), Error>> {
        let failure = self.failure.take();
        let outcome = self.interrupt(id, error, now);
        self.failure = failure;
        outcome
    }
}

pub(super) fn overdue() -> Error {
    Error::transient(
        "the identity provider did not respond to the refresh in time, and its response is still waited for; try again \
         later",
    )
}

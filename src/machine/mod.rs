//! The pure state machine: what is held, whether it may be used, whether a flight has to start, and what a flight does
//! next. It has no clock, no I/O and no lock: each method takes the time and returns at once.

mod adoption;
mod backoff;
mod chain;
#[cfg(all(test, not(reauth_model)))]
mod conformance;
mod elsewhere;
mod ending;
mod flight;
mod guarding;
mod held;
mod interactive;
mod late;
#[cfg(feature = "identities")]
mod leaving;
mod log_out;
mod marks;
mod notes;
mod pace;
mod rejection;
mod retry;
mod saving;
mod shelf;
mod start;
mod step;
#[cfg(test)]
mod testing;
mod verdict;
mod windows;

pub(crate) use backoff::Failure;
#[cfg(feature = "identities")]
pub(crate) use backoff::Streak;
pub(crate) use flight::{Guarded, Hold, Input, Rest, Step, StoreCall, StoreResult, Work};
pub(crate) use held::Held;
pub(crate) use late::Sent;
pub(crate) use pace::Pace;
pub(crate) use verdict::{Verdict, Wanted};
pub(crate) use windows::Deadline;

use std::sync::Arc;
use std::time::Duration;

use flight::Flight;
use held::{Candidate, Holdings};
use marks::{LogOut, Rejections, first_login};
use shelf::Shelf;
use verdict::too_short;
use windows::{Freshness, Windows};

use crate::auth_header::AuthHeader;
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::event::{Event, RefreshCause};
use crate::timing::Timing;

/// The state of one identity's credentials. Its methods are of four kinds:
///
/// * **A caller asks** and gets a [`Verdict`]: `need`, `refresh`, `reject`, `reject_token`, and `settle` after a wait.
/// * **The program decides**: `start_with`, `set_credentials`, `log_out`.
/// * **A driver moves work on**: `step` takes an [`Input`] and returns the next [`Step`]; `needs` says before a store
///   call whether it still has to be made; `interrupt` and `call_off` end a flight from outside.
/// * **The cache looks**: `snapshot`, `has`, `patience`, `last_flight`, and more, and takes the `events`.
pub(crate) struct State {
    pace: Pace,
    holdings: Holdings,
    /// `None` without a store.
    shelf: Option<Box<Shelf>>,
    flight: Option<Box<Flight>>,
    /// The number of the last flight.
    flights: u64,
    /// The last flight's failure, until one succeeds.
    failure: Option<Box<Failure>>,
    rejections: Rejections,
    log_out: LogOut,
    /// The last flight before the program last set credentials.
    replaced: u64,
    /// The generation that was too short for a caller who asked for credentials that last, and how long it asked for.
    too_short: Option<Box<(u64, Duration)>>,
    /// How long a log-in of the source may take, if it waits for a person.
    login_limit: Option<Box<Duration>>,
    /// What the observer has not seen yet. The cache takes these, and adds what happens outside the machine.
    pub(crate) events: Vec<Event>,
}

impl State {
    pub(crate) fn new(timing: impl Into<Arc<Timing>>, has_store: bool) -> Self {
        Self {
            pace: Pace::new(timing),
            holdings: Holdings::empty(0, first_login()),
            shelf: has_store.then(Box::default),
            flight: None,
            flights: 0,
            failure: None,
            rejections: Rejections::default(),
            log_out: LogOut::default(),
            replaced: 0,
            too_short: None,
            login_limit: None,
            events: Vec::new(),
        }
    }

    /// Sets the header that the credentials are for, if it is not `Authorization: Bearer`.
    pub(crate) fn use_header(&mut self, header: Option<Arc<AuthHeader>>) {
        self.holdings.header = header;
    }

    /// Takes the credentials that the source was built with. With a store they wait until it was read, because it may
    /// hold their successor.
    pub(crate) fn start_with(&mut self, initial: Credentials, now: Reading) {
        let windows = Windows::of(&initial, now, false, &mut self.pace);
        let initial = Candidate::good(self.holdings.number(initial, windows));
        match self.shelf {
            Some(_) => self.holdings.initial = Some(initial),
            None => self.holdings.current = Some(initial),
        }
    }

    /// What is held, whether or not it may be sent.
    pub(crate) fn held(&self) -> Option<&Credentials> {
        self.holdings.all().next().map(|held| &held.credentials)
    }

    /// The same for a program that got `used` before; `None` if that was before the last log-out. The next log-in may be another
    /// user's (R17).
    pub(crate) fn held_after(&self, used: &Credentials) -> Option<&Credentials> {
        self.held().filter(|_| !self.is_from_before_log_out(used))
    }

    /// The generation of what is held; 0 if nothing is.
    pub(crate) fn held_generation(&self) -> u64 {
        self.holdings.all().next().map_or(0, |held| held.generation)
    }

    /// A caller needs credentials (R1, R8, R25).
    pub(crate) fn need(&mut self, wanted: Wanted, now: Reading) -> Verdict {
        let Wanted::ValidFor(least) = wanted else { return self.need_usable(now) };
        match self.usable(now) {
            Some((held, _)) if held.time_left(now) < least => {
                // A token of the same lifetime would not last long enough either.
                let is_short = |(generation, asked)| generation == held.generation && least >= asked;
                if held.windows.issued_lifetime().is_some_and(|lifetime| lifetime <= least)
                    || self.too_short.as_deref().copied().is_some_and(is_short)
                {
                    return Verdict::Fail(too_short());
                }
                self.join(now, RefreshCause::Requested, true)
            }
            _ => self.need_usable(now),
        }
    }

    fn need_usable(&mut self, now: Reading) -> Verdict {
        let Some((held, freshness)) = self.usable(now) else {
            let rejected = self.holdings.is_rejected();
            return self.join(
                now,
                if rejected { RefreshCause::Rejected } else { RefreshCause::Missing },
                false,
            );
        };
        match freshness {
            Freshness::Advisory if self.may_start(now, false) => {
                let flight = self.start(now, RefreshCause::Advisory);
                Verdict::Use(held, Some(flight))
            }
            // Callers wait for the flight's first attempt, and not for long. Then they use the valid token.
            Freshness::Mandatory
                if self.may_start(now, true)
                    || self.flight.as_ref().is_some_and(|flight| flight.is_worth_a_wait(now)) =>
            {
                self.join(now, RefreshCause::Mandatory, false)
            }
            _ => Verdict::Use(held, None),
        }
    }

    /// A request from before is sent again, although its token of `generation` was not rejected. It gets no credentials of
    /// a later login (R17).
    pub(crate) fn need_again(&mut self, generation: u64, now: Reading) -> Verdict {
        match generation <= self.log_out.generation {
            true => Verdict::logged_out(),
            false => self.need_usable(now),
        }
    }

    /// The program wants credentials that are issued from now on. The second value says whether the flight in the verdict
    /// brings them. It does not if its request left before: then ask again when it is over. `last` was the last flight when
    /// the program asked, and `over` is the one whose end it has waited for.
    pub(crate) fn refresh(&mut self, last: u64, over: Option<u64>, now: Reading) -> (Verdict, bool) {
        match over {
            Some(over) if over <= self.log_out.flight => return (Verdict::logged_out(), true),
            // The program has set credentials meanwhile. They are what it wants.
            Some(over) if over <= self.replaced => return (self.need_usable(now), true),
            _ => {}
        }
        let is_new = self.flight.as_ref().is_none_or(|flight| flight.id > last || flight.will_send());
        (self.join(now, RefreshCause::Requested, true), is_new)
    }

    /// What a waiter gets when its flight is over: what may be used now, or else the flight's error.
    pub(crate) fn settle(
        &mut self,
        flight: u64,
        outcome: Result<(), Error>,
        wanted: Wanted,
        now: Reading,
    ) -> Verdict {
        if flight <= self.log_out.flight {
            // The next log-in may be another user's, even if the flight ended before the log-out (R17).
            return outcome.map_or_else(Verdict::Fail, |()| Verdict::logged_out());
        }
        match (self.usable(now), outcome) {
            (Some((held, _)), _) if wanted.is_met_by(&held, now) => Verdict::Use(held, None),
            (_, Err(error)) => Verdict::Fail(error),
            (Some((held, _)), Ok(())) if held.windows.issued_lifetime().is_some() => {
                if let Wanted::ValidFor(least) = wanted {
                    self.too_short = Some(Box::new((held.generation, least)));
                    return Verdict::Fail(too_short());
                }
                self.need(wanted, now)
            }
            // Its token has expired or was rejected since, or the flight found credentials that are older.
            (_, Ok(())) => self.need(wanted, now),
        }
    }

    /// The credentials in use, and until when they may be used without asking again.
    pub(crate) fn snapshot(&self, now: Reading) -> Option<(Arc<Held>, Deadline)> {
        let (held, freshness) = self.usable(now)?;
        let windows = &held.windows;
        let until = match (&self.flight, &self.failure) {
            _ if freshness == Freshness::Fresh => windows.advisory,
            (Some(flight), _) if !flight.is_worth_a_wait(now) => windows.expiry,
            (Some(_), _) => windows.mandatory,
            // After a failed refresh nothing can start before the back-off is over.
            (None, Some(failure)) if freshness == Freshness::Mandatory => {
                Deadline::monotonic(failure.retry_at(true, true)).or_earlier(windows.expiry)
            }
            (None, Some(failure)) => {
                Deadline::monotonic(failure.retry_at(true, false)).or_earlier(windows.mandatory)
            }
            (None, None) => windows.advisory,
        };
        (!until.passed(now)).then_some((held, until))
    }

    /// Whether there are credentials that a caller who wants these may send.
    pub(crate) fn has(&self, wanted: Wanted, now: Reading) -> bool {
        self.holdings.usable(now).is_some_and(|(held, _)| wanted.is_met_by(held, now))
    }

    /// How long a caller who has a valid token waits for the flight in the air (R8).
    pub(crate) fn patience(&self, now: Reading) -> Duration {
        let until = self.flight.as_ref().map_or(now.monotonic, |flight| flight.patient_until);
        until.saturating_sub(now.monotonic)
    }

    /// The number of the last flight.
    pub(crate) fn last_flight(&self) -> u64 {
        self.flights
    }

    fn usable(&self, now: Reading) -> Option<(Arc<Held>, Freshness)> {
        self.holdings.usable(now).map(|(held, freshness)| (held.clone(), freshness))
    }
}

#[cfg(test)]
mod tests;

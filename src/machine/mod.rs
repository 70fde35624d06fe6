//! The pure state machine: what is held, whether it may be used, whether a flight has to start, and what a flight does
//! next. It has no clock, no I/O and no lock: each method takes the time and returns at once.

mod backoff;
mod chain;
#[cfg(all(test, not(reauth_model)))]
mod conformance;
mod ending;
mod flight;
mod held;
mod log_out;
mod marks;
mod pace;
mod rejection;
mod shelf;
mod step;
#[cfg(test)]
mod testing;
mod windows;

pub(crate) use flight::{Input, Step, StoreCall, StoreResult, Work};
pub(crate) use held::Held;
pub(crate) use windows::Deadline;

use std::sync::Arc;

use backoff::{Failure, Streak};
use flight::Flight;
use held::{Candidate, Holdings};
use marks::{LogOut, Rejections, first_login};
use pace::Pace;
use shelf::Shelf;
use windows::{Freshness, Windows};

use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::event::{Event, RefreshCause};
use crate::timing::Timing;

/// What a caller has to do. `C` are the credentials and `F` is the flight, as the machine or the cache sees them.
pub(crate) enum Verdict<C = Arc<Held>, F = u64> {
    /// Use these credentials, and run the flight if one has just started in the background.
    Use(C, Option<F>),
    /// Wait for the flight. With `run` it has just started, and this caller has to run it first.
    Wait { flight: F, run: bool },
    /// There are no credentials now.
    Fail(Error),
}

impl Verdict {
    /// For a request from before a log-out. The request is not sent again with the credentials of the next log-in (R17,
    /// R44).
    fn logged_out() -> Self {
        Self::Fail(Error::login_required(
            "the request was sent with the credentials of another login, which was logged out since; log in again",
        ))
    }
}

/// The state of one identity's credentials. Its methods are of four kinds:
///
/// * **A caller asks** and gets a [`Verdict`]: `need`, `refresh`, `reject`, `reject_token`, and `settle` after a wait.
/// * **The program decides**: `start_with`, `set_credentials`, `log_out`.
/// * **A driver moves work on**: `step` takes an [`Input`] and returns the next [`Step`]; `needs` says before a store
///   call whether it still has to be made; `interrupt` and `call_off` end a flight from outside.
/// * **The cache looks**: `snapshot`, `has_usable`, `has`, `last_flight_before_log_out`, and takes the `events`.
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
            events: Vec::new(),
        }
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

    /// A caller needs credentials (R1, R8, R25).
    pub(crate) fn need(&mut self, now: Reading) -> Verdict {
        let Some((held, freshness)) = self.usable(now) else {
            let rejected = self.holdings.is_rejected();
            return self.join(now, if rejected { RefreshCause::Rejected } else { RefreshCause::Missing });
        };
        match freshness {
            Freshness::Fresh => Verdict::Use(held, None),
            Freshness::Advisory if self.may_start(now) => {
                let flight = self.start(now, RefreshCause::Advisory, 0);
                Verdict::Use(held, Some(flight))
            }
            Freshness::Mandatory if self.may_start(now) => self.join(now, RefreshCause::Mandatory),
            // Callers wait for the flight's first attempt only. Once it has failed they use the valid token.
            Freshness::Mandatory => match &self.flight {
                Some(flight) if !flight.is_retrying() => self.join(now, RefreshCause::Mandatory),
                _ => Verdict::Use(held, None),
            },
            Freshness::Advisory | Freshness::Expired => Verdict::Use(held, None),
        }
    }

    /// The program wants newer credentials than those in use.
    pub(crate) fn refresh(&mut self, now: Reading) -> Verdict {
        self.join(now, RefreshCause::Requested)
    }

    /// What a waiter gets when its flight is over: what may be used now, or else the flight's error.
    pub(crate) fn settle(&mut self, flight: u64, outcome: Result<(), Error>, now: Reading) -> Verdict {
        if flight <= self.log_out.flight {
            // The next log-in may be another user's, even if the flight ended before the log-out (R17).
            return outcome.map_or_else(Verdict::Fail, |()| Verdict::logged_out());
        }
        match (self.usable(now), outcome) {
            (Some((held, _)), _) => Verdict::Use(held, None),
            (None, Err(error)) => Verdict::Fail(error),
            // The flight succeeded, and its token has expired or was rejected since.
            (None, Ok(())) => self.need(now),
        }
    }

    /// The credentials in use, and until when they may be used without asking again.
    pub(crate) fn snapshot(&self, now: Reading) -> Option<(Arc<Held>, Deadline)> {
        let (held, freshness) = self.usable(now)?;
        let windows = &held.windows;
        let until = match (&self.flight, &self.failure) {
            _ if freshness == Freshness::Fresh => windows.advisory,
            (Some(flight), _) if flight.is_retrying() => windows.expiry,
            (Some(_), _) => windows.mandatory,
            // After a failed refresh nothing can start before the back-off is over.
            (None, Some(failure)) => Deadline::monotonic(failure.retry_at(true)).or_earlier(windows.expiry),
            (None, None) => windows.advisory,
        };
        (!until.passed(now)).then_some((held, until))
    }

    /// Whether there are credentials that may be sent.
    pub(crate) fn has_usable(&self, now: Reading) -> bool {
        self.holdings.usable(now).is_some()
    }

    fn usable(&self, now: Reading) -> Option<(Arc<Held>, Freshness)> {
        self.holdings.usable(now).map(|(held, freshness)| (held.clone(), freshness))
    }

    /// Joins the running flight, or starts one, or fails with the error that is remembered.
    fn join(&mut self, now: Reading, cause: RefreshCause) -> Verdict {
        if let Some(flight) = &mut self.flight {
            flight.callers += 1;
            return Verdict::Wait { flight: flight.id, run: false };
        }
        let usable = self.has_usable(now);
        if let Some(failure) =
            self.failure.as_ref().filter(|failure| now.monotonic < failure.retry_at(usable))
        {
            return Verdict::Fail(failure.error.clone());
        }
        let flight = self.start(now, cause, 1);
        Verdict::Wait { flight, run: true }
    }

    /// Whether a flight may start while a valid token is in use.
    fn may_start(&self, now: Reading) -> bool {
        let waits = self.failure.as_ref().is_some_and(|failure| now.monotonic < failure.retry_at(true));
        self.flight.is_none() && !waits
    }

    fn start(&mut self, now: Reading, cause: RefreshCause, callers: u64) -> u64 {
        self.flights += 1;
        let streak = match &self.failure {
            Some(failure) => failure.streak_at(now.monotonic, &self.pace.timing),
            None => Streak::none(now.monotonic),
        };
        self.flight = Some(Box::new(Flight::new(self.flights, cause, streak, now, callers)));
        self.events.push(Event::RefreshStarted { generation: self.holdings.generation(), cause });
        self.flights
    }
}

#[cfg(test)]
mod tests;

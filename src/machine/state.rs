//! The pure state machine: what is held, whether it may be used, and whether a flight has to start.
//! No clock, no I/O, no lock: every method takes the time and answers at once.

use std::sync::Arc;
use std::time::Duration;

use super::backoff::{Failure, Streak};
use super::flight::Flight;
use super::jitter::Jitter;
use super::rejection::logged_out_since;
use super::shelf::Stored;
use super::windows::{Deadline, Freshness, Windows};
use crate::clock::Reading;
use crate::event::{Event, RefreshCause};
use crate::{Credentials, Error, Timing};

/// A credential that was held, with its windows. Immutable: a successor has another
/// generation.
pub(crate) struct Held {
    pub(crate) credentials: Credentials,
    pub(crate) generation: u64,
    /// The first of the generations in a row, up to this one, that had this very access token.
    pub(super) since: u64,
    pub(crate) windows: Windows,
}

/// What may be fallen back on later, and whether a server has rejected it.
pub(super) type Fallback = (Arc<Held>, bool);

impl Held {
    /// The same access token with the refresh token of `other`, as the later generation of the two.
    pub(super) fn with_refresh_token_of(&self, other: &Self) -> Arc<Self> {
        let credentials = self.credentials.clone();
        let credentials = match other.credentials.refresh_token() {
            Some(token) => credentials.clone().with_refresh_token(token).unwrap_or(credentials),
            None => credentials,
        };
        let generation = self.generation.max(other.generation);
        Arc::new(Self { credentials, generation, since: self.since, windows: self.windows })
    }
}

/// What a caller has to do.
pub(crate) enum Verdict {
    /// Use this.
    Use(Arc<Held>),
    /// Use this, and run the flight that has just been started.
    UseAndRun(Arc<Held>, u64),
    /// Wait for the flight in the air.
    Join(u64),
    /// Run the flight that has just been started, and wait for it.
    Run(u64),
    /// There is nothing to be had now.
    Fail(Error),
}

pub(crate) struct State {
    pub(super) timing: Arc<Timing>,
    pub(super) jitter: Jitter,
    pub(super) has_store: bool,
    /// What is held; usable only as [`usable`](Self::usable) says.
    pub(super) held: Option<Arc<Held>>,
    /// The held access token was rejected by a server.
    pub(super) rejected: bool,
    /// What the source was built with, until the store was asked for something newer.
    pub(super) initial: Option<Fallback>,
    /// What was in hand, its refresh token in doubt, when something else was found in the store. What was found
    /// may be older: a write of ours may have failed.
    pub(super) doubted: Option<Fallback>,
    pub(super) flight: Option<Box<Flight>>,
    pub(super) failure: Option<Box<Failure>>,
    /// The held refresh token was refused: it is never sent again.
    pub(super) refused: bool,
    /// The held refresh token was sent and no answer came: it may be spent (R14).
    pub(super) in_doubt: bool,
    /// What the store may hold because this cache read or wrote it.
    pub(super) stored: Stored,
    /// The store still has to forget what was cleared.
    pub(crate) must_forget: bool,
    pub(crate) events: Vec<Event>,
    pub(super) last_rejection: Option<Duration>,
    /// The hash of the access token that was last reported as rejected while it was not in hand.
    pub(super) reported: Option<u64>,
    pub(super) generation: u64,
    pub(super) flights: u64,
    /// The last generation and the last flight from before a log-out.
    pub(crate) logged_out: (u64, u64),
    /// The hash of the access token that the last log-out ended: enough to know it again.
    pub(super) ended_token: Option<u64>,
}

impl State {
    pub(crate) fn new(timing: impl Into<Arc<Timing>>, has_store: bool) -> Self {
        let timing = timing.into();
        Self {
            jitter: Jitter::new(timing.jitter),
            timing,
            has_store,
            held: None,
            rejected: false,
            initial: None,
            doubted: None,
            flight: None,
            failure: None,
            refused: false,
            in_doubt: false,
            stored: Stored::default(),
            must_forget: false,
            events: Vec::new(),
            last_rejection: None,
            reported: None,
            generation: 0,
            flights: 0,
            logged_out: (0, 0),
            ended_token: None,
        }
    }

    /// Takes the credentials that the source was built with. With a store they wait until it was read: it
    /// may hold their successor.
    pub(crate) fn start_with(&mut self, initial: Credentials, now: Reading) {
        let windows = Windows::of_held(&initial, now, &self.timing, &mut self.jitter);
        let held = self.hold(initial, windows);
        if self.has_store {
            self.initial = Some((held, false));
        } else {
            self.held = Some(held);
        }
    }

    /// A caller needs a credential (R1, R8, R25).
    pub(crate) fn need(&mut self, now: Reading) -> Verdict {
        let Some((held, freshness)) = self.usable(now) else {
            return self
                .replace(now, if self.rejected { RefreshCause::Rejected } else { RefreshCause::Missing });
        };
        match freshness {
            Freshness::Fresh => Verdict::Use(held),
            Freshness::Advisory if self.may_start(now) => {
                let flight = self.start(now, RefreshCause::Advisory);
                Verdict::UseAndRun(held, flight)
            }
            Freshness::Mandatory if self.may_start(now) => self.replace(now, RefreshCause::Mandatory),
            // The flight in the air has met its first failure: a valid token need not wait for the rest.
            Freshness::Mandatory => match &mut self.flight {
                Some(flight) if !flight.struggling => flight.join(),
                _ => Verdict::Use(held),
            },
            Freshness::Advisory | Freshness::Expired => Verdict::Use(held),
        }
    }

    /// The program wants a newer credential than the one in hand.
    pub(crate) fn refresh(&mut self, now: Reading) -> Verdict {
        self.replace(now, RefreshCause::Requested)
    }

    /// What a waiter gets when its flight is over: whatever may be used now, or else the flight's error.
    pub(crate) fn settle(&mut self, flight: u64, outcome: Result<(), Error>, now: Reading) -> Verdict {
        if flight <= self.logged_out.1 {
            // Whoever has logged in since is somebody else, also where the flight had landed before the log-out (R17).
            return outcome.map_or_else(Verdict::Fail, |()| logged_out_since());
        }
        match (self.usable(now), outcome) {
            (Some((held, _)), _) => Verdict::Use(held),
            (None, Err(error)) => Verdict::Fail(error),
            // It landed, and has lapsed or been rejected since: begin again.
            (None, Ok(())) => self.need(now),
        }
    }

    /// The held credential and until when it may be used without asking again: what the warm path reads.
    pub(crate) fn snapshot(&self, now: Reading) -> Option<(Arc<Held>, Deadline)> {
        let (held, freshness) = self.usable(now)?;
        let windows = &held.windows;
        let until = match (&self.flight, &self.failure) {
            _ if freshness == Freshness::Fresh => windows.advisory,
            (Some(flight), _) if flight.struggling => windows.expiry,
            (Some(_), _) => windows.mandatory,
            // A failed refresh: there is nothing to ask before its back-off is over.
            (None, Some(failure)) => Deadline::monotonic(failure.retry_at(true)).or_earlier(windows.expiry),
            (None, None) => windows.advisory,
        };
        (!until.passed(now)).then_some((held, until))
    }

    /// What may be sent: held, neither rejected nor expired.
    pub(crate) fn usable(&self, now: Reading) -> Option<(Arc<Held>, Freshness)> {
        let held = self.held.as_ref().filter(|_| !self.rejected)?;
        match held.windows.freshness(now) {
            Freshness::Expired => None,
            freshness => Some((held.clone(), freshness)),
        }
    }

    pub(super) fn hold(&mut self, credentials: Credentials, windows: Windows) -> Arc<Held> {
        let credentials = match windows.expires_at() {
            Some(at) => credentials.with_expires_at(at),
            None => credentials,
        };
        self.generation += 1;
        let generation = self.generation;
        let same = self.held.as_ref().filter(|held| held.credentials.same_access_token(&credentials));
        let since = same.map_or(generation, |held| held.since);
        Arc::new(Held { credentials, generation, since, windows })
    }

    pub(crate) fn generation(&self) -> u64 {
        self.held.as_ref().map_or(0, |held| held.generation)
    }

    /// Joins the flight in the air, or starts one, or gives the error that is remembered.
    pub(super) fn replace(&mut self, now: Reading, cause: RefreshCause) -> Verdict {
        if let Some(flight) = &mut self.flight {
            return flight.join();
        }
        let usable = self.usable(now).is_some();
        match &self.failure {
            Some(failure) if now.monotonic < failure.retry_at(usable) => Verdict::Fail(failure.error.clone()),
            _ => {
                let flight = self.start(now, cause);
                if let Some(flight) = &mut self.flight {
                    flight.join();
                }
                Verdict::Run(flight)
            }
        }
    }

    fn may_start(&self, now: Reading) -> bool {
        let waiting = self.failure.as_ref().is_some_and(|failure| now.monotonic < failure.retry_at(true));
        self.flight.is_none() && !waiting
    }

    fn start(&mut self, now: Reading, cause: RefreshCause) -> u64 {
        self.flights += 1;
        let streak = match &self.failure {
            Some(failure) => failure.streak_at(now.monotonic, &self.timing),
            None => Streak::none(now.monotonic),
        };
        self.flight = Some(Box::new(Flight::new(self.flights, cause, streak, now, &self.timing)));
        self.events.push(Event::RefreshStarted { generation: self.generation(), cause });
        self.flights
    }
}

#[cfg(test)]
mod tests;

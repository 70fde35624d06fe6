//! The pure state machine: what is held, whether it may be used, and whether a flight has to start.
//! No clock, no I/O, no lock: every method takes the time and answers at once.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::backoff::Failure;
use super::dice::Dice;
use super::flight::Flight;
use super::windows::{Deadline, Freshness, Windows};
use crate::clock::Reading;
use crate::event::{Cause, Event};
use crate::{Credentials, Error, Timing};

/// A credential that was held, with its header value and its windows. Immutable: a successor has another
/// generation.
pub(crate) struct Held {
    pub(crate) credentials: Credentials,
    pub(crate) header: HeaderValue,
    pub(crate) generation: u64,
    /// The first of the generations in a row, up to this one, that had this very access token.
    pub(super) since: u64,
    pub(crate) windows: Windows,
}

/// What may be fallen back on later, and whether a server has rejected it.
pub(super) type Fallback = (Arc<Held>, bool);

/// How many writes in a row may fail before one of them could be taken for another process's: eight bytes each.
const MAX_STORED: usize = 1024;

impl Held {
    /// The same access token with the refresh token of `other`, as the later generation of the two.
    pub(super) fn with_refresh_token_of(&self, other: &Self) -> Arc<Self> {
        let credentials = self.credentials.clone();
        let credentials = match other.credentials.refresh_token() {
            Some(token) => credentials.clone().with_refresh_token(token).unwrap_or(credentials),
            None => credentials,
        };
        let generation = self.generation.max(other.generation);
        let (header, since, windows) = (self.header.clone(), self.since, self.windows);
        Arc::new(Self { credentials, header, generation, since, windows })
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
    pub(super) timing: Timing,
    pub(super) dice: Dice,
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
    pub(super) flight: Option<Flight>,
    pub(super) failure: Option<Failure>,
    /// The held refresh token was refused: it is never sent again.
    pub(super) refused: bool,
    /// The held refresh token was sent and no answer came: it may be spent (R14).
    pub(super) in_doubt: bool,
    /// What the store may hold because this cache read or wrote it, as hashes of both tokens: what it held last for
    /// certain, and every write begun since. A failed write may have happened.
    pub(super) stored: Vec<u64>,
    /// The store still has to forget what was cleared.
    pub(super) must_forget: bool,
    pub(super) events: Vec<Event>,
    last_rejection: Option<Duration>,
    generation: u64,
    flights: u64,
    /// The last generation and the last flight from before a log-out.
    logged_out: (u64, u64),
    /// The hash of the access token that the last log-out ended: enough to know it again.
    ended_token: Option<u64>,
}

impl State {
    pub(crate) fn new(timing: Timing, has_store: bool) -> Self {
        Self {
            dice: Dice::new(timing.jitter),
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
            stored: Vec::new(),
            must_forget: false,
            events: Vec::new(),
            last_rejection: None,
            generation: 0,
            flights: 0,
            logged_out: (0, 0),
            ended_token: None,
        }
    }

    /// Takes the credentials that the source was built with. With a store they wait until it was read: it
    /// may hold their successor.
    pub(crate) fn start_with(&mut self, initial: Credentials, now: Reading) -> Result<(), Error> {
        let windows = Windows::of_held(&initial, now, &self.timing, &mut self.dice);
        let held = self.hold(initial, windows)?;
        if self.has_store {
            self.initial = Some((held, false));
        } else {
            self.held = Some(held);
        }
        Ok(())
    }

    /// A caller needs a credential (R1, R8, R25).
    pub(crate) fn need(&mut self, now: Reading) -> Verdict {
        let Some((held, freshness)) = self.usable(now) else {
            return self.replace(now, if self.rejected { Cause::Rejected } else { Cause::Missing });
        };
        match freshness {
            Freshness::Fresh => Verdict::Use(held),
            Freshness::Advisory if self.may_start(now) => {
                let flight = self.start(now, Cause::Advisory);
                Verdict::UseAndRun(held, flight)
            }
            Freshness::Mandatory if self.may_start(now) => self.replace(now, Cause::Mandatory),
            // The flight in the air has met its first failure: a valid token need not wait for the rest.
            Freshness::Mandatory => match &mut self.flight {
                Some(flight) if !flight.struggling => flight.join(),
                _ => Verdict::Use(held),
            },
            Freshness::Advisory | Freshness::Expired => Verdict::Use(held),
        }
    }

    /// A server refused the token of `generation` (R24, R26).
    pub(crate) fn reject(&mut self, generation: u64, now: Reading) -> Verdict {
        if generation <= self.logged_out.0 {
            return logged_out_since();
        }
        // Some providers issue the same token again: an older generation of it is no other token.
        let held = self.held.as_ref().filter(|held| (held.since..=held.generation).contains(&generation));
        let held = match held {
            Some(held) if !self.rejected => held.clone(),
            // It was replaced or rejected before: that is what `need` knows how to answer.
            _ => {
                self.reject_fallbacks(|kept| (kept.since..=kept.generation).contains(&generation));
                return self.need(now);
            }
        };
        let is_held = |kept: &Held| kept.credentials.same_access_token(&held.credentials);
        if self.usable(now).is_none() {
            // It has lapsed, and is replaced for that; but not by itself (R12).
            self.reject_fallbacks(is_held);
            let verdict = self.need(now);
            self.rejected = true;
            return verdict;
        }
        if self.flight.is_none() {
            let next = self.last_rejection.map(|at| at.saturating_add(self.rejection_interval()));
            if let Some(wait) = next.map(|next| next.saturating_sub(now.monotonic)).filter(|w| !w.is_zero()) {
                return Verdict::Fail(
                    Error::transient(
                        "a server rejects a token that was renewed a moment ago; its answer stands",
                    )
                    .with_retry_after(wait),
                );
            }
            self.last_rejection = Some(now.monotonic);
        }
        self.rejected = true;
        self.reject_fallbacks(is_held);
        self.events.push(Event::Rejected { generation: held.generation });
        self.replace(now, Cause::Rejected)
    }

    /// What is not in hand now may be again, for its refresh token's sake: its access token must not be handed
    /// out then (R24).
    fn reject_fallbacks(&mut self, is_rejected: impl Fn(&Held) -> bool) {
        for (kept, rejected) in self.initial.iter_mut().chain(&mut self.doubted) {
            *rejected |= is_rejected(kept);
        }
    }

    /// [`reject`](Self::reject) of the generation that holds this access token; any other was replaced already.
    pub(crate) fn reject_token(&mut self, used: &Credentials, now: Reading) -> Verdict {
        match self.generation_of(used) {
            Some(generation) => self.reject(generation, now),
            None if self.ended_token == Some(hash_access_token(used)) => logged_out_since(),
            None => {
                self.reject_fallbacks(|kept| kept.credentials.same_access_token(used));
                self.need(now)
            }
        }
    }

    /// The program wants a newer credential than the one in hand.
    pub(crate) fn refresh(&mut self, now: Reading) -> Verdict {
        self.replace(now, Cause::Requested)
    }

    /// What a waiter gets when its flight is over: whatever may be used now, or else the flight's error.
    pub(crate) fn settle(&mut self, flight: u64, outcome: Result<(), Error>, now: Reading) -> Verdict {
        match (self.usable(now), outcome) {
            (_, Err(error)) if flight <= self.logged_out.1 => Verdict::Fail(error),
            (Some((held, _)), _) => Verdict::Use(held),
            (None, Err(error)) => Verdict::Fail(error),
            // It landed, and has lapsed or been rejected since: begin again.
            (None, Ok(())) => self.need(now),
        }
    }

    /// Log-out: nothing of what was held, or is under way, comes back (R17).
    pub(crate) fn clear(&mut self) {
        let ended_token =
            self.held.as_ref().map(|held| hash_access_token(&held.credentials)).or(self.ended_token);
        *self = Self {
            ended_token,
            must_forget: self.has_store,
            events: std::mem::take(&mut self.events),
            generation: self.generation,
            flights: self.flights,
            logged_out: (self.generation, self.flights),
            dice: std::mem::replace(&mut self.dice, Dice::new(false)),
            ..Self::new(self.timing.clone(), self.has_store)
        };
        self.events.push(Event::Cleared);
    }

    /// The program brings credentials of its own, after a log-in that this crate knows nothing about.
    pub(crate) fn set(&mut self, credentials: Credentials, now: Reading) -> Result<Arc<Held>, Error> {
        let windows = Windows::of_held(&credentials, now, &self.timing, &mut self.dice);
        let held = self.hold(credentials, windows)?;
        let (stored, must_forget) = (std::mem::take(&mut self.stored), self.must_forget);
        let (logged_out, ended_token) = (self.logged_out, self.ended_token);
        self.clear();
        self.ended_token = ended_token;
        // A log-out that the store has not carried through yet is not forgotten (R17).
        (self.stored, self.must_forget, self.logged_out) = (stored, must_forget, logged_out);
        self.held = Some(held.clone());
        Ok(held)
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
    pub(super) fn usable(&self, now: Reading) -> Option<(Arc<Held>, Freshness)> {
        let held = self.held.as_ref().filter(|_| !self.rejected)?;
        match held.windows.freshness(now) {
            Freshness::Expired => None,
            freshness => Some((held.clone(), freshness)),
        }
    }

    pub(super) fn hold(&mut self, credentials: Credentials, windows: Windows) -> Result<Arc<Held>, Error> {
        let header = credentials.bearer().clone();
        let credentials = match windows.expires_at() {
            Some(at) => credentials.with_expires_at(at),
            None => credentials,
        };
        self.generation += 1;
        let generation = self.generation;
        let same = self.held.as_ref().filter(|held| held.credentials.same_access_token(&credentials));
        let since = same.map_or(generation, |held| held.since);
        Ok(Arc::new(Held { credentials, header, generation, since, windows }))
    }

    /// The generation whose access token this is, if it is the one in hand.
    pub(crate) fn generation_of(&self, used: &Credentials) -> Option<u64> {
        let held = self.held.as_ref()?;
        held.credentials.same_access_token(used).then_some(held.generation)
    }

    /// The program has written this to the store, or had it forget, outside any flight.
    pub(crate) fn wrote(&mut self, credentials: Option<Credentials>) {
        // A log-out that came during the write still has to be carried through (R17).
        let current = match (&credentials, &self.held) {
            (Some(written), Some(held)) => held.credentials.same_tokens(written),
            (Some(_), None) => false,
            (None, _) => true,
        };
        self.must_forget &= !current;
        self.stored = credentials.iter().map(hash).collect();
    }

    /// This is about to be written to the store.
    pub(crate) fn writes(&mut self, credentials: &Credentials) {
        if self.stored.len() == MAX_STORED {
            // Never the first: where every write has failed, the store holds that one.
            self.stored.remove(1);
        }
        self.stored.push(hash(credentials));
    }

    /// Whether the store may be read: not while what was cleared may still be in it (R17).
    pub(super) fn may_read(&self) -> bool {
        self.has_store && !self.must_forget
    }

    pub(crate) fn generation(&self) -> u64 {
        self.held.as_ref().map_or(0, |held| held.generation)
    }

    /// R26: the least time between two refreshes that a rejection caused.
    pub(super) fn rejection_interval(&self) -> Duration {
        let lifetime = self.held.as_ref().and_then(|held| held.windows.lifetime());
        lifetime.map_or(self.timing.rejection_interval, |life| (life / 2).min(self.timing.rejection_interval))
    }

    /// Joins the flight in the air, or starts one, or gives the error that is remembered.
    fn replace(&mut self, now: Reading, cause: Cause) -> Verdict {
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

    fn start(&mut self, now: Reading, cause: Cause) -> u64 {
        self.flights += 1;
        self.flight = Some(Flight::new(self.flights, cause, now, &self.timing));
        self.events.push(Event::RefreshStarted { generation: self.generation(), cause });
        self.flights
    }
}

/// A request from before a log-out is not sent again as whoever logs in next (R17, R44).
fn logged_out_since() -> Verdict {
    Verdict::Fail(Error::login_required("the credentials were cleared (log-out) since: log in again"))
}

/// Of both tokens.
pub(super) fn hash(credentials: &Credentials) -> u64 {
    let mut hasher = DefaultHasher::new();
    (credentials.access_token(), credentials.refresh_token()).hash(&mut hasher);
    hasher.finish()
}

fn hash_access_token(credentials: &Credentials) -> u64 {
    let mut hasher = DefaultHasher::new();
    credentials.access_token().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;

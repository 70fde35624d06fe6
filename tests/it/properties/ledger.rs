//! The reference model: what the provider, the authenticator and the servers know of every token, and the
//! list of the promises that were broken.
//!
//! # How many requests there may be
//!
//! With exact waits (no jitter), from one request to the next 200 ms pass at least: between two attempts of a
//! flight (`Timing::RETRY_FIRST`), and between a failed flight and the next (`Timing::URGENT_BACKOFF_FIRST`, or half of what is
//! left of a token's life, which is not less than that). Exceptions: a log-in follows a refusal at once; the
//! flight after a success starts at once if a 401 is reported and none was before ([`Ledger::BURST`] counts
//! both); and what comes from outside (log-out, other credentials, a call of `refresh`, a clock that jumps, a
//! store that another process changed, a panic) lets one more flight start. So any 200 ms see at most
//! `BURST × (1 + what came from outside)` requests. [`most`] is closer, for a time in which nothing changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use reauth::clock::{Clock, Reading};
use reauth::store::Entry;
use reauth::{Credentials, Error, ErrorKind, Event, RefreshCause};

use super::program::{Response, Setup};
use crate::support::clock::TestClock;

#[derive(Clone)]
pub struct Ledger {
    pub clock: TestClock,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub struct State {
    access: BTreeMap<String, Access>,
    refresh: BTreeMap<String, Refresh>,
    revoked: BTreeSet<u32>,
    /// What the authenticator holds: what it received or adopted last.
    current: Option<Credentials>,
    /// What a provider that issues a token again issues again: `current`, or what was presented since.
    pub again: Option<Credentials>,
    /// What it had in hand before it adopted something that has expired.
    previous: Option<Credentials>,
    /// What it had in hand before it adopted something else: one of them may be in hand again.
    replaced: Vec<Credentials>,
    /// What was in hand before the responses of the flight in the air.
    superseded: Vec<Credentials>,
    /// The refresh token that it received last, and has not been refused.
    received: Option<String>,
    /// The access token that the authenticator was built with, until it is handed out.
    pub initial: Option<String>,
    pub loaded: Option<Credentials>,
    /// What the store holds.
    pub entry: Option<Entry>,
    requests: Vec<Duration>,
    outside: Vec<Duration>,
    asked_to_wait_until: Duration,
    last_rejection: Option<Duration>,
    flights: u32,
    rejections: usize,
    /// When the last flight started.
    started: Duration,
    /// The flight in which the store was read last, and the one in which a refresh token was refused last.
    read_in: u32,
    refused_in: u32,
    /// What was cleared may be in the store still: it is not read until that is certain.
    must_forget: bool,
    in_the_air: u32,
    /// Counts the log-outs and log-ins elsewhere: a request from before one is overtaken.
    epoch: u32,
    log_outs: u32,
    /// What requests brought that a log-out had overtaken, until it is revoked.
    orphans: BTreeSet<String>,
    /// The flight in which a refusal did not say why.
    inconclusive_in: u32,
    issued: u32,
    pub broken: Vec<String>,
}

struct Access {
    monotonic: Option<Duration>,
    wall: Option<SystemTime>,
    lifetime: Option<Duration>,
    rejected: bool,
    /// The renewal after the rejection has failed: it may be in use again (R24).
    may_be_back: bool,
    cleared: bool,
    /// Some attempt to write it has ended.
    written: bool,
}

struct Refresh {
    family: u32,
    spent: bool,
    /// The flight and the outcome of each time that the authenticator sent it.
    sent: Vec<(u32, Fate)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// No response arrived, or none that says what became of the token.
    Lost,
    /// The response said that it is good still.
    Kept,
    /// It was refused without a reason: not to be sent again in this flight.
    Unclear,
    /// The response brought another.
    Rotated,
    Refused,
}

/// A request that was sent.
#[derive(Clone, Copy)]
pub struct Sent {
    epoch: u32,
    log_outs: u32,
}

/// How long a token lives, and who says so.
#[derive(Clone, Copy)]
pub enum Life {
    Seconds(u64),
    Unknown,
    Over,
}

impl Ledger {
    /// A refresh that is refused and the log-in after it, and the same again if that brings an expired token (R12). All of
    /// it once more when a 401 meets what they brought, or when the first caller ends the rest of a background flight (R8).
    const BURST: usize = 8;

    pub fn new(clock: TestClock) -> Self {
        Self { clock, state: Arc::default() }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn now(&self) -> Reading {
        self.clock.now()
    }

    /// Something happened after which a new flight may start at once.
    pub fn outside(&self) {
        let now = self.now().monotonic;
        self.lock().outside.push(now);
    }

    /// The authenticator sends a request; `stored` says whether it has a store. Returns the ticket to end it with.
    pub fn sends(&self, refresh_token: Option<&str>, stored: bool) -> Sent {
        let now = self.now().monotonic;
        let mut state = self.lock();
        let state = &mut *state;
        state.requests.push(now);
        state.in_the_air += 1;
        if state.in_the_air > 1 {
            state.broken.push("R5: two requests are in the air".into());
        }
        if now < state.asked_to_wait_until {
            state.broken.push("R10: a request before the time that the provider asked for".into());
        }
        let flight = state.flights;
        let is_refused = refresh_token.is_none() && state.refused_in == flight && flight > 0;
        if is_refused && stored && !state.must_forget && state.read_in != flight {
            state.broken.push("R15: a log-in after a refusal, and the store was not read".into());
        }
        if let Some(token) = refresh_token {
            let sent = &mut state.refresh.get_mut(token).expect("every refresh token is the provider's").sent;
            if let Some((_, fate)) =
                sent.iter().find(|(_, fate)| matches!(fate, Fate::Rotated | Fate::Refused))
            {
                state.broken.push(format!("R14: {token} was sent again after it was {fate:?}"));
            }
            let lost = |(sent_in, fate): &&(u32, Fate)| *sent_in == flight && *fate == Fate::Lost;
            if sent.iter().filter(lost).count() > 1 {
                state.broken.push(format!("R14: {token} was sent three times in a flight"));
            }
            if sent.contains(&(flight, Fate::Unclear)) {
                state
                    .broken
                    .push(format!("R9: {token} was sent again in the flight in which it was refused"));
            }
            // Until something better is known.
            sent.push((flight, Fate::Lost));
        }
        Sent { epoch: state.epoch, log_outs: state.log_outs }
    }

    /// Whether a log-out or other credentials have overtaken the request. What it brings after a log-out has to be revoked.
    pub fn is_overtaken(&self, sent: Sent, brings: Option<&Credentials>) -> bool {
        let mut state = self.lock();
        if let Some(brings) = brings.filter(|_| sent.log_outs != state.log_outs) {
            state.orphans.insert(brings.access_token().to_owned());
            state.access.get_mut(brings.access_token()).unwrap().cleared = true;
        }
        sent.epoch != state.epoch
    }

    pub fn revokes(&self, credentials: &Credentials) {
        self.lock().orphans.remove(credentials.access_token());
    }

    /// Whatever overtaken requests brought was revoked.
    pub fn check_orphans(&self) {
        let mut state = self.lock();
        if let Some(orphan) = state.orphans.first().cloned() {
            state.broken.push(format!("R17: {orphan} came after a log-out and was not revoked"));
        }
    }

    /// The store is read.
    pub fn reads(&self) {
        let mut state = self.lock();
        state.read_in = state.flights;
        state.must_forget = false;
    }

    /// The request has ended, in whatever way.
    pub fn ends(&self, sent: Sent) {
        let mut state = self.lock();
        state.in_the_air -= u32::from(sent.epoch == state.epoch);
    }

    /// The authenticator learns what became of the refresh token that it sent last.
    pub fn learns(&self, refresh_token: &str, fate: Fate) {
        let mut state = self.lock();
        let refresh = state.refresh.get_mut(refresh_token).expect("it was sent");
        refresh.sent.last_mut().expect("it was sent").1 = fate;
        if matches!(fate, Fate::Refused | Fate::Unclear) {
            state.refused_in = state.flights;
        }
        if fate == Fate::Unclear {
            state.inconclusive_in = state.flights;
        }
        if fate == Fate::Refused && state.received.as_deref() == Some(refresh_token) {
            state.received = None;
        }
    }

    pub fn asks_to_wait(&self, wait: Duration) {
        let until = self.now().monotonic + wait;
        self.lock().asked_to_wait_until = until;
    }

    /// The provider takes a refresh token: its family, if it was good. The second use revokes the family.
    pub fn spend(&self, refresh_token: &str, rotates: bool) -> Option<u32> {
        let mut state = self.lock();
        let state = &mut *state;
        let refresh = state.refresh.get_mut(refresh_token)?;
        let family = refresh.family;
        if refresh.spent {
            state.revoked.insert(family);
        }
        refresh.spent |= rotates;
        (!state.revoked.contains(&family)).then_some(family)
    }

    pub fn revoke(&self, refresh_token: &str) {
        let mut state = self.lock();
        let family = state.refresh[refresh_token].family;
        state.revoked.insert(family);
    }

    /// The provider issues credentials; without a family, of a new log-in.
    pub fn issue(&self, family: Option<u32>, refresh_token: bool, life: Life, sent: Reading) -> Credentials {
        let mut state = self.lock();
        state.issued += 1;
        let number = state.issued;
        let mut credentials = Credentials::new(format!("at-{number}")).unwrap();
        if refresh_token {
            let token = format!("rt-{number}");
            credentials = credentials.with_refresh_token(token.clone()).unwrap();
            let family = family.unwrap_or(number);
            state.refresh.insert(token, Refresh { family, spent: false, sent: Vec::new() });
        }
        state.life(credentials, life, sent)
    }

    /// The provider issues an access token again, without a refresh token.
    pub fn issue_again(&self, token: &Credentials, life: Life, sent: Reading) -> Credentials {
        let again = Credentials::new(token.access_token()).unwrap();
        let now = self.now();
        let mut state = self.lock();
        state.look_at_the_deadline(now);
        let Access { rejected, may_be_back, cleared, written, .. } = state.access[token.access_token()];
        let again = state.life(again, life, sent);
        let access = state.access.get_mut(token.access_token()).unwrap();
        // After a log-out the authenticator knows nothing of it.
        access.rejected = rejected && !cleared;
        access.may_be_back = may_be_back;
        access.written = written && !cleared;
        state.orphans.remove(token.access_token());
        again
    }

    /// The authenticator receives credentials: from the provider, or as they are.
    pub fn receives(&self, credentials: &Credentials, keeps_refresh_token: bool) {
        let now = self.now();
        let mut state = self.lock();
        let state = &mut *state;
        state.again = Some(credentials.clone());
        // Only the refresh token of an expired response replaces that of a token which is good still (R12).
        let is_good = |held: &Credentials| !state.access[held.access_token()].expired(now);
        if state.current.as_ref().is_none_or(|held| !is_good(held)) || is_good(credentials) {
            // It may have expired before it was stored: then what was in hand stays in use.
            state.superseded.extend(state.current.replace(credentials.clone()));
            state.previous = None;
        }
        state.replaced.clear();
        if !keeps_refresh_token || credentials.refresh_token().is_some() {
            state.received = credentials.refresh_token().map(str::to_owned);
        }
    }

    /// Log-out, or a log-in elsewhere, which replaces what was in hand.
    pub fn clears(&self, everything: bool) {
        self.outside();
        let mut state = self.lock();
        let state = &mut *state;
        let current = state.current.take();
        state.epoch += 1;
        state.log_outs += u32::from(everything);
        state.in_the_air = 0;
        state.again = None;
        state.previous = None;
        state.replaced.clear();
        state.superseded.clear();
        state.received = None;
        state.must_forget |= everything;
        state.asked_to_wait_until = Duration::ZERO;
        state.last_rejection = None;
        for (token, access) in &mut state.access {
            access.cleared |= everything || current.as_ref().is_some_and(|held| held.access_token() == token);
        }
    }

    pub fn observes(&self, event: &Event) {
        let now = self.now();
        let mut state = self.lock();
        match event {
            Event::RefreshStarted { cause, .. } => {
                state.flights += 1;
                state.started = now.monotonic;
                // It may have waited for the end of the flight before it.
                if *cause == RefreshCause::Requested {
                    state.outside.push(now.monotonic);
                }
            }
            Event::Rejected { .. } => state.rejections += 1,
            Event::RefreshSucceeded { .. } => state.superseded.clear(),
            Event::RefreshFailed { error, .. } => {
                let state = &mut *state;
                let is_good = |held: &Credentials| !state.access[held.access_token()].expired(now);
                if state.current.as_ref().is_some_and(|held| !is_good(held)) {
                    // What came had expired when it was stored.
                    state.current =
                        state.superseded.iter().rfind(|held| is_good(held)).cloned().or(state.current.take());
                }
                let is_refused =
                    error.kind() == ErrorKind::LoginRequired && state.inconclusive_in != state.flights;
                if !is_refused {
                    state.renewal_failed();
                }
            }
            // Perhaps before it was asked: another call would not end.
            Event::StoreFailed { .. } => state.read_in = state.flights,
            Event::Adopted { .. } => {
                let adopted = state.loaded.clone().expect("only what was loaded is adopted");
                state.received = adopted.refresh_token().map(str::to_owned);
                let access = state.access.get_mut(adopted.access_token()).unwrap();
                // Only its time of day is known.
                access.lifetime = access.wall.map(|wall| wall.duration_since(now.wall).unwrap_or_default());
                access.monotonic = access.lifetime.map(|left| now.monotonic + left);
                let has_expired = access.expired(now);
                state.again = Some(adopted.clone());
                let before = state.current.replace(adopted);
                let is_usable = |held: &Credentials| state.is_usable(held.access_token(), now);
                state.previous = before.clone().filter(|held| has_expired && is_usable(held));
                state.replaced.extend(before);
                state.outside.push(now.monotonic);
            }
            _ => {}
        }
    }

    /// A store's write of this has ended, in whatever way.
    pub fn written(&self, credentials: &Credentials) {
        if let Some(access) = self.lock().access.get_mut(credentials.access_token()) {
            access.written = true;
        }
    }

    /// A caller was given this.
    pub fn handed_out(&self, credentials: &Credentials, stored: bool) {
        let now = self.now();
        let mut state = self.lock();
        state.look_at_the_deadline(now);
        let token = credentials.access_token();
        let access = &state.access[token];
        let mut broken = Vec::new();
        if access.expired(now) {
            broken.push(format!("R1: {token} was handed out after it had expired"));
        }
        if access.rejected && !access.may_be_back {
            broken.push(format!("R12: {token} was handed out after a 401"));
        }
        if access.cleared {
            broken.push(format!("R17: {token} was handed out after it was cleared"));
        }
        if stored && !access.written {
            broken.push(format!("R16: {token} was handed out before it was stored"));
        }
        state.broken.extend(broken);
        // What was in hand since is refused: the authenticator fell back on what it had before it found something
        // in the store, or on what it was built with.
        let is_initial = state.initial.as_deref() == Some(token);
        if is_initial {
            state.initial = None;
        }
        // It is still valid while its successor is being stored.
        let is_superseded = state.superseded.iter().any(|held| held.access_token() == token);
        if (is_initial && !is_superseded)
            || state.replaced.iter().any(|replaced| replaced.access_token() == token)
        {
            state.current = Some(credentials.clone());
            state.received = credentials.refresh_token().map(str::to_owned);
        }
    }

    /// `credentials` failed.
    pub fn failed(&self, error: &Error) {
        let now = self.now();
        let mut state = self.lock();
        if let Some(usable) = state.usable(now) {
            let broken = format!("R8: {usable} is good, and a caller got: {error}");
            state.broken.push(broken);
        }
    }

    /// How many rejections were events.
    pub fn rejections(&self) -> usize {
        self.lock().rejections
    }

    /// A 401 for this was reported. `response` is what the report got at once, if anything. `counts`: there was an event.
    pub fn unauthorized(&self, used: &Credentials, response: Option<&Error>, counts: bool) {
        let now = self.now();
        let mut state = self.lock();
        // While no flight may start, the report counts for nothing.
        if response.is_some_and(|error| !error.to_string().contains("renewed a moment ago")) {
            return;
        }
        let too_soon = |error: &&Error| {
            error.kind() == ErrorKind::Transient && error.to_string().contains("renewed a moment ago")
        };
        let token = used.access_token();
        if response.filter(too_soon).is_some() {
            let interval = state.access[token].interval();
            if state.last_rejection.is_none_or(|last| now.monotonic >= last + interval) {
                state.broken.push(format!("R26: the 401 for {token} was not too soon after another"));
            }
            return;
        }
        state.look_at_the_deadline(now);
        let is_withheld = state.access[token].rejected && !state.access[token].may_be_back;
        // After it found something in the store, it may go on with what it had.
        let replaced = state.replaced.iter().map(Credentials::access_token);
        let is_in_hand = state.in_hand().chain(replaced).any(|held| held == token);
        let is_new = is_in_hand && !is_withheld;
        if is_new && counts {
            state.last_rejection = Some(now.monotonic);
        }
        let access = state.access.get_mut(token).unwrap();
        access.rejected = true;
        // An error is remembered. If there is nothing new in the store, the report counts for nothing (R58).
        access.may_be_back = is_new && !counts && !access.expired(now);
    }

    /// Checks [the bound](self) for every window.
    pub fn check_rate(&self) {
        let window = Duration::from_millis(200);
        let mut state = self.lock();
        let state = &mut *state;
        for (first, start) in state.requests.iter().enumerate() {
            let within = |at: &&Duration| **at < *start + window;
            let requests = state.requests[first..].iter().take_while(within).count();
            let since = |at: &&Duration| **at + window > *start && **at < *start + window;
            let outside = state.outside.iter().filter(since).count();
            if requests > Self::BURST * (1 + outside) {
                state.broken.push(format!("R10: {requests} requests within 200 ms from {start:?}"));
                return;
            }
        }
    }

    /// What was cleared is not in the store.
    pub fn check_store(&self) {
        let mut state = self.lock();
        if let Some(left) = state.stored().filter(|stored| state.is_cleared(stored)) {
            state.broken.push(format!("R17: {} is in the store after it was cleared", left.access_token()));
        }
    }

    pub fn requests(&self) -> usize {
        self.lock().requests.len()
    }

    /// Whether this response is a token that a 401 was reported for before.
    pub fn comes_back_rejected(&self, response: Response) -> bool {
        let state = self.lock();
        let again = state.again.iter().map(Credentials::access_token);
        response == Response::SameToken
            && again.chain(state.in_hand()).any(|token| state.access[token].rejected)
    }

    /// Whether the next call has to succeed although no log-in is possible.
    pub fn can_refresh(&self) -> bool {
        let state = self.lock();
        let received = state.received.as_deref();
        received.is_some_and(|token| state.is_live(token))
    }
}

impl State {
    /// The credentials that the store holds.
    pub fn stored(&self) -> Option<Credentials> {
        self.entry.as_ref()?.credentials().cloned()
    }

    fn life(&mut self, credentials: Credentials, life: Life, sent: Reading) -> Credentials {
        let lifetime = match life {
            Life::Seconds(seconds) => Some(Duration::from_secs(seconds)),
            Life::Unknown => None,
            Life::Over => Some(Duration::ZERO),
        };
        let end = lifetime.map(|lifetime| sent.after(lifetime));
        let access = Access {
            monotonic: end.map(|end| end.monotonic),
            wall: end.map(|end| end.wall),
            lifetime,
            rejected: false,
            may_be_back: false,
            cleared: false,
            written: false,
        };
        self.access.insert(credentials.access_token().to_owned(), access);
        match life {
            Life::Seconds(seconds) => credentials.with_lifetime(Duration::from_secs(seconds)),
            Life::Unknown => credentials,
            Life::Over => credentials.with_expires_at(sent.wall - Duration::from_secs(1)),
        }
    }

    /// What was rejected may be in use again (R24).
    fn renewal_failed(&mut self) {
        let before = self.replaced.iter().chain(&self.superseded).map(Credentials::access_token);
        let in_hand: Vec<String> = self.in_hand().chain(before).map(str::to_owned).collect();
        for token in in_hand {
            let access = self.access.get_mut(&token).unwrap();
            access.may_be_back = access.rejected;
        }
    }

    /// At the deadline of its flight a renewal counts as failed, although its request goes on (R14).
    fn look_at_the_deadline(&mut self, now: Reading) {
        if self.in_the_air > 0 && now.monotonic >= self.started + reauth::Timing::FLIGHT_DEADLINE {
            self.renewal_failed();
        }
    }

    fn usable(&self, now: Reading) -> Option<&str> {
        self.in_hand().find(|token| self.is_usable(token, now))
    }

    fn is_usable(&self, token: &str, now: Reading) -> bool {
        let access = &self.access[token];
        !access.expired(now) && !access.rejected && !access.cleared
    }

    fn in_hand(&self) -> impl Iterator<Item = &str> {
        self.current.iter().chain(&self.previous).map(Credentials::access_token)
    }

    fn is_live(&self, refresh_token: &str) -> bool {
        let refresh = &self.refresh[refresh_token];
        !refresh.spent && !self.revoked.contains(&refresh.family)
    }

    fn is_cleared(&self, credentials: &Credentials) -> bool {
        self.access[credentials.access_token()].cleared
    }

    /// The time of day at which it expires: what stored credentials say.
    /// When a token expires that another process writes to the store: the text there has whole seconds.
    pub fn store_wall(&mut self, credentials: &Credentials) -> Option<SystemTime> {
        let wall = &mut self.access.get_mut(credentials.access_token())?.wall;
        let since_1970 = (*wall)?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        *wall = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(since_1970.as_secs()));
        *wall
    }
}

impl Access {
    fn expired(&self, now: Reading) -> bool {
        self.monotonic.is_some_and(|at| now.monotonic >= at) || self.wall.is_some_and(|at| now.wall >= at)
    }

    fn interval(&self) -> Duration {
        let most = reauth::Timing::REJECTION_INTERVAL;
        self.lifetime.map_or(most, |lifetime| (lifetime / 2).min(most))
    }
}

/// How many requests a tight loop may cause in so many seconds in which the provider always sends the same response,
/// and nothing comes from outside. Waits are exact.
///
/// - Success: one for each token of lifetime L, replaced after 0.75 L at the earliest. Where each is `rejected`,
///   by 401s in the loop or because the one that a 401 came for before it is issued again and again: one each
///   min(10 s, L/2), as R26 has it. The second is a failure (R12), whose own back-off would ask more often.
/// - Refused, misconfigured: one request each `Timing::TERMINAL_MEMORY`. The first flight may send each of three refresh
///   tokens (the one in hand, one in doubt, the one that the source was built with) before it logs in.
/// - Any other failure: at worst a flight of five attempts (3 s) and then the longest back-off (5 s), after
///   shorter ones. An expired token makes two requests of each attempt (R12).
pub fn most(response: Response, rejected: bool, seconds: u64, setup: &Setup) -> f64 {
    let seconds = seconds as f64;
    let lifetime = match response {
        Response::Short => 2.0,
        Response::Endless => f64::INFINITY,
        _ => setup.lifetime as f64,
    };
    match response {
        response if response.is_success() && rejected => 4.0 + seconds / (lifetime / 2.0).min(10.0),
        response if response.is_success() => 4.0 + seconds / (0.7 * lifetime),
        Response::Refused | Response::Misconfigured => 4.0 + seconds / 5.0,
        // If the store fails, that is what callers get, and it is not terminal.
        Response::Inconclusive if !setup.store => 4.0 + seconds / 5.0,
        Response::Expired => 28.0 + 1.4 * seconds,
        _ => 14.0 + 0.7 * seconds,
    }
}

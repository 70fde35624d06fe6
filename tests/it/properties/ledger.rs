//! The reference model: what the provider, the authenticator and the servers know of every token, and the
//! list of the promises that were broken.

mod rate;
mod requests;
mod tokens;

pub use rate::most;

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

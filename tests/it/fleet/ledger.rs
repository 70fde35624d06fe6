//! The reference model: what the provider has issued, who has sent what, who has seen a log-out, and the list of the
//! promises that were broken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use reauth::Credentials;
use reauth::clock::Reading;
use reauth::store::Entry;
use tokio::time::sleep;

/// A process from its start to its end. `life` tells it from the one before it in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life {
    pub process: u8,
    pub life: u32,
}

#[derive(Clone)]
pub struct SharedLedger(Arc<Mutex<Ledger>>);

impl SharedLedger {
    pub fn new(lapses: bool, has_jumps: bool) -> Self {
        Self(Arc::new(Mutex::new(Ledger { lapses, has_jumps, ..Ledger::default() })))
    }

    pub fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap()
    }

    /// A point at which a process may be killed or stopped.
    pub async fn point(&self, life: Life) {
        if !self.lock().reaches_point(life) {
            // It is killed or stopped before this goes on.
            while !self.lock().may_go_on(life) {
                sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

#[derive(Default)]
pub struct Ledger {
    lapses: bool,
    has_jumps: bool,
    /// Counts whatever may let somebody go on.
    pub moves: u64,
    /// Counts what happens, so that of two events the later one is known.
    order: u64,
    lives: BTreeMap<Life, Known>,
    pub families: Vec<Family>,
    /// By the access token.
    tokens: BTreeMap<String, Token>,
    pub sends: Vec<Send>,
    /// When the store was set back last, and when a call of it failed last. What was noted is lost when it is set back.
    set_back: u64,
    trouble: u64,
    /// The log-outs that were written: the families that were there.
    tombstones: BTreeMap<String, BTreeSet<usize>>,
    pub broken: Vec<String>,
    pub log: Vec<String>,
}

/// What is known of a life.
#[derive(Default)]
pub struct Known {
    pub is_killed: bool,
    /// When it was stopped last.
    stopped: u64,
    pub is_stopped: bool,
    /// How many points it may still reach, and what happens then.
    fuse: Option<(u8, Fate)>,
    /// What has to happen to it now.
    pub fate: Option<Fate>,
    /// When it logged out, or its program set credentials, last.
    own_change: u64,
    logged_out: u64,
    /// The families of which nothing may be handed out here any more.
    ended: BTreeSet<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Kill,
    Stop,
}

pub struct Family {
    /// Its refresh tokens are worthless, because one was used twice.
    pub is_dead: bool,
    /// The client has revoked it.
    pub is_revoked: bool,
    /// The newest refresh token.
    pub live: usize,
    /// It was revoked or has to be: what brought it came after a log-out.
    pub must_be_revoked: Option<Life>,
    by: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Login,
    Elsewhere,
}

#[derive(Clone, Copy)]
pub struct Token {
    pub family: usize,
    pub index: usize,
    expires: Reading,
}

/// A refresh token that was sent.
pub struct Send {
    family: usize,
    index: usize,
    by: Life,
    at: u64,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Open,
    NotProcessed,
    Lost,
    Refused,
    Success,
}

impl Ledger {
    fn next(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    pub fn note(&mut self, text: String) {
        self.log.push(text);
    }

    pub fn breaks(&mut self, text: String) {
        self.note(format!("BROKEN {text}"));
        self.broken.push(text);
    }

    pub fn known(&mut self, life: Life) -> &mut Known {
        self.lives.entry(life).or_default()
    }

    /// Returns whether the process goes on from here.
    pub fn reaches_point(&mut self, life: Life) -> bool {
        let known = self.known(life);
        match known.fuse {
            Some((0, fate)) => {
                known.fuse = None;
                known.fate = Some(fate);
                false
            }
            Some((left, fate)) => {
                known.fuse = Some((left - 1, fate));
                true
            }
            None => true,
        }
    }

    pub fn may_go_on(&mut self, life: Life) -> bool {
        let known = self.known(life);
        known.fate.is_none() && !known.is_stopped
    }

    pub fn light(&mut self, life: Life, points: u8, fate: Fate) {
        self.known(life).fuse = Some((points, fate));
    }

    /// Nobody is killed or stopped from here on.
    pub fn calm(&mut self) {
        self.note("--- all is well".into());
        self.lives.values_mut().for_each(|known| known.fuse = None);
    }

    pub fn killed(&mut self, life: Life) {
        self.note(format!("{life:?} is killed"));
        self.known(life).is_killed = true;
    }

    pub fn stopped(&mut self, life: Life, is_stopped: bool) {
        self.note(format!("{life:?} stands still: {is_stopped}"));
        let order = self.next();
        let known = self.known(life);
        known.is_stopped = is_stopped;
        known.fate = None;
        known.stopped = order;
    }

    pub fn set_back(&mut self) {
        self.set_back = self.next();
        // Log-outs may be lost, too.
        self.tombstones.clear();
        self.lives.values_mut().for_each(|known| known.ended.clear());
    }

    pub fn trouble(&mut self) {
        self.trouble = self.next();
    }

    /// The process logs out, or its program sets credentials.
    pub fn changes(&mut self, life: Life, logs_out: bool) {
        let order = self.next();
        let all: BTreeSet<usize> = (0..self.families.len()).collect();
        let known = self.known(life);
        known.own_change = order;
        if logs_out {
            known.logged_out = order;
            known.ended = all;
        }
    }

    // The provider.

    pub fn new_family(&mut self, by: Origin) -> usize {
        let family = Family { is_dead: false, is_revoked: false, live: 0, must_be_revoked: None, by };
        self.families.push(family);
        self.families.len() - 1
    }

    /// Issues the next tokens of a family.
    pub fn issue(&mut self, family: usize, sent: Reading, lifetime: Duration) -> Credentials {
        self.families[family].live += 1;
        let index = self.families[family].live;
        let access = format!("at-{family}-{index}");
        let expires = sent.after(lifetime);
        self.tokens.insert(access.clone(), Token { family, index, expires });
        Credentials::new(access)
            .and_then(|credentials| credentials.with_refresh_token(format!("rt-{family}-{index}")))
            .unwrap()
            .with_lifetime(lifetime)
    }

    pub fn token(&self, credentials: &Credentials) -> Token {
        self.tokens[credentials.access_token()]
    }

    fn expired(&self, family: usize, index: usize, now: Reading) -> bool {
        let token = self.tokens[&format!("at-{family}-{index}")];
        now.wall >= token.expires.wall || now.monotonic >= token.expires.monotonic
    }

    /// A process sends a refresh token. Returns the number of the request.
    pub fn sends(&mut self, life: Life, held: &Credentials, now: Reading) -> usize {
        let token = self.token(held);
        let (family, index) = (token.family, token.index);
        self.note(format!("{now:?} {life:?} sends rt-{family}-{index}"));
        for number in 0..self.sends.len() {
            if (self.sends[number].family, self.sends[number].index) == (family, index) {
                self.check_again(number, life, now);
            }
        }
        let at = self.next();
        self.sends.push(Send { family, index, by: life, at, outcome: Outcome::Open });
        self.sends.len() - 1
    }

    /// A refresh token is sent that was sent before.
    fn check_again(&mut self, number: usize, life: Life, now: Reading) {
        let Send { family, index, by, at, outcome } = self.sends[number];
        let (set_back, trouble, lapses) = (self.set_back, self.trouble, self.lapses);
        let is_expired = self.expired(family, index, now);
        let sender = self.known(by);
        let was_stopped = sender.is_stopped || sender.stopped > at;
        let was_overtaken = was_stopped && lapses;
        let is_gone = sender.is_killed || sender.own_change > at || set_back > 0;
        let was_in_doubt = self.sends.iter().any(|other| match other.outcome {
            Outcome::Refused => other.family == family && other.index > index,
            outcome => (other.family, other.index) == (family, index) && outcome == Outcome::Lost,
        });
        let may = match outcome {
            Outcome::NotProcessed | Outcome::Lost => true,
            // The refusal may not have been noted. A process in which the token is in doubt tries it again when what it found
            // in the store is refused, too.
            Outcome::Refused => is_gone || was_stopped || trouble > at || was_in_doubt,
            Outcome::Open | Outcome::Success => is_gone || was_overtaken,
        };
        if !may {
            self.breaks(format!(
                "R50: {life:?} sends rt-{family}-{index}, which {by:?} has sent: {outcome:?}"
            ));
        }
        // Whether it was processed is not known, so the exchange stays open until the expiry.
        let is_open = outcome != Outcome::NotProcessed && outcome != Outcome::Refused;
        // It may have taken over before the wall clock was set back.
        let took_over = self
            .sends
            .iter()
            .any(|other| (other.family, other.index, other.by) == (family, index, life) && other.at > at);
        if may && is_open && by != life && !is_expired && set_back == 0 && !took_over {
            self.breaks(format!(
                "R51: {life:?} sends rt-{family}-{index} while the exchange of {by:?} is open"
            ));
        }
    }

    // The store.

    /// A process has read this.
    pub fn read(&mut self, life: Life, found: Option<&Entry>) {
        let Some(found) = found.filter(|found| found.is_logged_out()) else { return };
        let version = found.version().to_string();
        let ended = self.tombstones.get(&version).cloned().unwrap_or_default();
        let is_mine = |family: &usize| self.families[*family].by == Origin::Elsewhere;
        let ended: Vec<usize> = ended.into_iter().filter(|family| !is_mine(family)).collect();
        self.note(format!("{life:?} has read the log-out {version}"));
        self.known(life).ended.extend(ended);
    }

    /// A process has written this over something else.
    pub fn written(&mut self, life: Life, before: Option<&Entry>, entry: &Entry) {
        let access = entry.credentials().map(Credentials::access_token);
        let holder = entry.open_exchange().is_some();
        self.note(format!("{life:?} writes {} {access:?}, open exchange: {holder}", entry.version()));
        if entry.is_logged_out() {
            let all = (0..self.families.len()).collect();
            self.tombstones.insert(entry.version().to_string(), all);
            return;
        }
        let (Some(new), Some(before)) = (entry.credentials(), before) else { return };
        let new = self.token(new);
        if new.index == 1 {
            // It came after the log-out, or it would have been revoked.
            self.lives.values_mut().for_each(|known| known.ended.retain(|family| *family != new.family));
        }
        if before.is_logged_out() && new.index > 1 && self.set_back == 0 {
            self.breaks(format!(
                "R59: {life:?} writes the refresh {}-{} over a log-out",
                new.family, new.index
            ));
        }
        let Some(old) = before.credentials().map(|old| self.token(old)) else { return };
        if new.family == old.family && new.index < old.index {
            let live = &self.families[old.family];
            if old.index == live.live && !live.is_dead && !live.is_revoked {
                self.breaks(format!("R52: {life:?} writes {}-{} over {}", new.family, new.index, old.index));
            }
        }
    }

    // The callers.

    /// A caller was given this.
    pub fn handed_out(&mut self, life: Life, credentials: &Credentials, now: Reading) {
        let token = self.token(credentials);
        self.note(format!("{now:?} {life:?} gives out {}", credentials.access_token()));
        let by_wall = now.wall >= credentials.expires_at().unwrap_or(SystemTime::UNIX_EPOCH);
        if by_wall || (!self.has_jumps && now.monotonic >= token.expires.monotonic) {
            self.breaks(format!("R1: {life:?} gives out {}, which has expired", credentials.access_token()));
        }
        if self.known(life).ended.contains(&token.family) {
            self.breaks(format!("R17: {life:?} gives out {} after the log-out", credentials.access_token()));
        }
    }

    /// A response was received. What came of it?
    pub fn received(&mut self, life: Life, started: u64, credentials: &Credentials) {
        let family = self.token(credentials).family;
        if self.known(life).logged_out > started {
            self.families[family].must_be_revoked.get_or_insert(life);
        }
    }

    pub fn started(&mut self) -> u64 {
        self.next()
    }

    pub fn revoked(&mut self, credentials: &Credentials) {
        let family = self.token(credentials).family;
        self.note(format!("{family} is revoked"));
        self.families[family].is_revoked = true;
    }

    /// Whether the refresh token of these credentials would be accepted.
    pub fn is_live(&self, credentials: &Credentials) -> bool {
        let token = self.token(credentials);
        let family = &self.families[token.family];
        token.index == family.live && !family.is_dead && !family.is_revoked
    }

    /// Everything has calmed down.
    pub fn check_orphans(&mut self) {
        for family in 0..self.families.len() {
            let Some(life) = self.families[family].must_be_revoked else { continue };
            if !self.families[family].is_revoked
                && !self.families[family].is_dead
                && !self.known(life).is_killed
            {
                self.breaks(format!(
                    "R17: the family {family} came to {life:?} after a log-out and was not revoked"
                ));
            }
        }
    }
}

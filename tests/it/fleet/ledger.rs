//! The reference model: what the provider has issued, who has sent what, who has seen a log-out, and the list of the
//! promises that were broken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use reauth::Credentials;
use reauth::clock::Reading;
use reauth::store::Entry;
use tokio::time::sleep;

use super::lives::{Known, Life};

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
    pub lapses: bool,
    pub has_jumps: bool,
    /// Counts whatever may let somebody go on.
    pub moves: u64,
    /// Counts what happens, so that of two events the later one is known.
    pub order: u64,
    pub lives: BTreeMap<Life, Known>,
    pub families: Vec<Family>,
    /// By the access token.
    pub tokens: BTreeMap<String, Token>,
    pub sends: Vec<Send>,
    /// When the store was set back last, and when a call of it failed last. What was noted is lost when it is set back.
    pub set_back: u64,
    pub trouble: u64,
    /// The log-outs that were written: by whom, when, and the families that were there.
    pub tombstones: BTreeMap<String, (Life, u64, BTreeSet<usize>)>,
    /// What the store holds, who has written it, and since when.
    pub content: Option<Entry>,
    pub content_by: Option<Life>,
    pub content_since: u64,
    pub logins: Vec<Login>,
    pub broken: Vec<String>,
    pub log: Vec<String>,
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
    /// A program has set it. That was written, and again in another version by a process that did not know of the first.
    pub is_set_again: bool,
    /// When it was first written to the store; 0 if it was not.
    pub written: u64,
    /// The version of the first write.
    pub first: Option<String>,
    pub by: Origin,
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
    pub expires: Reading,
}

/// A refresh token that was sent.
pub struct Send {
    pub family: usize,
    pub index: usize,
    pub by: Life,
    /// When its sender had last written that an exchange is open.
    pub noted: u64,
    pub at: u64,
    pub outcome: Outcome,
}

/// A log-in that was asked for.
pub struct Login {
    pub by: Life,
    pub at: u64,
    pub is_open: bool,
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
    pub fn next(&mut self) -> u64 {
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

    pub fn set_back(&mut self, content: Option<Entry>) {
        self.set_back = self.next();
        // A log-out that is lost has not ended what its process does not know.
        for known in self.lives.values_mut() {
            known.may_end.clear();
            known.ended.retain(|family| known.seen.contains(family));
        }
        (self.content, self.content_by, self.content_since) = (content, None, self.set_back);
    }

    /// A call of this process fails.
    pub fn trouble(&mut self, life: Life) {
        self.trouble = self.next();
        self.known(life).trouble = self.trouble;
    }

    pub fn new_family(&mut self, by: Origin) -> usize {
        let family = Family {
            is_dead: false,
            is_revoked: false,
            live: 0,
            must_be_revoked: None,
            is_set_again: false,
            written: 0,
            first: None,
            by,
        };
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

    /// What was issued with this refresh token. It may be held beside another access token, which is valid for longer.
    pub fn refresh_token(&self, credentials: &Credentials) -> Token {
        let token = credentials.refresh_token().expect("each response has one");
        self.tokens[&token.replacen("rt-", "at-", 1)]
    }

    pub fn expired(&self, family: usize, index: usize, now: Reading) -> bool {
        let token = self.tokens[&format!("at-{family}-{index}")];
        now.wall >= token.expires.wall || now.monotonic >= token.expires.monotonic
    }

    /// A process sends a refresh token. Returns the number of the request.
    pub fn sends(&mut self, life: Life, held: &Credentials, now: Reading) -> usize {
        let token = self.refresh_token(held);
        let (family, index) = (token.family, token.index);
        self.note(format!("{now:?} {life:?} sends rt-{family}-{index}"));
        for number in 0..self.sends.len() {
            if (self.sends[number].family, self.sends[number].index) == (family, index) {
                self.check_again(number, life, now);
            }
        }
        let at = self.next();
        let noted = self.known(life).noted;
        self.sends.push(Send { family, index, by: life, noted, at, outcome: Outcome::Open });
        self.sends.len() - 1
    }
}

//! What a scenario of `tests/conformance` says, as types. The page there explains each of them.
//!
//! This file, [`read`](super::read), [`play`](super::play) and [`translate`](super::translate) are shared by both
//! runners: the one of the pure machine, next to this, and the one of the whole authenticator in `tests/it`.

use std::collections::BTreeMap;
use std::time::Duration;

/// One story with one client.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) rules: Vec<String>,
    pub(crate) setup: Setup,
    pub(crate) steps: Vec<Step>,
}

/// What the client is built with.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) can_login: bool,
    pub(crate) can_refresh: bool,
    pub(crate) initial: Option<Tokens>,
    /// Whether there is a store, and what it holds at first.
    pub(crate) store: Option<Option<Tokens>>,
    /// The settings that differ from the defaults.
    pub(crate) timing: BTreeMap<String, Duration>,
}

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) then: Then,
}

/// What happens to the client.
#[derive(Debug)]
pub(crate) enum Action {
    Get { caller: String },
    Refresh { caller: String },
    Unauthorized { caller: String, token: String },
    Cancel { caller: String },
    LogOut { caller: String },
    SetCredentials { caller: String, tokens: Tokens },
    Loop { caller: String, times: u32, every: Duration },
    Respond(Answer),
    RespondLate(Answer),
    RespondToAll(Option<Answer>),
    Advance(Duration),
    WallClockJump { back: bool, by: Duration },
    StoreChanged(Option<Tokens>),
    StoreBehaves { operation: Operation, manner: Manner },
    StoreResponds,
    Interrupt,
}

/// What the identity provider answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Tokens(Tokens),
    Refused,
    Misconfigured,
    Unavailable { retry_after: Option<Duration> },
    Lost { retry_after: Option<Duration> },
    Invalid,
    Unsupported,
    Panic,
}

/// A credential by its symbolic names.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) expiry: Expiry,
    /// The access token is a JWT with these times.
    pub(crate) jwt: Option<Jwt>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Expiry {
    Unknown,
    After(Duration),
    At(Moment),
}

/// Milliseconds since the scenario began, on the wall clock; negative before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) i64);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Jwt {
    pub(crate) exp: Moment,
    pub(crate) iat: Option<Moment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Load,
    Save,
    Clear,
}

/// What a store does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Works,
    Fails,
    Hangs,
    Panics,
}

/// What must have come of a step. What is not named must not have happened, events and the last three apart.
#[derive(Debug, Default)]
pub(crate) struct Then {
    pub(crate) got: BTreeMap<String, Outcome>,
    pub(crate) asked: Asked,
    pub(crate) events: Option<Vec<Told>>,
    pub(crate) waiting: Option<Vec<String>>,
    pub(crate) stored: Option<Option<Stored>>,
}

#[derive(Debug)]
pub(crate) enum Asked {
    /// The source and the store, in this order.
    Calls(Vec<Call>),
    /// So many requests to the source; the store does not matter.
    Requests(usize),
}

impl Default for Asked {
    fn default() -> Self {
        Self::Calls(Vec::new())
    }
}

/// What a caller got in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Token(String),
    Done,
    Error { kind: String, retry_after: Option<Duration> },
}

/// Something that the client asked of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Login,
    Refresh(String),
    Load,
    Save(Stored),
    Clear,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    /// Where it is expected, `None` means any.
    pub(crate) expires_at: Option<Moment>,
}

/// An event; where it is expected, `None` means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) cause: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) callers: Option<u64>,
    pub(crate) attempt: Option<u32>,
    pub(crate) next_attempt: Option<Duration>,
}

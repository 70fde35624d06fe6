//! What a test and its workers say to each other: one JSON object a line, and no token in any of them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The variable that makes this program a worker: its [`Settings`].
pub const SETTINGS: &str = "REAUTH_PROCESSES_WORKER";

/// Who a worker is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    pub store: StoreAt,
    /// By which the provider's log knows the requests of these workers.
    pub run: String,
    /// Whether the source knows the password.
    pub logs_in: bool,
    /// Whether the source revokes what a log-out ends.
    pub revokes: bool,
    /// How long a flight lasts at most.
    pub deadline_ms: u64,
    /// How long a call of the store lasts at most.
    pub call_ms: u64,
    pub provider: Provider,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Provider {
    pub base: String,
    pub token: String,
    pub revocation: String,
    pub introspection: String,
    pub api: String,
    pub client: (String, String),
    pub user: (String, String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum StoreAt {
    File(PathBuf),
    Redis { url: String, profile: String, timeout_ms: u64 },
}

/// A place in a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    BeforeGuard,
    /// The entry says that an exchange is open.
    AfterGuard,
    BeforeExchange,
    /// The provider has committed, and nothing is saved.
    AfterExchange,
    BeforeSave,
    AfterSave,
}

impl Step {
    pub const ALL: [Self; 6] = [
        Self::BeforeGuard,
        Self::AfterGuard,
        Self::BeforeExchange,
        Self::AfterExchange,
        Self::BeforeSave,
        Self::AfterSave,
    ];

    /// Whether the provider has committed, and the store does not have it.
    pub fn is_unsaved(self) -> bool {
        matches!(self, Self::AfterExchange | Self::BeforeSave)
    }
}

/// What a worker does when it comes to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// The process kills itself.
    Kill,
    /// The call waits for [`Order::Go`]. The rest of the process goes on.
    Hold,
}

/// What a worker is told to do. It replies when it is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Order {
    /// Get a token, for this many callers at once.
    Credentials {
        callers: u32,
    },
    /// Wait until the token that the last caller got has expired, by the clock of the worker.
    Expiry,
    /// Get a token again and again until it is another one than before, and the API takes it.
    NewToken,
    Refresh,
    LogOut,
    /// Log in with the password, and set the credentials that this brings.
    LogIn,
    /// Call the API through the middleware.
    Call,
    /// So many tasks call for so long.
    Load {
        tasks: u32,
        seconds: u64,
    },
    /// Ask the provider which of the tokens are good that this worker's source has ever got.
    Alive,
    /// At the next such step, do this.
    At(Step, Act),
    Go,
    /// Run a command of the shell in the directory of the file.
    Shell(String),
    /// Return from `main`.
    End,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    pub id: u64,
    pub order: Order,
}

/// What a worker says by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Said {
    Reply {
        id: u64,
        reply: Reply,
    },
    /// It has come to the step that it was told of.
    At(Step),
    /// Something happened in the authenticator.
    Event {
        name: String,
        error: Option<Failure>,
        at_ms: u64,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Reply {
    Done,
    /// The fingerprint of the access token, and when the last caller had it, in milliseconds since 1970.
    Token {
        token: u64,
        at_ms: u64,
    },
    Failed(Failure),
    Status(u16),
    Load(Load),
    /// For each response of the provider, whether the access token is good, and whether the refresh token is.
    Alive(Vec<(bool, bool)>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The name of the `ErrorKind`.
    pub kind: String,
    pub text: String,
    /// The process that the error names.
    pub holder: Option<(u32, String)>,
}

/// What a load was like.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Load {
    pub tokens: u64,
    pub errors: Vec<Failure>,
    pub accepted: u64,
    pub rejected: u64,
    pub slowest_ms: u64,
}

//! What must come of a step.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::form::{AccessToken, As, Moment, RefreshToken, Seconds};

/// What must have come of the step when nothing moves any more without time or a response.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["calls", "requests"] }))]
pub(crate) struct Then {
    /// Who got what in this step. No other caller got anything.
    pub(crate) got: BTreeMap<String, Outcome>,
    /// All calls of the source and the store in this step, in this order. Without this key there were none.
    pub(crate) calls: Vec<Call>,
    /// Instead of `calls`: the number of log-ins and refreshes. The store is not looked at.
    pub(crate) requests: Option<usize>,
    /// The events in this order. Without this key any.
    pub(crate) events: Option<Vec<ExpectedEvent>>,
    /// All callers that still wait. Without this key they are not looked at.
    #[schemars(extend("uniqueItems" = true))]
    pub(crate) waiting: Option<Vec<String>>,
    /// What the store holds now. Without this key it is not looked at; `null` is nothing.
    #[serde(deserialize_with = "nullable")]
    #[schemars(with = "Option<Stored>")]
    pub(crate) stored: Option<Option<Stored>>,
}

/// What a caller got in the end.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(
    rename_all = "snake_case",
    deny_unknown_fields,
    expecting = "not an access token, `done` or an error"
)]
pub(crate) enum Outcome {
    /// A log-out, or new credentials, succeeded.
    Done,
    #[serde(untagged)]
    Token(#[serde(with = "As::<AccessToken>")] String),
    /// Without `retry_after` it may have any.
    #[serde(untagged)]
    Error {
        #[serde(rename = "error")]
        kind: Kind,
        retry_after: Option<Seconds>,
    },
}

/// The kind of an error.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    LoginRequired,
    Transient,
    Misconfigured,
    InvalidResponse,
    Store,
    // One that no scenario knows.
    #[serde(skip)]
    Other,
}

/// A call that the client made.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Call {
    /// A log-in at the source.
    Login,
    /// A refresh at the source with this refresh token.
    Refresh(#[serde(with = "As::<RefreshToken>")] String),
    /// The source revokes the credentials that have this access token.
    Revoke(#[serde(with = "As::<AccessToken>")] String),
    /// The store reads.
    Load,
    /// The store gives the guard, reads, and may write that an exchange is open.
    Guard,
    /// The store writes credentials.
    Save(Stored),
    /// The store writes what became of an exchange, beside the credentials that are there.
    Note,
    /// The store writes that the client has logged out.
    Clear,
}

/// Credentials in the store.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    #[serde(with = "As::<AccessToken>")]
    pub(crate) access: String,
    /// Without this key there must be none.
    pub(crate) refresh: Option<RefreshToken>,
    /// Without this key it is not looked at.
    pub(crate) expires_at: Option<Moment>,
}

/// An event by its name, or with some of its fields.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "not an event")]
pub(crate) enum ExpectedEvent {
    Name(EventName),
    Fields(EventFields),
}

/// An event with some of its fields. Those that are left out are not looked at.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventFields {
    #[serde(rename = "event")]
    pub(crate) name: EventName,
    pub(crate) cause: Option<Cause>,
    pub(crate) kind: Option<Kind>,
    pub(crate) callers: Option<u64>,
    pub(crate) attempt: Option<u32>,
    pub(crate) next_attempt: Option<Seconds>,
}

/// The name of an event.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventName {
    RefreshStarted,
    AttemptFailed,
    RefreshSucceeded,
    RefreshFailed,
    Rejected,
    Adopted,
    Cleared,
    StoreFailed,
    RotationUnsaved,
    RotationSaved,
    // One that no scenario knows.
    #[serde(skip)]
    Other,
}

/// Why a flight started.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    Missing,
    Advisory,
    Mandatory,
    Rejected,
    Requested,
}

/// A key that is there, perhaps with null.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

//! What must come of a step.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::form::{AccessToken, As, Moment, Process, RefreshToken, Seconds};

/// What must have come of the step when nothing moves any more without time or a response.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Then {
    /// In the process of the step.
    #[schemars(flatten)]
    pub(crate) here: Came,
    /// In other processes. In those that are left out nothing.
    #[schemars(default, with = "BTreeMap<String, Came>", extend("propertyNames" = { "enum": ["1", "2", "3"] }))]
    pub(crate) others: BTreeMap<Process, Came>,
    #[schemars(flatten)]
    pub(crate) left: Left,
}

/// What came of a step in one process.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["calls", "requests"] }))]
pub(crate) struct Came {
    /// Who got what in this step. No other caller got anything.
    pub(crate) got: BTreeMap<String, Expected<Outcome>>,
    /// All calls of the source and the store in this step, in this order. Without this key there were none.
    pub(crate) calls: Vec<Call>,
    /// Instead of `calls`: the number of log-ins and refreshes. The store is not looked at.
    pub(crate) requests: Option<usize>,
    /// The events in this order. Without this key any.
    pub(crate) events: Option<Vec<ExpectedEvent>>,
}

/// What is left after a step.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(!deny_unknown_fields)]
pub(crate) struct Left {
    /// All callers that still wait, in all processes. Without this key they are not looked at.
    #[schemars(extend("uniqueItems" = true))]
    pub(crate) waiting: Option<Vec<String>>,
    /// What the store holds now. Without this key it is not looked at; `null` is nothing.
    #[serde(deserialize_with = "nullable")]
    #[schemars(with = "Option<Expected<Stored>>")]
    pub(crate) stored: Option<Option<Expected<Stored>>>,
    /// Which process has the guard now. Without this key it is not looked at; `null` is none.
    #[serde(deserialize_with = "nullable")]
    #[schemars(with = "Option<Process>")]
    pub(crate) guarded_by: Option<Option<Process>>,
}

/// What must be seen: this, or one of several.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "not what can be expected here")]
#[schemars(inline)]
pub(crate) enum Expected<T> {
    OneOf(OneOf<T>),
    This(T),
}

/// Clients may differ: each of these is good.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(crate) struct OneOf<T> {
    #[schemars(length(min = 2), extend("uniqueItems" = true))]
    one_of: Vec<T>,
}

impl<T> Expected<T> {
    pub(crate) fn is(&self, seen: &T, same: fn(&T, &T) -> bool) -> bool {
        match self {
            Self::OneOf(OneOf { one_of }) => one_of.iter().any(|one| same(one, seen)),
            Self::This(this) => same(this, seen),
        }
    }
}

impl<'de> Deserialize<'de> for Then {
    // serde's `flatten` would not notice unknown keys.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let others =
            fields.remove("others").map(BTreeMap::deserialize).transpose().map_err(D::Error::custom)?;
        let mut left = Map::new();
        for key in ["waiting", "stored", "guarded_by"] {
            left.extend(fields.remove(key).map(|value| (key.to_owned(), value)));
        }
        let here = Came::deserialize(Value::Object(fields)).map_err(D::Error::custom)?;
        let left = Left::deserialize(Value::Object(left)).map_err(D::Error::custom)?;
        Ok(Self { here, others: others.unwrap_or_default(), left })
    }
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

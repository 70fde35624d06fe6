//! What happens in a step.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::form::{AccessToken, As, Moment, Seconds};
use super::scenario::Tokens;

/// What happens to the client.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(!deny_unknown_fields)] // The schema of a step denies them.
pub(crate) enum Action {
    /// A caller needs an access token that may be sent now.
    Get { caller: String },
    /// A caller wants newer credentials, whatever is held.
    Refresh { caller: String },
    /// A server responded with 401 to a request that carried this token. The caller wants a newer one.
    Unauthorized {
        caller: String,
        #[serde(with = "As::<AccessToken>")]
        token: String,
    },
    /// A caller that waits goes away.
    Cancel { caller: String },
    /// A caller logs out.
    LogOut { caller: String },
    /// A caller sets credentials from a log-in elsewhere.
    SetCredentials { caller: String, tokens: Tokens },
    /// This many times: a caller asks as with `get`, unless it still waits, and then the clocks advance by `every`.
    Loop {
        caller: String,
        times: NonZeroU32,
        #[serde(with = "As::<Seconds>")]
        every: Duration,
    },
    /// The provider responds to the open request.
    Respond(Response),
    /// The provider responds to the request that a log-out or `set_credentials` has overtaken, or else to the one that the
    /// client gave up last.
    RespondLate(Response),
    /// From now on the provider responds to every new request at once. `nothing` ends that.
    RespondToAll(#[serde(with = "As::<Standing>")] Option<Response>),
    /// Both clocks advance. Each timer that is due on the way fires at its time.
    Advance(#[serde(with = "As::<By<Seconds>>")] Duration),
    /// The wall clock alone moves: forward (a sleep, or it was set), or back if `seconds` is negative.
    #[serde(with = "As::<By<Moment>>")]
    WallClockJump { back: bool, by: Duration },
    /// Another process saved these credentials to the store or, with `null`, cleared it.
    StoreChanged(#[serde(with = "As::<Change>")] Option<Tokens>),
    /// The store holds again what it held before the last write of credentials or of a log-out.
    #[serde(deserialize_with = "nothing_else")]
    StoreSetBack,
    /// From now on the store does this when the process calls it.
    StoreBehaves { operation: Operation, manner: Manner },
    /// The call of the process that hangs is carried out.
    #[serde(deserialize_with = "nothing_else")]
    StoreResponds,
    /// The write that the process has given up last, or that was open when it was killed, is carried out. Nobody hears of it.
    #[serde(deserialize_with = "nothing_else")]
    StoreRespondsLate,
    /// What runs the flight is gone, and the flight with it. The callers stay. With `request` it only stands still: the flight
    /// is given up, and the response to its request may still come.
    Interrupt { request: Option<GoesOn> },
    /// The process is gone, with everything in its memory. The next step that names it starts it anew.
    #[serde(deserialize_with = "nothing_else")]
    Kill,
    /// The process stands still from now on.
    #[serde(deserialize_with = "nothing_else")]
    Stop,
    /// The process that stands still goes on.
    #[serde(deserialize_with = "nothing_else")]
    GoOn,
}

impl Action {
    /// Whether this can happen to a process that stands still: it comes from outside.
    pub(crate) fn needs_no_move(&self) -> bool {
        use Action::*;
        match self {
            Respond(_) | RespondLate(_) | RespondToAll(_) | Advance(_) | WallClockJump { .. } => true,
            StoreChanged(_) | StoreSetBack | StoreBehaves { .. } => true,
            StoreResponds | StoreRespondsLate => true,
            Get { .. } | Refresh { .. } | Unauthorized { .. } | Cancel { .. } | LogOut { .. } => false,
            SetCredentials { .. } | Loop { .. } | Interrupt { .. } => false,
            Kill | Stop | GoOn => true,
        }
    }

    /// The caller that asks for something.
    pub(crate) fn asks(&self) -> Option<&str> {
        use Action::*;
        match self {
            Get { caller } | Refresh { caller } | Unauthorized { caller, .. } | Cancel { caller } => {
                Some(caller)
            }
            LogOut { caller } | SetCredentials { caller, .. } | Loop { caller, .. } => Some(caller),
            _ => None,
        }
    }
}

/// How the identity provider responds, as the source reports it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "with", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(!deny_unknown_fields)]
pub(crate) enum Response {
    /// Success: these credentials.
    Tokens { tokens: Tokens },
    /// The user has to log in again.
    Refused {},
    /// A refusal that does not say that the refresh token is the reason.
    Inconclusive {},
    /// The client is set up wrongly.
    Misconfigured {},
    /// The provider was not reached.
    Unreached {},
    /// An outage. The request was certainly not processed.
    Unavailable { retry_after: Option<Seconds> },
    /// No response, or an unusable one. The request may have been processed.
    Lost { retry_after: Option<Seconds> },
    /// A success without a usable access token.
    Invalid {},
    /// The source cannot do that.
    Unsupported {},
    /// The code of the source crashes.
    Panic {},
}

/// A response, or `nothing`: requests stay open again.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields, expecting = "not a response, nor `nothing`")]
#[schemars(inline, !deny_unknown_fields)]
enum Standing {
    Nothing { with: Nothing },
    Response(Response),
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Nothing {
    Nothing,
}

impl From<Standing> for Option<Response> {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Nothing { with: Nothing::Nothing } => None,
            Standing::Response(response) => Some(response),
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum GoesOn {
    GoesOn,
}

/// How far a clock moves. A moment may be negative.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct By<T> {
    seconds: T,
}

impl From<By<Seconds>> for Duration {
    fn from(by: By<Seconds>) -> Self {
        by.seconds.0
    }
}

impl From<By<Moment>> for (bool, Duration) {
    fn from(By { seconds: Moment(millis) }: By<Moment>) -> Self {
        (millis < 0, Duration::from_millis(millis.unsigned_abs()))
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, extend("required" = ["to"]))]
struct Change {
    // With a function the key can't be left out.
    #[serde(deserialize_with = "Option::deserialize")]
    to: Option<Tokens>,
}

impl From<Change> for Option<Tokens> {
    fn from(change: Change) -> Self {
        change.to
    }
}

/// A call of the store.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    Load,
    /// Takes the guard.
    Guard,
    /// Writes credentials, or a note about those that are there.
    Save,
    /// Writes that the client has logged out.
    Clear,
}

/// What the store does when it is called.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Manner {
    Works,
    Fails,
    Hangs,
    Panics,
    /// Another process has the guard. For `guard` alone.
    Held,
    /// The store can't be written. For `guard` alone.
    ReadOnly,
}

/// serde's own reader of a variant without fields would not notice unknown keys.
fn nothing_else<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct NoFields {}

    NoFields::deserialize(deserializer).map(drop)
}

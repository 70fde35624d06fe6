//! What a scenario of `tests/conformance` says, as types. `schema.json` is made from them, and its descriptions from
//! their documentation.

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::action::Action;
use super::expect::Then;
use super::form::{AccessToken, As, Moment, Process, RefreshToken, Rule, ScenarioName, Seconds};
use super::level::{Level, Need};
use super::sweep::Sweep;

/// One story with one client, or with the clients of several processes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    #[serde(with = "As::<ScenarioName>")]
    pub(crate) name: String,
    /// What it shows.
    pub(crate) about: String,
    /// What it holds: rules, and failures that others had.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub(crate) rules: Vec<Rule>,
    /// Without this key it is `reauth`.
    #[allow(dead_code)] // The test of the page counts them, in the other runner.
    #[serde(default = "reauth")]
    pub(crate) level: Level,
    /// What a client must be able to do to play it.
    #[allow(dead_code)]
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub(crate) needs: Vec<Need>,
    pub(crate) sweep: Option<Sweep>,
    #[serde(default)]
    pub(crate) setup: Setup,
    #[serde(deserialize_with = "steps")]
    #[schemars(length(min = 1))]
    pub(crate) steps: Vec<Step>,
}

fn reauth() -> Level {
    Level::Reauth
}

/// What each client is built with. By default a source that can do both, no initial credentials and no store.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Setup {
    /// Whether the source can log in.
    pub(crate) can_login: bool,
    /// Whether the source can use a refresh token.
    pub(crate) can_refresh: bool,
    /// Whether the source can revoke.
    pub(crate) can_revoke: bool,
    /// The credentials that the source was built with.
    pub(crate) initial: Option<Tokens>,
    /// Without this key there is no store.
    pub(crate) store: Option<Store>,
    /// Whether a refresh token is sent even if its successor can't be stored.
    pub(crate) refresh_without_store: bool,
    pub(crate) timing: Settings,
}

impl Default for Setup {
    fn default() -> Self {
        let (initial, store, timing) = (None, None, Settings::default());
        Self {
            can_login: true,
            can_refresh: true,
            can_revoke: false,
            initial,
            store,
            refresh_without_store: false,
            timing,
        }
    }
}

/// A store. All processes share it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Store {
    /// What it holds at first. Without this key nothing.
    pub(crate) holds: Option<Tokens>,
    /// Whether a process that stands still loses the guard.
    pub(crate) guard_lapses: bool,
}

/// The settings that differ from the defaults.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) default_lifetime: Option<Seconds>,
    pub(crate) flight_deadline: Option<Seconds>,
    pub(crate) retry_after_max: Option<Seconds>,
    pub(crate) terminal_memory: Option<Seconds>,
    pub(crate) rejection_interval: Option<Seconds>,
    pub(crate) store_timeout: Option<Seconds>,
}

/// Credentials by their symbolic names. Without `lifetime` and `expires_at` their lifetime is unknown.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["lifetime", "expires_at"] }))]
pub(crate) struct Tokens {
    #[serde(with = "As::<AccessToken>")]
    pub(crate) access: String,
    pub(crate) refresh: Option<RefreshToken>,
    /// As in `expires_in`: counted from when the request was sent.
    pub(crate) lifetime: Option<Seconds>,
    /// Instead of `lifetime`.
    pub(crate) expires_at: Option<Moment>,
    pub(crate) jwt: Option<Jwt>,
}

/// The access token is a JWT with these times. Its name is the claim `jti`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Jwt {
    pub(crate) exp: Moment,
    pub(crate) iat: Option<Moment>,
}

/// Something that happens, and what must come of it. The name of a caller may be used again after the caller got
/// something or was cancelled.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Step {
    /// In which process. A process is started by the first step that names it.
    #[schemars(default)]
    pub(crate) process: Process,
    #[schemars(flatten)]
    pub(crate) action: Action,
    #[schemars(default)]
    pub(crate) then: Then,
}

impl<'de> Deserialize<'de> for Step {
    // serde's `flatten` would not notice unknown keys.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let process =
            fields.remove("process").map(Process::deserialize).transpose().map_err(D::Error::custom)?;
        let then = fields.remove("then").map(Then::deserialize).transpose().map_err(D::Error::custom)?;
        let action = Action::deserialize(Value::Object(fields)).map_err(D::Error::custom)?;
        Ok(Self { process: process.unwrap_or_default(), action, then: then.unwrap_or_default() })
    }
}

/// Names the step in which there is an error.
fn steps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Step>, D::Error> {
    let steps = Vec::<Value>::deserialize(deserializer)?.into_iter().enumerate();
    let step = |(index, value)| {
        Step::deserialize(value).map_err(|error| D::Error::custom(format!("step {}: {error}", index + 1)))
    };
    steps.map(step).collect()
}

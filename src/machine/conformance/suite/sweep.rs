//! A scenario that is played many times, with a crash at another call each time.

use schemars::JsonSchema;
use serde::Deserialize;

use super::form::{Process, Seconds};

/// The scenario is played once without a crash. Then it is played for each call that the process made: the process is killed
/// before that call is carried out, and in another run after it. In a third run for each write, the write lands late. The
/// provider responds by itself. Only this is checked.
// The runner of the drivers plays these.
#[allow(dead_code)]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sweep {
    /// The process that is killed. What the scenario says about it afterwards is left out.
    pub(crate) crash: Process,
    pub(crate) provider: StatefulProvider,
    pub(crate) always: Always,
    pub(crate) eventually: Eventually,
}

/// What the provider does with a refresh token that was used before.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StatefulProvider {
    /// It refuses it, and revokes the whole family.
    Strict,
    /// It issues the same successor again.
    Grace,
}

/// What holds in each run.
#[allow(dead_code)]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Always {
    /// At most so many families of refresh tokens were revoked.
    pub(crate) families_revoked: u32,
    /// No refresh token was sent more often than this.
    pub(crate) sends_of_one_token: u32,
}

/// What another process achieves in the end.
#[allow(dead_code)]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Eventually {
    pub(crate) process: Process,
    /// It gets a token within so many seconds.
    pub(crate) within: Seconds,
    /// What it gets, if not a token.
    pub(crate) error: Option<super::expect::Kind>,
    /// With at most so many log-ins in all.
    pub(crate) logins: u32,
}

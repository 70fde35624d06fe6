//! Which clients a scenario is for.

use schemars::JsonSchema;
use serde::Deserialize;

/// Whether a client may do something else.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// A client that does something else loses tokens, sends what it must not send, or stops working.
    Must,
    /// A client that does something else is slower, or a burden to the provider.
    Should,
    /// Others may do it in another way: this crate's own order of steps, totals of a simulation.
    Reauth,
}

/// What a client needs to be able to do to play a scenario.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Need {
    /// It waits between flights that failed, and remembers the error.
    BackOff,
    /// It refreshes in the background before a token expires.
    Background,
    /// Callers can go away.
    Cancel,
    /// Its wall clock can be set apart from its monotonic clock.
    Clocks,
    /// It has a window before the expiry in which callers wait for a refresh.
    Early,
    /// It notes events. No scenario asks for it: events are compared where a scenario has them.
    Events,
    /// It takes a guard of the store that all processes share.
    Guard,
    /// A source may refuse without saying that the refresh token is the reason.
    Inconclusive,
    /// A source may be built with credentials.
    Initial,
    /// What runs a flight can go away.
    Interrupt,
    /// It reads the claims of a JWT.
    Jwt,
    /// A process that stands still may lose the guard.
    Lapses,
    LogOut,
    /// The code of a source or a store can crash without ending the process.
    Panic,
    /// It lets a refresh go on after its callers have given up.
    Patience,
    /// Several processes share the store.
    Processes,
    /// A caller can ask for credentials that are issued from now on.
    Refresh,
    /// It can be set to send a refresh token although its successor can't be stored.
    RefreshWithoutStore,
    /// A caller can report a 401.
    Reject,
    /// A flight makes several attempts.
    Retries,
    /// It follows the time that a provider asks for.
    RetryAfter,
    Revoke,
    /// It notices that the store was set back.
    SetBack,
    SetCredentials,
    /// Its times can be set.
    Settings,
    Store,
    /// It plays the scenario many times, and is killed at another call each time.
    Sweep,
}

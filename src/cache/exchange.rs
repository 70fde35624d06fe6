//! The start of a request to the provider, and how long callers wait for one that waits for a person.

use std::future::pending;
use std::time::Duration;

use super::driver::{Turn, World};
use super::together::unless;
use crate::clock::Reading;
use crate::error::Error;

/// The start of an exchange with the provider.
pub(super) struct Started<P> {
    pub(super) place: Result<P, Error>,
    pub(super) at: Reading,
    /// How long the wait for the place was.
    pub(super) waited: Duration,
}

/// Waits for a place. `None` if the work is not needed any more by then.
pub(super) async fn start<W: World>(world: &W, turn: Turn<'_>, limit: Duration) -> Option<Started<W::Place>> {
    let asked = world.now();
    let place = unless(world.overtaken(turn), world.place(limit)).await?;
    let at = world.now();
    Some(Started { place, at, waited: at.monotonic.saturating_sub(asked.monotonic) })
}

/// Returns when callers have waited long enough for a person to log in.
pub(super) async fn login_patience(turn: Turn<'_>, world: &impl World) {
    match turn.login_patience(world.now()) {
        Some(patience) => world.sleep(patience).await,
        None => pending().await,
    }
}

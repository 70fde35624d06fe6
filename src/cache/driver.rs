//! Does what the machine says. The authenticator, the model checker and the conformance scenarios share this code; each
//! brings a [`World`] of its own.

use std::sync::Arc;
use std::time::Duration;

use super::waiters::{Waiters, Woken};
use super::{Ask, Cache, Usable};
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::machine::{Input, Step, StoreCall, StoreResult, Work};

/// What some work needs from outside.
pub(crate) trait World: Sync {
    fn now(&self) -> Reading;

    /// Something may have happened that the observer has not seen.
    fn tell(&self);

    /// Calls the store when it is this call's turn, and ends the turn with the next step. Returns `None`, without a call,
    /// if the call is no longer needed by then.
    fn store(&self, call: &StoreCall, turn: Turn<'_>) -> impl Future<Output = Option<Step>> + Send;

    fn refresh(&self, held: &Credentials) -> impl Future<Output = Result<Credentials, Error>> + Send;

    fn login(&self) -> impl Future<Output = Result<Credentials, Error>> + Send;

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// What the callers of a cache need from outside.
pub(crate) trait Callers: Sync {
    fn now(&self) -> Reading;

    /// Something may have happened that the observer has not seen.
    fn tell(&self);

    /// Runs the flight in a task of its own.
    fn launch(&self, waiters: Arc<Waiters>);

    /// Watches over the flight from the caller's side.
    fn watch(&self, waiters: &Arc<Waiters>);
}

/// Some work whose turn at the store has come.
#[derive(Clone, Copy)]
pub(crate) struct Turn<'a> {
    cache: &'a Cache,
    work: &'a Work,
}

impl Turn<'_> {
    /// Whether the call still has to be made.
    pub(crate) fn needs(&self, call: &StoreCall) -> bool {
        self.cache.needs(self.work, call)
    }

    /// Tells the machine the result of the call. The turn lasts until the machine knows it. Otherwise a log-out's call could
    /// come in between, and undo a write that is newer than the log-out.
    pub(crate) fn end(&self, result: StoreResult, now: Reading) -> Step {
        self.cache.step(self.work, Input::Stored(result), now)
    }
}

/// Carries out the steps of some work until it is done. Nothing is decided here.
pub(crate) async fn drive(cache: &Cache, work: Work, world: &impl World) -> Result<(), Error> {
    let mut step = cache.step(&work, Input::Begin, world.now());
    loop {
        world.tell();
        let input = match step {
            Step::Store(call) => match world.store(&call, Turn { cache, work: &work }).await {
                Some(next) => {
                    step = next;
                    continue;
                }
                // Another call has done the same.
                None if cache.is_wanted(&work) => Input::Stored(Ok(None)),
                None => return Ok(()),
            },
            Step::Refresh(held) => {
                let sent = world.now();
                Input::Responded(sent, world.refresh(&held).await)
            }
            Step::Login => {
                let sent = world.now();
                Input::Responded(sent, world.login().await)
            }
            Step::Wait(time) => {
                world.sleep(time).await;
                Input::Waited
            }
            Step::Done(outcome) => return outcome,
            Step::Stop => return Ok(()),
        };
        step = cache.step(&work, input, world.now());
    }
}

/// Gets newer credentials than those in use. Waits for the end of a flight, even if a valid token is in use meanwhile.
pub(crate) async fn refresh(cache: &Cache, callers: &impl Callers) -> Result<Usable, Error> {
    let mut ask = cache.refresh(callers.now());
    if let Ask::Wait { waiters, run } = ask {
        let flight = waiters.flight;
        wait(waiters, run, callers, || false).await?;
        ask = cache.settle(flight, Ok(()), callers.now());
    }
    acquire(cache, ask, callers).await
}

/// Does what `ask` says until there are credentials, or an error.
pub(crate) async fn acquire(cache: &Cache, mut ask: Ask, callers: &impl Callers) -> Result<Usable, Error> {
    loop {
        callers.tell();
        match ask {
            Ask::Use(usable, background) => {
                if let Some(waiters) = background {
                    callers.launch(waiters);
                }
                return Ok(usable);
            }
            Ask::Fail(error) => return Err(error),
            Ask::Wait { waiters, run } => {
                let flight = waiters.flight;
                let outcome = wait(waiters, run, callers, || cache.has_usable(callers.now())).await;
                ask = cache.settle(flight, outcome, callers.now());
            }
        }
    }
}

/// Waits until the flight is over, or until an attempt has failed and `is_enough`.
pub(super) async fn wait(
    waiters: Arc<Waiters>,
    run: bool,
    callers: &impl Callers,
    is_enough: impl Fn() -> bool,
) -> Result<(), Error> {
    let mut waiting = waiters.clone().wait();
    if run {
        callers.launch(waiters.clone());
    }
    callers.watch(&waiters);
    drop(waiters);
    loop {
        match (&mut waiting).await {
            Woken::Ended(outcome) => return outcome,
            Woken::Nudged if is_enough() => return Ok(()),
            Woken::Nudged => {}
        }
    }
}

//! Runs a flight: a spawned task that belongs to the authenticator, not to a caller.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

use super::Shared;
use super::exchanges::Place;
use super::guard::HeldGuard;
use super::limit::within;
use crate::cache::{Turn, Waiters, World, drive};
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::machine::{Step, StoreCall, Work};
use crate::own_runtime::current_runtime;

/// Added to a flight's own limits before its runtime counts as dead.
const GRACE: Duration = Duration::from_secs(1);

impl World for Arc<Shared> {
    fn now(&self) -> Reading {
        self.clock.now()
    }

    fn tell(&self) {
        Shared::tell(self);
    }

    /// Spawns the flight on the runtime of the caller that needs it.
    fn launch(&self, waiters: Arc<Waiters>) {
        if let Some(store) = &self.store {
            store.watcher.start(self);
        }
        self.running.begin();
        let runner = Runner { shared: self.clone(), waiters };
        match current_runtime() {
            // If the task is dropped before it ran, it drops the runner, which ends the flight.
            Some(runtime) => drop(runtime.spawn(in_span(runner))),
            None => {
                let error = "there is no Tokio runtime here, so no credentials can be fetched; call this from within one, \
                             or use its blocking form";
                let flight = runner.waiters.number;
                self.cache.call_off(flight, Error::misconfigured(error), self.clock.now());
                Shared::tell(self);
            }
        }
    }

    /// Ends a flight that does not end by itself, because nothing drives its runtime or the source blocks the thread (R7).
    /// Each runtime from which callers wait has one such task, because another runtime may not run.
    fn watch(&self, waiters: &Arc<Waiters>, patience: impl FnOnce() -> Duration) {
        let Some(runtime) = current_runtime() else {
            // There is no timer here. `launch` has ended the flight, or another runtime watches over it.
            return;
        };
        if !waiters.watch(runtime.id()) {
            return;
        }
        let (shared, waiters, patience) = (self.clone(), waiters.clone(), patience());
        runtime.spawn(async move {
            if timeout(patience, waiters.clone().wait_end()).await.is_ok() {
                return;
            }
            // Callers who have a valid token use it now (R8).
            waiters.nudge();
            let mut seen = None;
            loop {
                // It is over, and its callers are woken.
                let Some(ends) = shared.cache.look(|state| state.ends(waiters.number)) else { return };
                // A log-in that waits for a person moves the end, while its runtime is alive.
                if seen.is_some_and(|seen| ends <= seen) {
                    break;
                }
                seen = Some(ends);
                let left = ends.saturating_sub(shared.clock.now().monotonic);
                let limit = left.max(shared.timing.flight_deadline) + shared.timing.store_timeout * 4 + GRACE;
                if within(limit, waiters.clone().wait_end()).await.is_some() {
                    return;
                }
            }
            let error =
                "the runtime that runs the refresh stands still; call again, which starts another refresh";
            shared.cache.interrupt(waiters.number, Error::transient(error), shared.clock.now());
            // What drives the flight does not give it back.
            shared.give_guard_back(waiters.number);
            shared.tell();
        });
    }

    type Guard = Option<HeldGuard>;

    async fn store(&self, call: &StoreCall, turn: Turn<'_>, guard: &mut Self::Guard) -> Option<Step> {
        let store = self.store.as_ref()?;
        match call {
            StoreCall::Guard(request) => self.take_guard(store, call, request, turn, guard).await,
            _ => self.call_in_turn(store, call, turn).await,
        }
    }

    fn may_lapse(&self, guard: &Self::Guard) -> bool {
        guard.as_ref().is_some_and(HeldGuard::may_lapse)
    }

    async fn overtaken(&self, turn: Turn<'_>) {
        self.until_overtaken(turn).await;
    }

    type Place = Option<Arc<Place>>;

    async fn place(&self, limit: Duration) -> Result<Self::Place, Error> {
        match self.exchanges.get() {
            Some(exchanges) => exchanges.place(limit).await.map(Some),
            None => Ok(None),
        }
    }

    async fn refresh(
        &self,
        held: &Credentials,
        limit: Duration,
        place: Self::Place,
    ) -> Result<Credentials, Error> {
        self.response_of(limit, place, self.source.refresh(held)).await
    }

    async fn login(&self, limit: Duration, place: Self::Place) -> Result<Credentials, Error> {
        self.response_of(limit, place, self.source.login()).await
    }

    async fn revoke(&self, credentials: &Credentials) {
        self.revoke_all(std::slice::from_ref(credentials)).await;
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

#[cfg(feature = "tracing")]
fn in_span(runner: Runner) -> impl Future<Output = ()> {
    let span = crate::trace::span(runner.waiters.number);
    crate::trace::within(span, runner.run())
}

#[cfg(not(feature = "tracing"))]
fn in_span(runner: Runner) -> impl Future<Output = ()> {
    runner.run()
}

/// Owns the flight. Dropping it ends the flight, whatever that is doing (R7).
struct Runner {
    shared: Arc<Shared>,
    waiters: Arc<Waiters>,
}

impl Runner {
    async fn run(self) {
        let work = Work::Flight(self.waiters.number);
        let mut work = pin!(drive(&self.shared.cache, work, &self.shared));
        // If a log-out ends the flight from outside, its request goes on: what it brings has to be revoked (R17).
        let panicked =
            poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
                Ok(poll) => poll.map(|_| false),
                Err(_panic) => Poll::Ready(true),
            })
            .await;
        if panicked {
            self.end(
                "the credential source or the store panicked; call again, and report the panic to its author",
            );
        }
    }

    fn end(&self, error: &'static str) {
        self.shared.cache.interrupt(self.waiters.number, Error::transient(error), self.shared.clock.now());
        self.shared.tell();
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // This does nothing after a flight that ran to its end.
        self.end("the runtime that ran the refresh was shut down; call again from a runtime that is alive");
        self.shared.running.end();
    }
}

//! Runs one flight: a spawned task that belongs to the cache, not to a caller.
//!
//! It does what [`Step`] says and reports what came of it. Nothing is decided here.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};

use super::Inner;
use crate::cache::Waiters;
use crate::machine::{Input, Step};
use crate::{Credentials, Error};

/// Added to a flight's own limits before its runtime is taken for dead.
const GRACE: Duration = Duration::from_secs(1);

impl Inner {
    /// Spawns the flight on the runtime of the caller that needed it.
    pub(super) fn launch(self: &Arc<Self>, waiters: Arc<Waiters>) {
        let runner = Runner { inner: self.clone(), waiters };
        match Handle::try_current() {
            // A task that is dropped before it ran drops the runner with it, and so ends the flight.
            Ok(runtime) => drop(runtime.spawn(in_span(runner))),
            Err(_) => {
                let error = "no Tokio runtime: credentials can only be fetched from within one";
                let flight = runner.waiters.flight;
                self.cache.call_off(flight, Error::misconfigured(error), self.clock.now());
                self.tell();
            }
        }
    }

    /// Ends a flight that does not end itself: its runtime is alive and nobody drives it, or the source blocks the
    /// thread (R7). One task for each runtime from which the flight is waited for, because another one may not run.
    pub(super) fn watch(self: &Arc<Self>, waiters: &Arc<Waiters>) {
        let Ok(runtime) = Handle::try_current() else {
            // No timer here; `launch` has ended the flight, or another runtime watches over it.
            return;
        };
        if !waiters.watch(runtime.id()) {
            return;
        }
        let (inner, waiters) = (self.clone(), waiters.clone());
        runtime.spawn(async move {
            let limit = inner.timing.flight_deadline + inner.timing.store_timeout * 4 + GRACE;
            if timeout(limit, waiters.clone().wait_end()).await.is_err() {
                let error = "the runtime that runs the refresh stands still; the next call tries again";
                inner.cache.interrupt(waiters.flight, Error::transient(error), inner.clock.now());
                inner.tell();
            }
        });
    }
}

#[cfg(feature = "tracing")]
fn in_span(runner: Runner) -> impl Future<Output = ()> {
    use tracing::Instrument as _;
    let span = tracing::info_span!(target: "reauth", "refresh", flight = runner.waiters.flight);
    runner.run().instrument(span)
}

#[cfg(not(feature = "tracing"))]
fn in_span(runner: Runner) -> impl Future<Output = ()> {
    runner.run()
}

/// Owns the flight: dropping it ends the flight, whatever state that is in (R7).
struct Runner {
    inner: Arc<Inner>,
    waiters: Arc<Waiters>,
}

impl Runner {
    async fn run(self) {
        let deadline = Instant::now() + self.inner.timing.flight_deadline;
        let mut work = pin!(self.inner.fly(self.waiters.flight, deadline));
        let mut ended = pin!(self.waiters.clone().wait_end());
        let panicked = poll_fn(|context| {
            // Log-out ends the flight from outside: its request is dropped at once.
            if ended.as_mut().poll(context).is_ready() {
                return Poll::Ready(false);
            }
            match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
                Ok(poll) => poll.map(|()| false),
                Err(_panic) => Poll::Ready(true),
            }
        })
        .await;
        if panicked {
            self.give_up(Error::transient(
                "the credential source or the store panicked; the next call tries again",
            ));
        }
    }

    fn give_up(&self, error: Error) {
        self.inner.cache.interrupt(self.waiters.flight, error, self.inner.clock.now());
        self.inner.tell();
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // Nothing is in the air any more after a flight that ran to its end: then this does nothing.
        self.give_up(Error::transient(
            "the runtime that ran the refresh was shut down; the next call tries again",
        ));
    }
}

impl Inner {
    async fn fly(&self, flight: u64, deadline: Instant) {
        let mut input = Input::Begin;
        loop {
            let step = self.cache.step(flight, input, self.clock.now());
            self.tell();
            input = match step {
                Step::Load => Input::Loaded(self.load().await),
                Step::Forget => Input::Forgot(self.forget().await),
                Step::Save(credentials) => Input::Saved(self.save(&credentials, flight).await),
                Step::Refresh(held) => self.ask(self.source.refresh(&held), deadline).await,
                Step::Login => self.ask(self.source.login(), deadline).await,
                Step::Wait(wait) => {
                    tokio::time::sleep(wait).await;
                    Input::Waited
                }
                Step::Done(_) | Step::Stop => return,
            };
        }
    }

    async fn ask(
        &self,
        answer: Pin<Box<dyn Future<Output = Result<Credentials, Error>> + Send + '_>>,
        deadline: Instant,
    ) -> Input {
        // Expiry counts from before the request was sent (R3).
        let sent = self.clock.now();
        let answer = timeout_at(deadline, answer).await.unwrap_or_else(|_| {
            Err(Error::transient("the identity provider did not answer before the deadline of the refresh"))
        });
        Input::Answered(sent, answer)
    }

    async fn load(&self) -> Result<Option<Credentials>, Error> {
        let Some(store) = &self.store else { return Ok(None) };
        self.in_time(async { store.lock().await.load().await }).await
    }

    async fn save(&self, credentials: &Credentials, flight: u64) -> Result<(), Error> {
        let Some(store) = &self.store else { return Ok(()) };
        self.in_time(async {
            let store = store.lock().await;
            // A log-out that came first must not find its work undone (R17).
            match self.cache.is_in_the_air(flight) {
                true => store.save(credentials).await,
                false => Ok(()),
            }
        })
        .await
    }

    /// Has the store forget what was cleared, unless that was done meanwhile.
    pub(super) async fn forget(&self) -> Result<(), Error> {
        let Some(store) = &self.store else { return Ok(()) };
        self.in_time(async {
            let store = store.lock().await;
            if self.cache.must_forget() {
                store.clear().await?;
                self.cache.stored(None);
            }
            Ok(())
        })
        .await
    }

    /// Writes credentials that the program brought, unless others replaced them meanwhile.
    pub(super) async fn save_own(&self, credentials: &Credentials, generation: u64) -> Result<(), Error> {
        let Some(store) = &self.store else { return Ok(()) };
        self.in_time(async {
            let store = store.lock().await;
            if self.cache.holds(generation) {
                self.cache.writes(credentials);
                store.save(credentials).await?;
                self.cache.stored(Some(credentials.clone()));
            }
            Ok(())
        })
        .await
    }

    /// One call of the store, the wait for its turn included, with its time limit.
    async fn in_time<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let limit: Duration = self.timing.store_timeout;
        if Handle::try_current().is_err() {
            // No timer here: log-out from another executor has to do without a limit.
            return call.await;
        }
        timeout(limit, call).await.unwrap_or_else(|_| {
            Err(Error::store("the credential store did not answer in time; is it reachable?"))
        })
    }
}

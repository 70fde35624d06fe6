//! The callers that wait for one flight.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Id;

use super::sync::Mutex;
use crate::error::Error;

/// The callers of one flight. It ends once; callers that come later find it ended.
pub(crate) struct Waiters {
    /// The flight's number.
    pub(crate) number: u64,
    /// Set before the callers are woken, so that thousands of them need no lock.
    outcome: OnceLock<Result<(), Error>>,
    inner: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// The runtimes that watch over the flight.
    watched_by: Vec<Id>,
    /// Counts the calls of [`Waiters::nudge`].
    nudges: u64,
    waiters: BTreeMap<u64, Waker>,
    next_waiter: u64,
}

/// Why a waiter was woken.
#[derive(Debug)]
pub(crate) enum Woken {
    /// The flight is over.
    Ended(Result<(), Error>),
    /// It goes on, but callers that have a valid token need not wait for it.
    Nudged,
}

impl Waiters {
    pub(crate) fn new(number: u64) -> Arc<Self> {
        Arc::new(Self { number, outcome: OnceLock::new(), inner: Mutex::new(Waiting::default()) })
    }

    /// Ends the wait of every caller. Only the first outcome counts.
    pub(crate) fn finish(&self, outcome: Result<(), Error>) {
        let _ = self.outcome.set(outcome);
        let waiters = std::mem::take(&mut self.inner.lock().waiters);
        // Outside the lock, because a waker may run the caller's task at once.
        waiters.into_values().for_each(Waker::wake);
    }

    /// Makes every caller check whether it still has to wait.
    pub(crate) fn nudge(&self) {
        let mut inner = self.inner.lock();
        inner.nudges += 1;
        let waiters = std::mem::take(&mut inner.waiters);
        drop(inner);
        waiters.into_values().for_each(Waker::wake);
    }

    /// Whether this runtime has to watch over the flight from now on. True for the first call from each runtime.
    pub(crate) fn watch(&self, runtime: Id) -> bool {
        let watched_by = &mut self.inner.lock().watched_by;
        let new = !watched_by.contains(&runtime);
        if new {
            watched_by.push(runtime);
        }
        new
    }

    /// Waits for the end of the flight or for a nudge. A nudge from before this wait counts, because a late caller has not
    /// seen it.
    pub(crate) fn wait(self: Arc<Self>) -> Wait {
        Wait { waiters: self, seen: 0, waiter: None }
    }

    /// Waits for the end of the flight only.
    pub(crate) async fn wait_end(self: Arc<Self>) {
        let mut wait = self.wait();
        while let Woken::Nudged = (&mut wait).await {}
    }
}

/// One caller's wait. It leaves nothing behind when it is dropped.
pub(crate) struct Wait {
    waiters: Arc<Waiters>,
    seen: u64,
    waiter: Option<u64>,
}

impl Future for Wait {
    type Output = Woken;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Woken> {
        let this = &mut *self;
        let ended = |outcome: &Result<(), Error>| Poll::Ready(Woken::Ended(outcome.clone()));
        if let Some(outcome) = this.waiters.outcome.get() {
            this.waiter = None;
            return ended(outcome);
        }
        let mut inner = this.waiters.inner.lock();
        // Look again: the outcome may have been set before the lock was taken.
        if let Some(outcome) = this.waiters.outcome.get() {
            return ended(outcome);
        }
        if inner.nudges != this.seen {
            this.seen = inner.nudges;
            return Poll::Ready(Woken::Nudged);
        }
        let waiter = *this.waiter.get_or_insert_with(|| {
            inner.next_waiter += 1;
            inner.next_waiter
        });
        let replaced = inner.waiters.insert(waiter, context.waker().clone());
        // Outside the lock, because dropping the last waker of a task may drop the task, and other waits with it.
        drop(inner);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(waiter) = self.waiter {
            let removed = self.waiters.inner.lock().waiters.remove(&waiter);
            drop(removed);
        }
    }
}

#[cfg(all(test, not(reauth_model)))]
mod tests;

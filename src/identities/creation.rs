//! Has the factory make the authenticator of a key: once for all who ask, in a task that belongs to the set.

use std::future::poll_fn;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use super::Set;
use super::slot::{Ask, Number, Outcome, Slot};
use crate::authenticator::{Authenticator, without_place};
use crate::error::Error;

/// Added to the limit of a creation before its runtime counts as dead.
const GRACE: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// The slots whose creation this task belongs to: that of its own, and those that wait for it.
    static CREATING: Vec<Number>;
}

impl<K: Eq + Hash + Clone + Send + Sync + 'static> Set<K> {
    /// Waits for the authenticator of a slot. Starts the creation if none runs.
    pub(super) async fn made(self: &Arc<Self>, key: &K, slot: Arc<Slot>) -> Result<Authenticator, Error> {
        let Ok(runtime) = Handle::try_current() else {
            let error =
                "there is no Tokio runtime here, so no authenticator can be made; call this from within one";
            return Err(Error::misconfigured(error));
        };
        let outer = CREATING.try_with(Clone::clone).unwrap_or_default();
        loop {
            let running = match slot.ask(self.now()) {
                Ask::Use(made) => return Ok(made),
                Ask::Fail(error) => return Err(error),
                Ask::Wait(_) if outer.contains(&slot.number()) => return Err(asks_itself()),
                Ask::Wait(running) => running,
                Ask::Run(outcome, running) => {
                    let creator = Creator { set: self.clone(), slot: slot.clone(), outcome, result: None };
                    let creating = outer.iter().copied().chain([slot.number()]).collect();
                    // If the task is dropped before it ran, it drops the creator, which ends the creation.
                    runtime.spawn(CREATING.scope(creating, creator.run(key.clone())));
                    running
                }
            };
            without_place(self.ended(&slot, running)).await?;
        }
    }

    /// Waits for the end of a creation. One whose runtime stands still is ended from here.
    async fn ended(&self, slot: &Slot, mut running: watch::Receiver<Outcome>) -> Result<(), Error> {
        let limit = self.timing.flight_deadline.saturating_add(GRACE);
        let ended =
            async { running.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone()) };
        let outcome = timeout(limit, ended).await;
        outcome.ok().flatten().unwrap_or_else(|| {
            let error = Error::transient(
                "the runtime that makes the authenticator stands still; call again, which starts another creation",
            );
            slot.end(&running, Err(error.clone()), self.now(), &self.timing);
            Err(error)
        })
    }
}

/// Owns a creation. Dropping it ends the creation, whatever that is doing.
struct Creator<K> {
    set: Arc<Set<K>>,
    slot: Arc<Slot>,
    outcome: watch::Sender<Outcome>,
    result: Option<Result<Authenticator, Error>>,
}

impl<K> Creator<K> {
    async fn run(mut self, key: K) {
        let set = self.set.clone();
        let mut making = pin!(async { (set.factory)(key).await });
        // A panic of the factory is an error.
        let making = poll_fn(|context| {
            catch_unwind(AssertUnwindSafe(|| making.as_mut().poll(context)))
                .unwrap_or_else(|_panic| Poll::Ready(Err(panicked())))
        });
        let result = timeout(set.timing.flight_deadline, making).await.unwrap_or_else(|_| Err(late()));
        if let (Ok(made), Some(exchanges)) = (&result, &set.exchanges) {
            made.limit_exchanges(exchanges);
        }
        self.result = Some(result);
    }
}

impl<K> Drop for Creator<K> {
    fn drop(&mut self) {
        let result = self.result.take().unwrap_or_else(|| Err(cut_off()));
        let outcome = result.as_ref().map(|_| ()).map_err(Clone::clone);
        self.slot.end(&self.outcome.subscribe(), result, self.set.now(), &self.set.timing);
        let _ = self.outcome.send(Some(outcome));
    }
}

fn asks_itself() -> Error {
    Error::misconfigured(
        "the factory asks the set for the very identity that it is to make, and would wait for itself; make the source from what \
         the factory has",
    )
}

fn panicked() -> Error {
    Error::transient("the factory of authenticators panicked; call again, and report the panic to its author")
}

fn late() -> Error {
    Error::transient(
        "the factory did not make the authenticator before the deadline; check what it waits for, such as a database",
    )
}

fn cut_off() -> Error {
    Error::transient(
        "the runtime that made the authenticator was shut down; call again from a runtime that is alive",
    )
}

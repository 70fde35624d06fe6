//! The store: one call at a time, each within a time limit.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::Shared;
use super::builder::Store;
use crate::cache::{Turn, drive};
use crate::error::Error;
use crate::machine::{Step, StoreCall, StoreResult, Work};
use crate::store::{Content, Entry, Replaced};

impl Shared {
    /// Does some work that needs the store alone. A panic of the store is an error (R7).
    pub(super) async fn do_at_store(self: &Arc<Self>, work: Work) -> Result<(), Error> {
        let mut work = pin!(drive(&self.cache, work, self));
        poll_fn(|context| {
            catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))).unwrap_or_else(|_panic| {
                Poll::Ready(Err(Error::store(
                    "the credential store panicked; report the panic to its author",
                )))
            })
        })
        .await
    }

    /// Makes a call when it is its turn. A log-out that came first must not find its work undone (R17), so a call that is
    /// not needed any more by then is not made.
    pub(super) async fn call_in_turn(&self, store: &Store, call: &StoreCall, turn: Turn<'_>) -> Option<Step> {
        let in_turn = async {
            let _turn = store.turn.lock().await;
            if !turn.needs(call) {
                return None;
            }
            let calls = &store.calls;
            let result = match call {
                StoreCall::Replace(expected, entry) => {
                    StoreResult::Replaced(replaced(calls.replace(expected.as_ref(), entry).await))
                }
                StoreCall::Overwrite(entry) => {
                    StoreResult::Replaced(calls.save(entry).await.map(|()| Replaced::Yes))
                }
                StoreCall::Load | StoreCall::Guard(_) => StoreResult::Loaded(unsealed(calls.load().await)),
            };
            Some(turn.end(result, self.clock.now()))
        };
        let in_turn = self.while_wanted(turn, self.marked(in_turn));
        if Handle::try_current().is_err() {
            // A log-out from another executor has no timer here, and so no time limit.
            return in_turn.await;
        }
        timeout(self.timing.store_timeout, in_turn).await.unwrap_or_else(|_| {
            let result = match call {
                StoreCall::Load | StoreCall::Guard(_) => StoreResult::Loaded(Err(Error::late())),
                StoreCall::Replace(..) | StoreCall::Overwrite(_) => StoreResult::Replaced(Err(Error::late())),
            };
            Some(turn.end(result, self.clock.now()))
        })
    }

    /// Drops a call that a log-out has overtaken, so that the log-out does not have to wait for it.
    pub(super) async fn while_wanted<T>(
        &self,
        turn: Turn<'_>,
        call: impl Future<Output = Option<T>>,
    ) -> Option<T> {
        let mut call = pin!(call);
        let mut overtaken = pin!(self.until_overtaken(turn));
        poll_fn(|context| match call.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => overtaken.as_mut().poll(context).map(|()| None),
        })
        .await
    }

    /// Returns when a log-out, or credentials set by the program, have overtaken the work.
    pub(super) async fn until_overtaken(&self, turn: Turn<'_>) {
        loop {
            let mut overtaken = pin!(self.overtaken.notified());
            overtaken.as_mut().enable();
            if !turn.is_wanted() {
                return;
            }
            overtaken.await;
        }
    }
}

/// A store without the key can't tell what it has, and must not write over it.
pub(super) fn unsealed(found: Result<Option<Entry>, Error>) -> Result<Option<Entry>, Error> {
    match found? {
        Some(found) if matches!(found.content(), Content::Sealed { .. }) => {
            Err(Error::store("the stored credentials are sealed; give the store their key"))
        }
        found => Ok(found),
    }
}

fn replaced(result: Result<Replaced, Error>) -> Result<Replaced, Error> {
    match result? {
        Replaced::Yes => Ok(Replaced::Yes),
        Replaced::No(found) => unsealed(Ok(found)).map(Replaced::No),
    }
}

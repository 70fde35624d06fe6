//! The store: one call at a time, each within a time limit.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::Shared;
use crate::cache::{Turn, drive};
use crate::error::Error;
use crate::machine::{Step, StoreCall, Work};
use crate::store::{Content, Entry, Version};

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
    pub(super) async fn call_store(&self, call: &StoreCall, turn: Turn<'_>) -> Option<Step> {
        let store = self.store.as_ref()?;
        let in_turn = async {
            let _turn = store.turn.lock().await;
            let store = &store.calls;
            if !turn.needs(call) {
                return None;
            }
            let result = match call {
                StoreCall::Load => store.load().await.map(|found| found?.credentials().cloned()),
                StoreCall::Save(credentials) => {
                    store.save(&Entry::new(credentials.clone())).await.map(|()| None)
                }
                StoreCall::Clear => {
                    store.save(&Entry::of(Version::unnamed(0), Content::LoggedOut)).await.map(|()| None)
                }
            };
            Some(turn.end(result, self.clock.now()))
        };
        let in_turn = self.while_wanted(turn, self.marked(in_turn));
        if Handle::try_current().is_err() {
            // A log-out from another executor has no timer here, and so no time limit.
            return in_turn.await;
        }
        timeout(self.timing.store_timeout, in_turn).await.unwrap_or_else(|_| {
            let error = "the credential store did not respond in time; check that it can be reached";
            Some(turn.end(Err(Error::store(error)), self.clock.now()))
        })
    }

    /// Drops a call that a log-out has overtaken, so that the log-out does not have to wait for it.
    async fn while_wanted(&self, turn: Turn<'_>, call: impl Future<Output = Option<Step>>) -> Option<Step> {
        let mut call = pin!(call);
        loop {
            let mut overtaken = pin!(self.overtaken.notified());
            overtaken.as_mut().enable();
            if !turn.is_wanted() {
                return None;
            }
            let step = poll_fn(|context| match call.as_mut().poll(context) {
                Poll::Ready(step) => Poll::Ready(Some(step)),
                Poll::Pending => overtaken.as_mut().poll(context).map(|()| None),
            });
            if let Some(step) = step.await {
                return step;
            }
        }
    }
}

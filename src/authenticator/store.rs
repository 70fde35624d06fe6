//! The store: one call at a time, each within a time limit.

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::Shared;
use crate::cache::Turn;
use crate::error::Error;
use crate::machine::{Step, StoreCall};

impl Shared {
    /// Makes a call when it is its turn. A log-out that came first must not find its work undone (R17), so a call that is
    /// not needed any more by then is not made.
    pub(super) async fn call_store(&self, call: &StoreCall, turn: Turn<'_>) -> Option<Step> {
        let store = self.store.as_ref()?;
        let in_turn = async {
            let store = store.lock().await;
            if !turn.needs(call) {
                return None;
            }
            let result = match call {
                StoreCall::Load => store.load().await,
                StoreCall::Save(credentials) => store.save(credentials).await.map(|()| None),
                StoreCall::Clear => store.clear().await.map(|()| None),
            };
            Some(turn.end(result, self.clock.now()))
        };
        if Handle::try_current().is_err() {
            // A log-out from another executor has no timer here, and so no time limit.
            return in_turn.await;
        }
        timeout(self.timing.store_timeout, in_turn).await.unwrap_or_else(|_| {
            let error = "the credential store did not respond in time; check that it can be reached";
            Some(turn.end(Err(Error::store(error)), self.clock.now()))
        })
    }
}

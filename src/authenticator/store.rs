//! The store: one call at a time, each within a time limit.

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::Shared;
use super::flight::Outside;
use crate::cache::{Turn, drive};
use crate::error::Error;
use crate::machine::{Step, StoreCall, Work};

impl Shared {
    /// Makes the store calls that follow a log-out, or a `set_credentials` of the program.
    pub(super) async fn do_at_store(&self, work: Work) -> Result<(), Error> {
        // Such work asks the source for nothing, so that its deadline does not matter.
        drive(&self.cache, work, &Outside { shared: self, deadline: Instant::now() }).await
    }

    /// Makes a call when it is its turn, if it is still needed then. Otherwise it could undo the work of a log-out (R17).
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

//! Learns at once what other processes write, if the store can tell (R59).

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::store::unsealed;
use crate::error::Error;
use crate::machine::State;
use crate::own_runtime::current_runtime;
use crate::store::{DynStore, Entry};

/// The shortest time between two reads.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest time between two reads of a store that fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The task that waits for changes. It ends with the authenticator.
#[derive(Default)]
pub(super) struct Watcher(Mutex<Option<AbortHandle>>);

impl Watcher {
    /// Starts the task on the runtime of the caller, unless there is one that runs.
    pub(super) fn start(&self, shared: &Arc<Shared>) {
        let Some(store) = shared.store.as_deref().filter(|store| store.calls.notifies()) else { return };
        let Some(runtime) = current_runtime() else { return };
        let mut task = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(AbortHandle::is_finished) {
            let watching = watch(Arc::downgrade(shared), store.calls.clone());
            *task = Some(runtime.spawn(watching).abort_handle());
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let task = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

async fn watch(shared: Weak<Shared>, store: Arc<dyn DynStore>) {
    let stored = || shared.upgrade().map(|shared| shared.cache.look(State::stored));
    let Some(mut seen) = stored() else { return };
    let mut pause = PAUSE;
    loop {
        store.changed(seen.as_ref()).await;
        sleep(PAUSE).await;
        // What this process has read or written since needs no look.
        match stored() {
            None => return,
            Some(stored) if stored != seen => {
                seen = stored;
                continue;
            }
            Some(_) => {}
        }
        let Some(shared) = shared.upgrade() else { return };
        match shared.load_in_turn(&*store).await {
            Ok(found) => {
                pause = PAUSE;
                seen = found.as_ref().map(Entry::version).copied();
                if let Some(found) = found {
                    shared.heard(found);
                }
            }
            // It is reported when it is needed.
            Err(_) => {
                drop(shared);
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

impl Shared {
    async fn load_in_turn(&self, store: &dyn DynStore) -> Result<Option<Entry>, Error> {
        let load = async {
            let _turn = match &self.store {
                Some(store) => Some(store.turn.lock().await),
                None => None,
            };
            store.load().await
        };
        let found = timeout(self.timing.store_timeout, self.marked(load)).await;
        unsealed(found.unwrap_or_else(|_| Err(Error::late())))
    }

    fn heard(&self, found: Entry) {
        self.cache.heard(found, self.clock.now());
        self.tell();
    }
}

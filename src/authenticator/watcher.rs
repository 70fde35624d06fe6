//! Learns at once what other processes write, if the store can tell (R59).

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::store::unsealed;
use crate::machine::State;
use crate::store::{DynStore, Entry};

/// The shortest time between two reads.
const PAUSE: Duration = Duration::from_millis(100);

/// The task that waits for changes. It ends with the authenticator.
#[derive(Default)]
pub(super) struct Watcher(Mutex<Option<AbortHandle>>);

impl Watcher {
    /// Starts the task on the runtime of the caller, unless there is one that runs.
    pub(super) fn start(&self, shared: &Arc<Shared>) {
        let Some(store) = shared.store.as_deref().filter(|store| store.calls.notifies()) else { return };
        let Ok(runtime) = Handle::try_current() else { return };
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
        let Some(limit) = shared.upgrade().map(|shared| shared.timing.store_timeout) else { return };
        let found = timeout(limit, store.load()).await.map(unsealed);
        let Some(shared) = shared.upgrade() else { return };
        // What can't be read is reported when it is needed.
        if let Ok(Ok(found)) = found {
            seen = found.as_ref().map(Entry::version).copied().or(seen);
            if let Some(found) = found {
                shared.heard(found);
            }
        }
    }
}

impl Shared {
    fn heard(&self, found: Entry) {
        self.cache.heard(found, self.clock.now());
        self.tell();
    }
}

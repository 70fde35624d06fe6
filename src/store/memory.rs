//! A store in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedMutexGuard};
use tokio::time::timeout;

use super::{CredentialStore, Entry, Guard, GuardError, GuardRequest, Replaced, Version};
use crate::error::Error;

/// Keeps credentials in memory, until the process ends.
///
/// Clones share the credentials and the guard, so that several authenticators of one process can share a login.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    content: Mutex<Option<Entry>>,
    guard: Arc<tokio::sync::Mutex<()>>,
    changed: Notify,
}

impl MemoryStore {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Entry>> {
        self.0.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, content: &mut Option<Entry>, entry: &Entry) {
        *content = Some(entry.clone());
        self.0.changed.notify_waiters();
    }

    /// Waits for the guard. A wait without a limit needs no timer, and so no runtime.
    async fn guard_within(&self, limit: Duration) -> Option<OwnedMutexGuard<()>> {
        let guard = self.0.guard.clone();
        if let Ok(guard) = guard.clone().try_lock_owned() {
            return Some(guard);
        }
        timeout(limit, guard.lock_owned()).await.ok()
    }
}

impl CredentialStore for MemoryStore {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        Ok(self.lock().clone())
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        self.put(&mut self.lock(), entry);
        Ok(())
    }

    async fn replace(&self, expected: Option<&Version>, entry: &Entry) -> Result<Replaced, Error> {
        let content = &mut *self.lock();
        if content.as_ref().map(Entry::version) != expected {
            return Ok(Replaced::No(content.clone()));
        }
        self.put(content, entry);
        Ok(Replaced::Yes)
    }

    async fn guard(&self, request: &GuardRequest) -> Result<Guard, GuardError> {
        let lock = self.guard_within(request.limit()).await.ok_or(GuardError::Held(None))?;
        let content = &mut *self.lock();
        let guard = Guard::new(Ok(content.clone())).cannot_lapse().on_release(|| drop(lock));
        match request.entry_to_write(content.as_ref()) {
            Some(entry) => {
                self.put(content, &entry);
                Ok(guard.written())
            }
            None => Ok(guard),
        }
    }

    async fn changed(&self, seen: Option<&Version>) {
        let changed = self.0.changed.notified();
        if self.lock().as_ref().map(Entry::version) == seen {
            changed.await;
        }
    }
}

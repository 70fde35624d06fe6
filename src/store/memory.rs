//! A store in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::CredentialStore;
use crate::credentials::Credentials;
use crate::error::Error;

/// Keeps credentials in memory, until the process ends.
///
/// Clones share the credentials, so that these outlive an authenticator. [`CredentialStore`] says what to know before
/// several authenticators share a store.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Option<Credentials>>>);

impl MemoryStore {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Credentials>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CredentialStore for MemoryStore {
    async fn load(&self) -> Result<Option<Credentials>, Error> {
        Ok(self.lock().clone())
    }

    async fn save(&self, credentials: &Credentials) -> Result<(), Error> {
        *self.lock() = Some(credentials.clone());
        Ok(())
    }

    async fn clear(&self) -> Result<(), Error> {
        *self.lock() = None;
        Ok(())
    }
}

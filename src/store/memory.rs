//! A store that lives as long as the process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::CredentialStore;
use crate::{Credentials, Error};

/// Keeps credentials in memory. Clones share them, so that they outlive an authenticator; see
/// [`CredentialStore`] about sharing them between several.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Option<Credentials>>>);

impl MemoryStore {
    /// An empty store.
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

//! A store that another process writes to. It fails as the program says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reauth::store::{CredentialStore, Entry, Replaced, Version};
use reauth::{Credentials, Error};

use super::ledger::Ledger;
use super::program::StoreMode;

#[derive(Clone)]
pub struct Store {
    ledger: Ledger,
    mode: Arc<Mutex<StoreMode>>,
}

impl Store {
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, mode: Arc::new(Mutex::new(StoreMode::Works)) }
    }

    pub fn set(&self, mode: StoreMode) {
        *self.mode.lock().unwrap() = mode;
    }

    async fn call<T>(&self, call: impl FnOnce(&Ledger) -> T) -> Result<T, Error> {
        let mode = *self.mode.lock().unwrap();
        match mode {
            StoreMode::Works => Ok(call(&self.ledger)),
            StoreMode::Fails => Err(Error::store("the store fails")),
            StoreMode::Slow => {
                tokio::time::sleep(Duration::from_secs(2)).await;
                Ok(call(&self.ledger))
            }
            StoreMode::Hangs => std::future::pending().await,
            StoreMode::HangsAfter => {
                call(&self.ledger);
                std::future::pending().await
            }
        }
    }
}

/// Marks credentials as written when the attempt ends, which a time limit does by dropping it.
struct Written<'a>(&'a Ledger, &'a Credentials);

impl Drop for Written<'_> {
    fn drop(&mut self) {
        self.0.written(self.1);
    }
}

impl CredentialStore for Store {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.ledger.reads();
        self.call(|ledger| {
            let mut state = ledger.lock();
            state.loaded = state.stored();
            state.entry.clone()
        })
        .await
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        let _written = entry.credentials().map(|credentials| Written(&self.ledger, credentials));
        self.call(|ledger| ledger.lock().entry = Some(entry.clone())).await
    }

    async fn replace(&self, expected: Option<&Version>, entry: &Entry) -> Result<Replaced, Error> {
        let _written = entry.credentials().map(|credentials| Written(&self.ledger, credentials));
        self.call(|ledger| {
            let mut state = ledger.lock();
            if state.entry.as_ref().map(Entry::version) != expected {
                state.loaded = state.stored();
                return Replaced::No(state.entry.clone());
            }
            state.entry = Some(entry.clone());
            Replaced::Yes
        })
        .await
    }
}

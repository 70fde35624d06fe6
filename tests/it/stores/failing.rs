//! A store whose calls fail as long as the test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reauth::Error;
use reauth::store::{CredentialStore, Entry, MemoryStore};

/// A store of two methods. `kept` is what it stores.
#[derive(Clone, Default)]
pub(super) struct Failing {
    pub(super) kept: MemoryStore,
    loads: Arc<AtomicBool>,
    saves: Arc<AtomicBool>,
}

impl Failing {
    pub(super) fn loads_fail(&self, fail: bool) {
        self.loads.store(fail, Ordering::SeqCst);
    }

    pub(super) fn saves_fail(&self, fail: bool) {
        self.saves.store(fail, Ordering::SeqCst);
    }
}

fn checked(fails: &AtomicBool) -> Result<(), Error> {
    if fails.load(Ordering::SeqCst) { Err(Error::store("the test says no")) } else { Ok(()) }
}

impl CredentialStore for Failing {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        checked(&self.loads)?;
        self.kept.load().await
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        checked(&self.saves)?;
        self.kept.save(entry).await
    }
}

//! A store with steps, over a real one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reauth::Error;
use reauth::store::{
    CredentialStore, Entry, FileStore, Guard, GuardError, GuardRequest, RedisStore, Replaced, Version,
};

use super::steps::Steps;
use crate::protocol::Step;

/// So short that a test can wait until it has lapsed.
const LEASE: Duration = Duration::from_secs(2);
/// The authenticator sends nothing if less than 12 s are left. So each guard says that it has this much more, until it lapses.
const MORE: Duration = Duration::from_secs(15);

pub struct Store {
    inner: Inner,
    steps: Arc<Steps>,
}

enum Inner {
    File(FileStore),
    Redis(RedisStore),
}

macro_rules! inner {
    ($self:ident, $store:ident => $call:expr) => {
        match &$self.inner {
            Inner::File($store) => $call,
            Inner::Redis($store) => $call,
        }
    };
}

impl Store {
    pub fn file(path: &Path, steps: Arc<Steps>) -> Self {
        Self { inner: Inner::File(FileStore::at(path).unwrap()), steps }
    }

    pub fn redis(url: &str, profile: &str, timeout: Duration, steps: Arc<Steps>) -> Self {
        let store = RedisStore::new(url).unwrap().profile(profile).lease(LEASE).timeout(timeout);
        Self { inner: Inner::Redis(store), steps }
    }
}

impl CredentialStore for Store {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        inner!(self, store => store.load().await)
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        inner!(self, store => store.save(entry).await)
    }

    async fn replace(&self, expected: Option<&Version>, entry: &Entry) -> Result<Replaced, Error> {
        // The same version again is a note, such as that of an open exchange.
        let is_save = entry.credentials().is_some() && expected != Some(entry.version());
        if is_save {
            self.steps.at(Step::BeforeSave).await;
        }
        let replaced = inner!(self, store => store.replace(expected, entry).await);
        // Where the guard has found something else, the note of the exchange comes later.
        if !is_save && entry.open_exchange().is_some() && matches!(replaced, Ok(Replaced::Yes)) {
            self.steps.at(Step::AfterGuard).await;
        }
        if is_save {
            self.steps.at(Step::AfterSave).await;
        }
        replaced
    }

    async fn guard(&self, request: &GuardRequest) -> Result<Guard, GuardError> {
        self.steps.at(Step::BeforeGuard).await;
        let guard = match &self.inner {
            Inner::File(store) => store.guard(request).await?,
            Inner::Redis(store) => with_more(store.guard(request).await?),
        };
        if guard.is_written() {
            self.steps.at(Step::AfterGuard).await;
        }
        Ok(guard)
    }

    async fn changed(&self, seen: Option<&Version>) {
        inner!(self, store => store.changed(seen).await);
    }

    fn notifies(&self) -> bool {
        inner!(self, store => store.notifies())
    }
}

/// The same guard with a longer lease, as far as the authenticator knows.
fn with_more(guard: Guard) -> Guard {
    let found = guard.found().map(|found| found.cloned()).map_err(Clone::clone);
    let is_written = guard.is_written();
    let guard = Arc::new(guard);
    let (leased, released) = (guard.clone(), std::sync::Mutex::new(Some(guard)));
    let left = move || {
        let left = leased.lease_left().unwrap_or_default();
        if left.is_zero() { left } else { left + MORE }
    };
    let longer = Guard::new(found).with_lease(left).on_release(move || drop(released.lock().unwrap().take()));
    if is_written { longer.written() } else { longer }
}

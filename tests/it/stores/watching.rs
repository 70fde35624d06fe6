//! A store that tells what other processes write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use reauth::Error;
use reauth::store::{CredentialStore, Entry, MemoryStore, Replaced, Version};
use tokio::time::sleep;

use super::with_store;
use crate::authenticator::{millis, seconds, token};
use crate::support::source::{Script, credentials};

/// A store that always says that something has changed.
#[derive(Clone, Default)]
struct Restless {
    kept: MemoryStore,
    fails: Arc<AtomicBool>,
    loads: Arc<AtomicUsize>,
    busy: Arc<AtomicUsize>,
    /// How many calls came during another.
    overlaps: Arc<AtomicUsize>,
}

impl Restless {
    async fn takes_time(&self) {
        if self.busy.fetch_add(1, Ordering::SeqCst) > 0 {
            self.overlaps.fetch_add(1, Ordering::SeqCst);
        }
        sleep(millis(500)).await;
        self.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

impl CredentialStore for Restless {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.takes_time().await;
        match self.fails.load(Ordering::SeqCst) {
            true => Err(Error::store("the test says no")),
            false => self.kept.load().await,
        }
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        self.takes_time().await;
        self.kept.save(entry).await
    }

    async fn replace(&self, expected: Option<&Version>, entry: &Entry) -> Result<Replaced, Error> {
        self.takes_time().await;
        self.kept.replace(expected, entry).await
    }

    async fn changed(&self, _: Option<&Version>) {}

    fn notifies(&self) -> bool {
        true
    }
}

async fn watched() -> (reauth::Authenticator, Restless) {
    let store = Restless::default();
    store.kept.save(&Entry::new(credentials("at-1", Some("rt-1"), Some(3600)))).await.unwrap();
    let (auth, _) = with_store(Script::new(), store.clone());
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    (auth, store)
}

#[tokio::test(start_paused = true)]
async fn r59_a_store_that_fails_is_read_less_and_less_often() {
    let (_auth, store) = watched().await;
    store.fails.store(true, Ordering::SeqCst);
    let before = store.loads.load(Ordering::SeqCst);
    sleep(seconds(600)).await;
    let loads = store.loads.load(Ordering::SeqCst) - before;
    assert!((20..40).contains(&loads), "{loads} in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn r59_what_is_read_for_another_process_waits_for_its_turn() {
    let (auth, store) = watched().await;
    for n in 2..5 {
        auth.set_credentials(credentials(&format!("at-{n}"), Some("rt"), Some(3600))).await.unwrap();
        sleep(millis(70)).await;
    }
    assert_eq!(store.overlaps.load(Ordering::SeqCst), 0);
}

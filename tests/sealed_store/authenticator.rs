//! An authenticator whose store is sealed.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use reauth::store::{CredentialStore, Entry, Key, Keychain, Keys, MemoryStore, Sealed};
use reauth::{Authenticator, CredentialSource, Credentials, Error};

use crate::fake::Fake;

/// A provider whose refresh token is good for one use. Each token has 8 KiB.
#[derive(Default)]
struct Rotating(AtomicU32);

fn token(kind: &str, number: u32) -> String {
    format!("{kind}-{number}-{}", "x".repeat(8 << 10))
}

impl Rotating {
    fn issue(&self) -> Result<Credentials, Error> {
        let number = self.0.fetch_add(1, SeqCst) + 1;
        Credentials::new(token("at", number))?.with_refresh_token(token("rt", number))
    }
}

impl CredentialSource for Rotating {
    async fn login(&self) -> Result<Credentials, Error> {
        self.issue()
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        assert_eq!(held.refresh_token().unwrap(), token("rt", self.0.load(SeqCst)));
        self.issue()
    }
}

/// It can do nothing by itself.
struct Nothing;

impl CredentialSource for Nothing {
    async fn login(&self) -> Result<Credentials, Error> {
        Err(Error::unsupported("log in again"))
    }
}

async fn stored(store: &MemoryStore) -> Entry {
    store.load().await.unwrap().unwrap()
}

#[tokio::test]
async fn f99_f101_a_hundred_rotations_of_long_tokens_read_the_keychain_once() {
    let (fake, below) = (Fake::default(), MemoryStore::new());
    let keychain = Keychain::in_store(fake.store(), "app");
    let store = Sealed::new(below.clone(), keychain.key().await.unwrap());
    let auth = Authenticator::builder(Rotating::default()).store(store).build();
    auth.credentials().await.unwrap();
    for _ in 0..100 {
        auth.refresh().await.unwrap();
    }
    // What was found is the key that was written. The one item has the key alone.
    assert_eq!((fake.found(), fake.written()), (1, 1));
    assert!(fake.text().unwrap().len() < 128, "F100: nothing has to be cut into pieces");

    let text = stored(&below).await.expose_text();
    assert!(!text.contains("xxxxxxxx") && text.contains("\"sealed\":\"v1.keychain-"), "{}", *text);
    // The next process.
    let key = Keychain::in_store(fake.store(), "app").key().await.unwrap();
    let auth = Authenticator::builder(Nothing).store(Sealed::new(below, key)).build();
    assert_eq!(auth.credentials().await.unwrap().access_token(), token("at", 101));
}

#[tokio::test]
async fn f102_another_key_costs_no_login() {
    let below = MemoryStore::new();
    let (old, new) = (Key::random("old").unwrap(), Key::random("new").unwrap());
    let auth = |keys: Keys| {
        let store = Sealed::new(below.clone(), keys);
        Authenticator::builder(Nothing).store(store).build()
    };
    Sealed::new(below.clone(), old.clone())
        .save(&Entry::new(Credentials::new("at-1").unwrap()))
        .await
        .unwrap();
    let before = stored(&below).await.expose_text();

    let without = auth(new.clone().into());
    assert!(without.credentials().await.is_err());
    assert!(without.refresh().await.is_err());
    assert_eq!(*stored(&below).await.expose_text(), *before, "it is kept");

    let auth = auth(Keys::new(new).with_older(old));
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    // New writes are with the first key.
    auth.set_credentials(Credentials::new("at-2").unwrap()).await.unwrap();
    let text = stored(&below).await.expose_text();
    assert!(text.contains("\"sealed\":\"v1.new."), "{}", *text);
}

#[tokio::test]
async fn f90_a_log_out_needs_no_key() {
    let below = MemoryStore::new();
    let sealed = Sealed::new(below.clone(), Key::random("old").unwrap());
    sealed.save(&Entry::new(Credentials::new("at-1").unwrap())).await.unwrap();
    let other = Sealed::new(below.clone(), Key::random("new").unwrap());
    let auth = Authenticator::builder(Nothing).store(other).build();
    let _ = auth.log_out().await;
    assert!(stored(&below).await.is_logged_out());
}

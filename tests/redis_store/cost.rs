//! How many round trips it takes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reauth::store::CredentialStore;
use reauth::{Authenticator, CredentialSource, Credentials, Error, source_fn};

use crate::support::{Server, entry, is_yes, request, store, version};

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r62_a_refresh_takes_two_round_trips() {
    let server = Server::start();
    let store = store(&server);
    store.save(&entry(0)).await.unwrap();
    // The first refresh loads the scripts.
    refresh(&store, 0).await;
    let (scripts, loads) = (server.calls("evalsha"), server.calls("script|load"));
    for generation in 1..=50 {
        refresh(&store, generation).await;
    }
    assert_eq!(server.calls("evalsha") - scripts, 100);
    assert_eq!(server.calls("script|load"), loads);
    // One connection does it all, beside the one that asks this.
    let clients: String = server.ask(&["CLIENT", "LIST"]);
    assert_eq!(clients.lines().count(), 2, "{clients}");
}

async fn refresh(store: &reauth::store::RedisStore, generation: u64) {
    let guard = store.guard(&request(generation, 7)).await.unwrap();
    assert!(guard.is_written());
    let replaced = store.replace(Some(&version(generation)), &entry(generation + 1)).await.unwrap();
    assert!(is_yes(&replaced));
}

/// Who is told of writes makes no call for those of its own.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r62_an_authenticator_that_waits_for_changes_refreshes_in_two_round_trips_too() {
    let server = Server::start();
    let numbers = AtomicU32::new(1);
    let source = source_fn(move || {
        let number = numbers.fetch_add(1, Ordering::SeqCst);
        async move { Credentials::new(format!("at-{number}"))?.with_refresh_token(format!("rt-{number}")) }
    });
    let auth = Authenticator::builder(Rotating(source)).store(store(&server)).build();
    auth.credentials().await.unwrap();
    for _ in 0..2 {
        auth.refresh().await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = server.calls("evalsha");
    for _ in 0..10 {
        auth.refresh().await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let calls = server.calls("evalsha") - before;
    assert!((20..=22).contains(&calls), "{calls}");
}

/// Refreshes as it logs in.
struct Rotating<S>(S);

impl<S: CredentialSource> CredentialSource for Rotating<S> {
    async fn login(&self) -> Result<Credentials, Error> {
        self.0.login().await
    }

    async fn refresh(&self, _: &Credentials) -> Result<Credentials, Error> {
        self.0.login().await
    }
}

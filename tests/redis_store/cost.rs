//! How many round trips it takes.

use reauth::store::CredentialStore;

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

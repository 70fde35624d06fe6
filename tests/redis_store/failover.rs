//! What a failover or a restored file takes away, and how it is written again.

use reauth::store::{CredentialStore, RedisStore};

use crate::support::{
    Proxy, Server, entry, entry_by, instead, is_yes, request, store, stored, until, version,
};

/// A primary and a replica of it that has entry 1.
async fn pair() -> (Server, Server) {
    let primary = Server::start();
    store(&primary).save(&entry(1)).await.unwrap();
    let replica = Server::with(&["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    until("the replica has it", async || store(&replica).load().await.ok().flatten()).await;
    (primary, replica)
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r64_a_save_that_a_failover_lost_is_written_back_by_who_has_it() {
    let (mut primary, replica) = pair().await;
    let name = Proxy::before(&primary).await;
    let store = RedisStore::new(&name.url()).unwrap();
    let guard = store.guard(&request(1, 7)).await.unwrap();
    replica.tell(&["REPLICAOF", "NO", "ONE"]);
    // It is acknowledged, and lost.
    assert!(is_yes(&store.replace(Some(&version(1)), &entry(2)).await.unwrap()));
    drop(guard);
    primary.stop();
    name.lead_to(&replica);

    let older = store.load().await.unwrap().unwrap();
    assert_eq!(*older.version(), version(1));
    // Over exactly what was read.
    assert!(is_yes(&store.replace(Some(older.version()), &entry(2)).await.unwrap()));
    assert_eq!(stored(&crate::support::store(&replica)).await, Some(version(2)));
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f65_after_a_failover_the_new_primary_is_found() {
    let (primary, replica) = pair().await;
    let name = Proxy::before(&primary).await;
    let store = RedisStore::new(&name.url()).unwrap();
    assert_eq!(stored(&store).await, Some(version(1)));
    replica.tell(&["REPLICAOF", "NO", "ONE"]);
    // The old primary lives on as a replica, and so does the connection to it.
    primary.tell(&["REPLICAOF", "127.0.0.1", &replica.port().to_string()]);
    name.lead_to(&replica);
    assert!(store.guard(&request(1, 7)).await.unwrap().is_written());
    assert!(is_yes(&store.replace(Some(&version(1)), &entry(2)).await.unwrap()));
    assert_eq!(stored(&crate::support::store(&replica)).await, Some(version(2)));
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r52_two_writers_of_one_generation_are_noticed() {
    let (mut primary, replica) = pair().await;
    let name = Proxy::before(&primary).await;
    let ours = RedisStore::new(&name.url()).unwrap();
    replica.tell(&["REPLICAOF", "NO", "ONE"]);
    // Both have written the generation after 1. Neither has seen the other.
    assert!(is_yes(&ours.replace(Some(&version(1)), &entry_by(2, 1)).await.unwrap()));
    let theirs = store(&replica);
    assert!(is_yes(&theirs.replace(Some(&version(1)), &entry_by(2, 9)).await.unwrap()));
    primary.stop();
    name.lead_to(&replica);

    let found = instead(ours.replace(Some(entry_by(2, 1).version()), &entry(3)).await.unwrap()).unwrap();
    assert_eq!(found.version(), entry_by(2, 9).version());
    assert!(!ours.guard(&request(2, 7)).await.unwrap().is_written());
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r64_a_restored_file_is_written_over_by_who_has_something_newer() {
    let mut server = Server::start();
    let store = store(&server);
    store.save(&entry(1)).await.unwrap();
    server.tell(&["SAVE"]);
    store.save(&entry(2)).await.unwrap();
    server.stop();
    server.start_again();
    let older = until("it has loaded the file", async || store.load().await.ok().flatten()).await;
    assert_eq!(*older.version(), version(1));
    assert!(is_yes(&store.replace(Some(older.version()), &entry(2)).await.unwrap()));
    assert_eq!(stored(&store).await, Some(version(2)));
}

//! Redis works, and takes no writes. That is another thing than a Redis that is away, and than a guard that another has.

use std::time::Duration;

use reauth::ErrorKind;
use reauth::store::{CredentialStore, GuardError, RedisStore};

use crate::support::{Server, entry, is_yes, request, store, stored, until, version, waiting};

/// Nothing can be written. What is there is entry 1.
async fn assert_not_writable(store: &RedisStore, why: &str) {
    let result = store.guard(&request(1, 7)).await;
    let Err(GuardError::NotWritable(error)) = result else { panic!("{why}: {result:?}") };
    assert!(error.to_string().contains(why), "{error}");
    assert_eq!(store.save(&entry(2)).await.unwrap_err().kind(), ErrorKind::Store);
    let error = store.replace(Some(&version(1)), &entry(2)).await.unwrap_err();
    assert!(error.to_string().contains(why), "{error}");
    let found = store.load().await.unwrap().unwrap();
    assert_eq!(*found.version(), version(1));
    assert!(found.open_exchange().is_none());
}

async fn saved(server: &Server) -> RedisStore {
    let store = store(server);
    store.save(&entry(1)).await.unwrap();
    store
}

/// The save fails, is tried again, and the guard stays meanwhile.
async fn assert_saved_later(server: &Server, store: &RedisStore, refuse: &[&str], accept: &[&str]) {
    let guard = store.guard(&request(1, 7)).await.unwrap();
    server.tell(refuse);
    assert_eq!(store.replace(Some(&version(1)), &entry(2)).await.unwrap_err().kind(), ErrorKind::Store);
    server.tell(accept);
    assert!(server.ask::<bool>(&["EXISTS", &server.key("lease")]));
    assert!(is_yes(&store.replace(Some(&version(1)), &entry(2)).await.unwrap()));
    drop(guard);
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f105_a_full_server_is_noticed_before_anything_is_spent() {
    let server = Server::start();
    let store = saved(&server).await;
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    let result = store.guard(&request(1, 7)).await;
    let Err(GuardError::NotWritable(error)) = result else { panic!("{result:?}") };
    assert!(error.to_string().contains("maxmemory"), "{error}");
    let found = store.load().await.unwrap().unwrap();
    assert_eq!(*found.version(), version(1));
    assert!(found.open_exchange().is_none());
    // A log-out is written all the same.
    store.save(&entry(2)).await.unwrap();
    server.tell(&["CONFIG", "SET", "maxmemory", "0"]);
    assert!(store.guard(&request(2, 7)).await.unwrap().is_written());
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f105_memory_that_runs_out_after_the_proof_does_not_stop_the_save() {
    let server = Server::start();
    let store = saved(&server).await;
    let _guard = store.guard(&request(1, 7)).await.unwrap();
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(is_yes(&store.replace(Some(&version(1)), &entry(2)).await.unwrap()));
    assert_eq!(stored(&store).await, Some(version(2)));
    // The guard was given back with it.
    assert!(!server.ask::<bool>(&["EXISTS", &server.key("lease")]));
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f105_memory_that_filled_up_with_keys_does_not_stop_the_save() {
    let server = Server::with(&["--maxmemory", "3mb", "--maxmemory-policy", "noeviction"]);
    let store = saved(&server).await;
    let _guard = store.guard(&request(1, 7)).await.unwrap();
    let block = "x".repeat(50_000);
    let mut blocks = 0;
    while server.try_to_ask::<redis::Value>(&["SET", &format!("block:{blocks}"), &block]).is_ok() {
        blocks += 1;
    }
    assert!(blocks > 5);
    assert!(is_yes(&store.replace(Some(&version(1)), &entry(2)).await.unwrap()));
    assert_eq!(stored(&store).await, Some(version(2)));
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f65_a_replica_can_be_read_and_not_written() {
    let primary = Server::start();
    saved(&primary).await;
    let replica = Server::with(&["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    let store = store(&replica);
    until("the replica has it", async || store.load().await.ok().flatten()).await;
    assert_not_writable(&store, "primary").await;
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f65_a_server_without_its_replicas_is_not_writable() {
    let server = Server::start();
    let store = saved(&server).await;
    let (refuse, accept) =
        (["CONFIG", "SET", "min-replicas-to-write", "1"], ["CONFIG", "SET", "min-replicas-to-write", "0"]);
    server.tell(&refuse);
    assert_not_writable(&store, "replicas").await;
    server.tell(&accept);
    assert_saved_later(&server, &store, &refuse, &accept).await;
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f65_a_server_that_cant_save_to_its_disk_is_not_writable() {
    let server = Server::start();
    let store = saved(&server).await;
    server.tell(&["CONFIG", "SET", "save", "3600 1"]);
    std::fs::remove_dir_all(server.folder()).unwrap();
    server.tell(&["BGSAVE"]);
    until("the save to disk fails", async || {
        server.ask::<String>(&["INFO", "persistence"]).contains("rdb_last_bgsave_status:err").then_some(())
    })
    .await;
    assert_not_writable(&store, "disk").await;
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f65_a_user_without_a_permission_is_told_so() {
    let server = Server::start();
    let store = saved(&server).await;
    server.tell(&["ACL", "SETUSER", "default", "-hset", "-set", "-hdel"]);
    assert_not_writable(&store, "permit").await;
    server.tell(&["ACL", "SETUSER", "default", "+@all", "-evalsha"]);
    assert!(store.load().await.unwrap_err().to_string().contains("permit"));
    let elsewhere = store.prefix("elsewhere");
    server.tell(&["ACL", "SETUSER", "default", "+@all", "resetkeys", "~{reauth:*"]);
    assert!(elsewhere.load().await.unwrap_err().to_string().contains("permit"));
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f65_a_key_of_somebody_else_is_not_overwritten() {
    let server = Server::start();
    let store = store(&server);
    server.tell(&["SET", &server.key("entry"), "theirs"]);
    for error in [
        store.load().await.map(drop).unwrap_err(),
        store.save(&entry(1)).await.unwrap_err(),
        store.replace(None, &entry(1)).await.map(drop).unwrap_err(),
    ] {
        assert!(error.to_string().contains("another prefix"), "{error}");
    }
    let result = store.guard(&request(1, 7)).await;
    assert!(matches!(result, Err(GuardError::Unreachable(_))), "{result:?}");
    assert_eq!(server.ask::<String>(&["GET", &server.key("entry")]), "theirs");
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f65_a_server_that_is_busy_with_a_script_is_unreachable() {
    let server = Server::with(&["--busy-reply-threshold", "50"]);
    let store = saved(&server).await;
    let url = server.url();
    let endless = std::thread::spawn(move || {
        let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
        redis::cmd("EVAL").arg("while true do end").arg(0).exec(&mut connection)
    });
    until("it is busy", async || {
        server.try_to_ask::<String>(&["PING"]).is_err_and(|error| error.code() == Some("BUSY")).then_some(())
    })
    .await;
    let error = store.load().await.unwrap_err();
    assert!(error.to_string().contains("busy"), "{error}");
    let result = store.guard(&waiting(Duration::ZERO)).await;
    assert!(matches!(result, Err(GuardError::Unreachable(_))), "{result:?}");
    server.tell(&["SCRIPT", "KILL"]);
    endless.join().unwrap().unwrap_err();
    assert_eq!(stored(&store).await, Some(version(1)));
}

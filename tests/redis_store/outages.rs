//! Redis is away, frozen, emptied or restarted, and comes back.

use std::time::Duration;

use reauth::ErrorKind;
use reauth::store::{CredentialStore, GuardError, RedisStore};

use crate::support::{
    PATIENCE, Proxy, Server, entry, instead, is_yes, request, store, stored, until, version, waiting,
};

/// It gives up soon, so that a frozen server holds up no test.
fn impatient(server: &Server) -> RedisStore {
    store(server).timeout(Duration::from_millis(700))
}

async fn assert_unreachable(store: &RedisStore) {
    assert_eq!(store.load().await.unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(store.save(&entry(9)).await.unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(store.replace(None, &entry(9)).await.unwrap_err().kind(), ErrorKind::Store);
    let result = store.guard(&request(1, 7)).await;
    assert!(matches!(result, Err(GuardError::Unreachable(_))), "{result:?}");
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f65_a_server_that_is_down_is_unreachable_until_it_is_up_again() {
    let mut server = Server::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = store(&server);
    store.save(&entry(1)).await.unwrap();
    for _ in 0..2 {
        server.stop();
        assert_unreachable(&store).await;
        server.start_again();
        until("it has loaded its data", async || store.load().await.ok()).await;
        assert_eq!(stored(&store).await, Some(version(1)));
        drop(store.guard(&request(1, 7)).await.unwrap());
    }
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f65_a_restart_between_two_calls_is_not_noticed() {
    let mut server = Server::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = store(&server);
    store.save(&entry(1)).await.unwrap();
    let _guard = store.guard(&request(1, 7)).await.unwrap();
    server.stop();
    server.start_again();
    until("it has loaded its data", async || server.try_to_ask::<String>(&["PING"]).ok()).await;
    // The connection is gone, and so are the scripts.
    assert!(is_yes(&store.replace(Some(&version(1)), &entry(2)).await.unwrap()));
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f65_a_frozen_server_is_unreachable_until_it_thaws() {
    let server = Server::start();
    let (known, new) = (impatient(&server), impatient(&server));
    known.save(&entry(1)).await.unwrap();
    server.signal("STOP");
    // One has a connection, the other one has none.
    assert_unreachable(&known).await;
    assert_unreachable(&new).await;
    server.signal("CONT");
    for store in [&known, &new] {
        until("it is reached again", async || store.load().await.ok()).await;
        drop(store.guard(&request(1, 7)).await.unwrap());
    }
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f78_what_was_sent_to_a_frozen_server_does_not_happen_after_it_was_given_up() {
    let server = Server::start();
    let store = impatient(&server);
    store.save(&entry(1)).await.unwrap();
    drop(store.guard(&waiting(Duration::ZERO)).await.unwrap());
    until("the guard is free", async || store.guard(&waiting(Duration::ZERO)).await.ok()).await;
    until("no guard is left", async || {
        (!server.ask::<bool>(&["EXISTS", &server.key("lease")])).then_some(())
    })
    .await;
    let calls = server.calls("evalsha");

    server.signal("STOP");
    store.save(&entry(2)).await.unwrap_err();
    store.replace(Some(&version(1)), &entry(2)).await.unwrap_err();
    store.guard(&request(1, 7)).await.unwrap_err();
    server.signal("CONT");

    // The first one came on the connection that was open. The others had none.
    until("it came after all", async || (server.calls("evalsha") > calls).then_some(())).await;
    let found = store.load().await.unwrap().unwrap();
    assert_eq!(*found.version(), version(1));
    assert!(found.open_exchange().is_none());
    assert!(!server.ask::<bool>(&["EXISTS", &server.key("lease")]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f78_a_write_that_was_dropped_does_not_come_after_the_next_one() {
    let server = Server::start();
    let store = store(&server);
    for generation in 0..1_000 {
        let (dropped, kept) = (entry(2 * generation), entry(2 * generation + 1));
        let mut save = Box::pin(store.save(&dropped));
        let _ = std::future::poll_fn(|context| std::task::Poll::Ready(save.as_mut().poll(context))).await;
        // Another thread carries on with it meanwhile.
        for _ in 0..generation % 100 * 50 {
            std::hint::spin_loop();
        }
        drop(save);
        store.save(&kept).await.unwrap();
        assert_eq!(stored(&store).await, Some(*kept.version()));
    }
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f65_a_connection_that_broke_unseen_is_replaced_within_a_call() {
    let server = Server::start();
    let name = Proxy::before(&server).await;
    let store = RedisStore::new(&name.url()).unwrap();
    store.save(&entry(1)).await.unwrap();
    for _ in 0..2 {
        name.stall();
        assert!(store.guard(&request(1, 7)).await.unwrap().is_written());
        name.stall();
        assert!(is_yes(&store.replace(Some(&version(1)), &entry(2)).await.unwrap()));
        name.stall();
        store.save(&entry(1)).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r64_an_emptied_server_is_written_again() {
    let server = Server::start();
    let store = store(&server);
    store.save(&entry(1)).await.unwrap();
    let guard = store.guard(&request(1, 7)).await.unwrap();
    server.tell(&["FLUSHALL"]);
    assert!(store.load().await.unwrap().is_none());
    assert!(instead(store.replace(Some(&version(1)), &entry(2)).await.unwrap()).is_none());
    assert!(is_yes(&store.replace(None, &entry(2)).await.unwrap()));
    assert_eq!(stored(&store).await, Some(version(2)));
    drop(guard);
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r62_scripts_that_were_flushed_are_loaded_again() {
    let server = Server::start();
    let store = store(&server);
    for generation in 0..3 {
        store.save(&entry(generation)).await.unwrap();
        server.tell(&["SCRIPT", "FLUSH"]);
        drop(store.guard(&request(generation, 7)).await.unwrap());
        server.tell(&["SCRIPT", "FLUSH"]);
        assert_eq!(stored(&store).await, Some(version(generation)));
        server.tell(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        server.tell(&["CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes"]);
    }
}

#[test]
#[ignore = "needs redis-server; scripts/test runs it"]
fn f31_a_store_outlives_the_runtimes_that_call_it() {
    let server = Server::start();
    // A connection that nobody drives would be waited for.
    let store = store(&server).timeout(10 * PATIENCE);
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (first, idle) = (runtime(), runtime());
    first.block_on(store.save(&entry(1))).unwrap();
    let guard = first.block_on(store.guard(&request(1, 7))).unwrap();
    drop(first);
    // It can't be given back any more, and does not panic. The lease would lapse.
    drop(guard);
    server.tell(&["DEL", &server.key("lease")]);

    let found = idle.block_on(store.load()).unwrap().unwrap();
    assert_eq!(*found.version(), version(1));
    // Nobody drives that one now.
    let load = async { tokio::time::timeout(PATIENCE, store.load()).await };
    let found = runtime().block_on(load).unwrap().unwrap().unwrap();
    assert_eq!(*found.version(), version(1));
    drop(idle);
}

#[test]
fn r07_a_call_without_a_runtime_is_an_error() {
    let store = RedisStore::new("redis://127.0.0.1:1/").unwrap();
    let mut load = Box::pin(store.load());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = load.as_mut().poll(&mut context) else { panic!("it waits") };
    assert!(error.to_string().contains("runtime"), "{error}");
}

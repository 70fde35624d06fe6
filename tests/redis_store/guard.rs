//! The guard: one at a time, and what it finds and writes.

use std::time::Duration;

use reauth::store::{CredentialStore, GuardError};

use crate::support::{
    Server, entry, found, instead, is_yes, member, request, store, stored, until, version, waiting,
    with_intent, with_member,
};

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r50_one_process_has_the_guard_and_the_others_are_told_who() {
    let server = Server::start();
    let (ours, theirs) = (store(&server), store(&server));
    let guard = ours.guard(&waiting(Duration::ZERO)).await.unwrap();
    assert!(guard.lease_left().unwrap() > Duration::from_secs(10));

    let Err(GuardError::Held(Some(holder))) = theirs.guard(&waiting(Duration::from_millis(300))).await else {
        panic!("there are two")
    };
    assert_eq!(holder.pid(), std::process::id());
    assert!(!holder.host().is_empty());

    drop(guard);
    theirs.guard(&waiting(Duration::from_secs(20))).await.unwrap();
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r53_the_guard_comes_with_the_entry_and_writes_the_open_exchange() {
    let server = Server::start();
    let (ours, theirs) = (store(&server), store(&server));
    ours.save(&entry(1)).await.unwrap();

    let guard = ours.guard(&request(1, 7)).await.unwrap();
    assert_eq!(found(&guard).unwrap().expose_text(), entry(1).expose_text());
    assert!(guard.is_written());
    let seen = theirs.load().await.unwrap().unwrap();
    assert_eq!(seen.open_exchange().unwrap().host(), "web-3");
    // There is room for the save.
    let fields: Vec<String> = server.ask(&["HKEYS", &server.key("entry")]);
    assert!(fields.contains(&"pad".to_owned()), "{fields:?}");

    assert!(is_yes(&ours.replace(Some(&version(1)), &entry(2)).await.unwrap()));
    let mut fields: Vec<String> = server.ask(&["HKEYS", &server.key("entry")]);
    fields.sort();
    assert_eq!(fields, ["text", "version"]);
    // The save has given the guard back.
    let next = theirs.guard(&waiting(Duration::ZERO)).await.unwrap();
    // What was given back already is not given back again.
    let calls = server.calls("evalsha");
    drop(guard);
    assert!(matches!(ours.guard(&waiting(Duration::ZERO)).await, Err(GuardError::Held(_))));
    assert_eq!(server.calls("evalsha"), calls + 1);
    drop(next);
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r51_the_open_exchange_of_another_is_not_overwritten() {
    let server = Server::start();
    let store = store(&server);
    store.save(&with_intent(&entry(1), 8)).await.unwrap();
    let guard = store.guard(&request(1, 7)).await.unwrap();
    assert!(!guard.is_written());
    assert_eq!(member(&found(&guard).unwrap(), "intent").unwrap()["id"], "0000000000000008");
    drop(guard);
    // One's own is.
    let guard = store.guard(&request(1, 8)).await.unwrap();
    assert!(guard.is_written());
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r55_the_note_that_the_refresh_token_was_refused_is_not_overwritten() {
    let server = Server::start();
    let store = store(&server);
    store.save(&with_member(&entry(1), "refused", "true")).await.unwrap();
    let guard = store.guard(&request(1, 7)).await.unwrap();
    assert!(!guard.is_written());
    assert!(member(&found(&guard).unwrap(), "refused").is_some());
    drop(guard);
    assert!(member(&store.load().await.unwrap().unwrap(), "refused").is_some());
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r51_another_version_is_not_overwritten() {
    let server = Server::start();
    let store = store(&server);
    assert!(!store.guard(&request(1, 7)).await.unwrap().is_written());
    assert_eq!(stored(&store).await, None);
    store.save(&entry(2)).await.unwrap();
    let guard = store.guard(&request(1, 7)).await.unwrap();
    assert!(!guard.is_written());
    assert_eq!(stored(&store).await, Some(version(2)));
    drop(guard);
    // What was to be written into an empty store is not written over something.
    let into_nothing = waiting(Duration::from_secs(20)).with_entry(None, entry(1));
    assert!(!store.guard(&into_nothing).await.unwrap().is_written());
    server.tell(&["FLUSHALL"]);
    assert!(store.guard(&into_nothing).await.unwrap().is_written());
    assert_eq!(stored(&store).await, Some(version(1)));
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r53_the_proof_is_written_over_what_a_person_wrote() {
    let server = Server::start();
    let store = store(&server);
    server.tell(&["HSET", &server.key("entry"), "text", r#"{"access_token":"by-hand"}"#]);
    let by_hand = store.load().await.unwrap().unwrap();
    let request =
        waiting(Duration::from_secs(20)).with_entry(Some(*by_hand.version()), with_intent(&by_hand, 7));
    let guard = store.guard(&request).await.unwrap();
    assert!(guard.is_written());
    assert!(store.load().await.unwrap().unwrap().open_exchange().is_some());
    assert!(is_yes(&store.replace(Some(by_hand.version()), &entry(1)).await.unwrap()));
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r54_a_note_keeps_the_guard_and_so_does_a_save_that_finds_another_version() {
    let server = Server::start();
    let (ours, theirs) = (store(&server), store(&server));
    ours.save(&entry(1)).await.unwrap();
    let guard = ours.guard(&request(1, 7)).await.unwrap();
    assert!(is_yes(&ours.replace(Some(&version(1)), &entry(1)).await.unwrap()));
    assert!(ours.load().await.unwrap().unwrap().open_exchange().is_none());
    assert!(matches!(theirs.guard(&waiting(Duration::ZERO)).await, Err(GuardError::Held(_))));
    theirs.save(&entry(3)).await.unwrap();
    assert!(instead(ours.replace(Some(&version(1)), &entry(2)).await.unwrap()).is_some());
    assert!(matches!(theirs.guard(&waiting(Duration::ZERO)).await, Err(GuardError::Held(_))));
    drop(guard);
    theirs.guard(&waiting(Duration::from_secs(20))).await.unwrap();
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r50_a_guard_future_that_is_dropped_at_any_await_leaves_the_guard_free() {
    let server = Server::start();
    let (ours, theirs) = (store(&server), store(&server));
    ours.save(&entry(1)).await.unwrap();
    for polls in (1..40).rev() {
        let request = request(1, 7);
        let mut guard = Box::pin(ours.guard(&request));
        let mut has_guard = false;
        for _ in 0..polls {
            has_guard = has_guard || is_ready(&mut guard).await;
            tokio::task::yield_now().await;
        }
        drop(guard);
        if has_guard {
            // Its exchange stays open, as that of a process that has ended.
            ours.save(&entry(1)).await.unwrap();
        }
    }
    let guard = theirs.guard(&waiting(Duration::from_secs(20))).await.unwrap();
    // No exchange is open: nobody was told to begin one.
    drop(guard);
    until("the note of the last one is taken back", async || {
        theirs.load().await.unwrap().unwrap().open_exchange().is_none().then_some(())
    })
    .await;
    assert_eq!(stored(&theirs).await, Some(version(1)));
    assert!(!server.ask::<bool>(&["EXISTS", &server.key("lease")]));
}

/// Polls a future once.
async fn is_ready<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_ready())
    })
    .await
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r50_a_guard_future_that_is_dropped_while_it_waits_does_not_take_it_later() {
    let server = Server::start();
    let (ours, theirs) = (store(&server), store(&server));
    let held = ours.guard(&waiting(Duration::ZERO)).await.unwrap();
    let request = waiting(Duration::from_secs(600));
    let waits = tokio::time::timeout(Duration::from_millis(300), theirs.guard(&request)).await;
    assert!(waits.is_err());
    drop(held);
    ours.guard(&waiting(Duration::from_secs(20))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f56_stores_that_take_turns_lose_no_turn() {
    let server = Server::start();
    store(&server).save(&entry(0)).await.unwrap();
    let workers: Vec<_> = (1..=8)
        .map(|worker| {
            let store = store(&server);
            tokio::spawn(async move {
                for _ in 0..10 {
                    let guard = store.guard(&waiting(Duration::from_secs(50))).await.unwrap();
                    let now = found(&guard).unwrap();
                    let text = now.version().to_string();
                    let generation: u64 = text.split('-').nth(2).unwrap().parse().unwrap();
                    let next = crate::support::entry_by(generation + 1, worker);
                    assert!(is_yes(&store.replace(Some(now.version()), &next).await.unwrap()));
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let last = store(&server).load().await.unwrap().unwrap();
    assert!(last.version().to_string().contains("-80-"), "{last:?}");
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r55_the_note_of_a_refusal_is_not_written_over_by_an_exchange() {
    let server = Server::start();
    let store = store(&server);
    store.save(&with_member(&entry(1), "refused", "true")).await.unwrap();
    let guard = store.guard(&request(1, 7)).await.unwrap();
    assert!(!guard.is_written());
    assert_eq!(member(&found(&guard).unwrap(), "refused"), Some(true.into()));
}

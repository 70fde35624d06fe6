//! `changed`, and those who wait for the guard.

use std::time::Duration;

use reauth::store::CredentialStore;
use tokio::time::timeout;

use crate::support::{PATIENCE, Server, entry, is_yes, store, until, version, waiting};

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f63_a_change_is_seen_at_once_and_none_is_waited_for() {
    let server = Server::start();
    let (ours, theirs) = (store(&server), store(&server));
    timeout(PATIENCE, theirs.changed(Some(&version(1)))).await.unwrap();
    assert!(timeout(Duration::from_millis(500), theirs.changed(None)).await.is_err());
    let first = entry(1);
    let (change, saved) = tokio::join!(timeout(PATIENCE, theirs.changed(None)), ours.save(&first));
    change.unwrap();
    saved.unwrap();
    let (seen, second) = (version(1), entry(2));
    let change = timeout(PATIENCE, theirs.changed(Some(&seen)));
    let (change, replaced) = tokio::join!(change, ours.replace(Some(&seen), &second));
    change.unwrap();
    assert!(is_yes(&replaced.unwrap()));
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r59_what_is_published_ends_a_wait() {
    let server = Server::start();
    let (ours, theirs) = (store(&server), store(&server));
    ours.save(&entry(1)).await.unwrap();
    let seen = version(1);
    let mut change = Box::pin(theirs.changed(Some(&seen)));
    // Polls are a second apart by now.
    assert!(timeout(Duration::from_secs(4), &mut change).await.is_err());
    let (_, subscribers): (String, i64) = server.ask(&["PUBSUB", "NUMSUB", &server.key("changed")]);
    assert_eq!(subscribers, 2);
    let reads = server.calls("evalsha");
    server.tell(&["PUBLISH", &server.key("changed"), "anything"]);
    // It looks again because of that, and goes on waiting: nothing has changed.
    assert!(timeout(Duration::from_millis(300), &mut change).await.is_err());
    assert!(server.calls("evalsha") > reads);
    ours.save(&entry(2)).await.unwrap();
    timeout(PATIENCE, change).await.unwrap();
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r59_each_write_and_each_guard_that_is_given_back_is_published() {
    let server = Server::start();
    let store = store(&server);
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut subscription = connection.as_pubsub();
    subscription.subscribe(server.key("changed")).unwrap();
    let mut published = || subscription.get_message().unwrap().get_payload::<String>().unwrap();

    store.save(&entry(1)).await.unwrap();
    assert_eq!(published(), version(1).to_string());
    assert!(is_yes(&store.replace(Some(&version(1)), &entry(2)).await.unwrap()));
    assert_eq!(published(), version(2).to_string());
    drop(store.guard(&waiting(Duration::ZERO)).await.unwrap());
    until("the guard is given back", async || {
        (!server.ask::<bool>(&["EXISTS", &server.key("lease")])).then_some(())
    })
    .await;
    assert_eq!(published(), "");
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r59_without_a_subscription_polling_finds_the_change() {
    let server = Server::start();
    server.tell(&["ACL", "SETUSER", "default", "resetchannels"]);
    let (ours, theirs) = (store(&server), store(&server));
    let (change, saved) = tokio::join!(timeout(PATIENCE, theirs.changed(None)), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        ours.save(&entry(1)).await
    });
    change.unwrap();
    saved.unwrap();
    // Nobody is told that the guard is free either.
    let guard = ours.guard(&waiting(Duration::ZERO)).await.unwrap();
    let request = waiting(PATIENCE);
    let next = theirs.guard(&request);
    let (next, ()) = tokio::join!(next, async { drop(guard) });
    next.unwrap();
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r59_a_subscription_that_was_cut_is_made_again() {
    let server = Server::start();
    let (ours, theirs) = (store(&server), store(&server));
    ours.save(&entry(1)).await.unwrap();
    let seen = version(1);
    let mut change = Box::pin(theirs.changed(Some(&seen)));
    assert!(timeout(Duration::from_millis(300), &mut change).await.is_err());
    server.tell(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    server.tell(&["CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes"]);
    assert!(timeout(Duration::from_millis(1_500), &mut change).await.is_err());
    let (_, subscribers): (String, i64) = server.ask(&["PUBSUB", "NUMSUB", &server.key("changed")]);
    assert_eq!(subscribers, 1);
    ours.save(&entry(2)).await.unwrap();
    timeout(PATIENCE, change).await.unwrap();
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f63_two_hundred_waiters_all_see_one_save() {
    let server = Server::start();
    let ours = store(&server);
    ours.save(&entry(1)).await.unwrap();
    let waiters: Vec<_> = (0..200)
        .map(|_| {
            let store = store(&server);
            tokio::spawn(async move { store.changed(Some(&version(1))).await })
        })
        .collect();
    let subscribed = async || {
        let (_, count): (String, i64) = server.ask(&["PUBSUB", "NUMSUB", &server.key("changed")]);
        (count >= 200).then_some(())
    };
    until("all wait", subscribed).await;
    ours.replace(Some(&version(1)), &entry(2)).await.unwrap();
    for waiter in waiters {
        timeout(PATIENCE, waiter).await.unwrap().unwrap();
    }
}

//! `load`, `save` and `replace`.

use reauth::store::{CredentialStore, Entry, RedisStore};

use crate::support::{
    Server, entry, entry_by, instead, is_yes, member, store, stored, version, with_intent, with_member,
};

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r62_what_is_saved_is_loaded_by_another_process() {
    let server = Server::start();
    let (ours, theirs) = (store(&server), store(&server));
    assert!(theirs.load().await.unwrap().is_none());

    let saved = with_intent(&with_member(&entry(1), "unknown", "[1,{}]"), 7);
    ours.save(&saved).await.unwrap();

    let loaded = theirs.load().await.unwrap().unwrap();
    assert_eq!(loaded.expose_text(), saved.expose_text());
    assert_eq!(loaded.version(), saved.version());
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r52_only_what_was_read_is_replaced() {
    let server = Server::start();
    let store = store(&server);
    // Nothing is there.
    assert!(instead(store.replace(Some(&version(1)), &entry(2)).await.unwrap()).is_none());
    assert!(is_yes(&store.replace(None, &entry(1)).await.unwrap()));
    // Something is there.
    let found = instead(store.replace(None, &entry(2)).await.unwrap()).unwrap();
    assert_eq!(*found.version(), version(1));
    // It is another one: also if the writer alone differs.
    let found = instead(store.replace(Some(entry_by(1, 9).version()), &entry(2)).await.unwrap()).unwrap();
    assert_eq!(found.expose_text(), entry(1).expose_text());

    assert!(is_yes(&store.replace(Some(&version(1)), &entry(2)).await.unwrap()));
    assert_eq!(stored(&store).await, Some(version(2)));
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r62_a_replace_whose_reply_was_lost_is_repeated_without_harm() {
    let server = Server::start();
    let store = store(&server);
    store.save(&entry(1)).await.unwrap();
    store.replace(Some(&version(1)), &entry(2)).await.unwrap();
    // Another process has left a note since. It stays.
    store.save(&with_intent(&entry(2), 9)).await.unwrap();

    assert!(is_yes(&store.replace(Some(&version(1)), &entry(2)).await.unwrap()));
    assert!(is_yes(&store.replace(None, &entry(2)).await.unwrap()));
    assert!(member(&store.load().await.unwrap().unwrap(), "intent").is_some());
    // A note of ours replaces it.
    assert!(is_yes(&store.replace(Some(&version(2)), &entry(2)).await.unwrap()));
    assert!(member(&store.load().await.unwrap().unwrap(), "intent").is_none());
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r17_a_log_out_is_an_entry() {
    let server = Server::start();
    let store = store(&server);
    store.save(&entry(1)).await.unwrap();
    let log_out =
        Entry::from_text(r#"{"logged_out":true,"version":"2-00000000000000bb-0-0000000000000001"}"#).unwrap();
    store.save(&log_out).await.unwrap();
    assert!(store.load().await.unwrap().unwrap().is_logged_out());
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r62_profiles_and_prefixes_are_apart() {
    let server = Server::start();
    let stores = [
        store(&server),
        store(&server).profile("other"),
        store(&server).prefix("other"),
        RedisStore::new(&format!("{}3", server.url())).unwrap(),
    ];
    for (generation, store) in (1..).zip(&stores) {
        assert!(store.load().await.unwrap().is_none());
        store.save(&entry(generation)).await.unwrap();
    }
    for (generation, store) in (1..).zip(&stores) {
        assert_eq!(stored(store).await, Some(version(generation)));
    }
    assert!(format!("{:?}", stores[1]).contains("{reauth:other}:entry"), "{:?}", stores[1]);
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f105_the_entry_never_expires_by_itself() {
    let server = Server::start();
    let store = store(&server);
    let key = server.key("entry");
    store.save(&entry(1)).await.unwrap();
    assert_eq!(server.ask::<i64>(&["TTL", &key]), -1);
    // Somebody gives it one: the next write ends it.
    server.tell(&["EXPIRE", &key, "1000"]);
    store.replace(Some(&version(1)), &entry(2)).await.unwrap();
    assert_eq!(server.ask::<i64>(&["TTL", &key]), -1);
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f88_an_entry_that_a_person_wrote_can_be_replaced() {
    let server = Server::start();
    let store = store(&server);
    let key = server.key("entry");
    server.tell(&["HSET", &key, "text", r#"{"access_token":"by-hand"}"#]);
    let found = store.load().await.unwrap().unwrap();
    assert!(is_yes(&store.replace(Some(found.version()), &entry(1)).await.unwrap()));
    // The text alone was changed: the version beside it is not that of the text any more.
    server.tell(&["HSET", &key, "text", r#"{"access_token":"by-hand-again"}"#]);
    let found = instead(store.replace(Some(&version(1)), &entry(2)).await.unwrap()).unwrap();
    assert_eq!(found.credentials().unwrap().access_token(), "by-hand-again");
    assert!(is_yes(&store.replace(Some(found.version()), &entry(2)).await.unwrap()));
    assert_eq!(stored(&store).await, Some(version(2)));
}

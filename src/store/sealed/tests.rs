//! What the store below sees, and what the wrapper makes of it.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use std::time::{Duration, SystemTime};

use super::*;
use crate::credentials::Credentials;
use crate::error::ErrorKind;
use crate::store::{Holder, Intent, MemoryStore};

const FULL: &str = r#"{"access_token":"the-access-token","refresh_token":"the-refresh-token","expires_at":1790000000,"fields":{"id_token":"the-id-token"},
    "version":"3-0000000000c0ffee-17-0000000000000007","note":"the-note","refused":true,
    "intent":{"id":"00000000000000ff","pid":4711,"host":"web-3","since":1789999990}}"#;
/// Each secret of it.
const SECRETS: [&str; 4] = ["the-access-token", "the-refresh-token", "the-id-token", "the-note"];

fn key(id: &str) -> Key {
    Key::new(id, [id.len().try_into().unwrap(); 32]).unwrap()
}

fn full() -> Entry {
    Entry::from_text(FULL).unwrap()
}

fn entry(generation: u64) -> Entry {
    let version = Version { sequence: 1, login: 1, generation, write: generation };
    Entry::of(version, Content::Credentials(Credentials::new(format!("at-{generation}")).unwrap()))
}

/// What the store below holds, as text.
async fn stored(store: &MemoryStore) -> String {
    store.load().await.unwrap().map(|entry| entry.expose_text().to_string()).unwrap()
}

fn access_token(found: &Option<Entry>) -> &str {
    found.as_ref().unwrap().credentials().unwrap().access_token()
}

#[tokio::test]
async fn r63_the_store_below_sees_no_secret_and_all_comes_back() {
    let below = MemoryStore::new();
    let store = Sealed::new(below.clone(), key("2026"));
    store.save(&full()).await.unwrap();
    let text = stored(&below).await;
    for secret in SECRETS {
        assert!(!text.contains(secret), "{text}");
    }
    // What the store and its scripts need is readable.
    for part in [
        r#""sealed":"v1.2026."#,
        r#""version":"3-0000000000c0ffee-17-0000000000000007""#,
        r#""id":"00000000000000ff""#,
        r#""refused":true"#,
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let found = store.load().await.unwrap().unwrap();
    assert_eq!(*found.expose_text(), *full().expose_text());
    // Nor does `Debug` show a token.
    let shown = format!("{store:?} {found:?}");
    assert!(!shown.contains("-token\"") && !shown.contains("the-note"), "{shown}");
}

#[tokio::test]
async fn f102_two_keys_read_and_the_first_one_writes() {
    let below = MemoryStore::new();
    Sealed::new(below.clone(), key("2025")).save(&entry(1)).await.unwrap();
    let store = Sealed::new(below.clone(), Keys::new(key("26")).with_older(key("2025")));
    assert_eq!(access_token(&store.load().await.unwrap()), "at-1");
    store.replace(Some(entry(1).version()), &entry(2)).await.unwrap();
    assert!(stored(&below).await.contains("v1.26."));
    assert_eq!(access_token(&Sealed::new(below, key("26")).load().await.unwrap()), "at-2");
}

#[tokio::test]
async fn f102_what_is_sealed_with_an_unknown_key_is_an_error_everywhere_and_is_kept() {
    let below = MemoryStore::new();
    Sealed::new(below.clone(), key("2025")).save(&entry(1)).await.unwrap();
    let before = stored(&below).await;
    let store = Sealed::new(below.clone(), key("26"));
    let errors = [
        store.load().await.unwrap_err(),
        store.replace(None, &entry(2)).await.unwrap_err(),
        guard_error(&store, request(None, Some(entry(2)))).await,
        guard_error(&store, request(None, None)).await,
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Store);
        assert!(error.to_string().contains("`2025`"), "{error}");
    }
    assert_eq!(stored(&below).await, before);
    // The guard was given back each time.
    assert!(below.guard(&request(None, None)).await.is_ok());
}

#[tokio::test]
async fn r63_what_belongs_to_another_profile_or_was_changed_is_kept() {
    let below = MemoryStore::new();
    Sealed::new(below.clone(), key("2026")).profile("work").save(&full()).await.unwrap();
    let store = Sealed::new(below.clone(), key("2026")).profile("home");
    let before = stored(&below).await;
    assert_eq!(store.load().await.unwrap_err().kind(), ErrorKind::Store);
    assert!(store.replace(None, &entry(1)).await.is_err());
    assert_eq!(stored(&below).await, before);
    // Sealed credentials under the version of others.
    let moved = before.replace("c0ffee-17", "c0ffee-18");
    below.save(&Entry::from_text(&moved).unwrap()).await.unwrap();
    assert!(store.profile("work").load().await.is_err());
}

#[tokio::test]
async fn r52_compare_and_set_and_a_log_out_work_through_the_seal() {
    let below = MemoryStore::new();
    let store = Sealed::new(below.clone(), key("2026"));
    assert!(matches!(store.replace(None, &entry(1)).await.unwrap(), Replaced::Yes));
    let Replaced::No(found) = store.replace(None, &entry(2)).await.unwrap() else { unreachable!("written") };
    assert_eq!(access_token(&found), "at-1");
    assert!(matches!(store.replace(Some(entry(1).version()), &entry(2)).await.unwrap(), Replaced::Yes));
    let tombstone = Entry::of(entry(2).version().next_login([5, 5]), Content::LoggedOut);
    assert!(matches!(store.replace(Some(entry(2).version()), &tombstone).await.unwrap(), Replaced::Yes));
    assert_eq!(stored(&below).await, *tombstone.expose_text());
    assert!(store.load().await.unwrap().unwrap().is_logged_out());
}

#[tokio::test]
async fn r53_the_proof_of_a_guard_is_written_sealed_and_what_was_found_is_opened() {
    // Over a refresh token that was refused, nothing is written.
    let good = || Entry::from_text(&FULL.replace(r#","refused":true"#, "")).unwrap();
    let below = MemoryStore::new();
    let store = Sealed::new(below.clone(), key("2026"));
    store.save(&good().with_intent(None)).await.unwrap();
    let expected = *good().version();
    let guard = store.guard(&request(Some(expected), Some(good()))).await.unwrap();
    assert!(guard.is_written && guard.cannot_lapse);
    let found = guard.found.clone().unwrap().unwrap();
    assert_eq!(*found.expose_text(), *good().with_intent(None).expose_text());
    // Another one waits: the guard is that of the store below.
    assert!(matches!(below.guard(&request(None, None)).await, Err(GuardError::Held(None))));
    drop(guard);
    let text = stored(&below).await;
    assert!(SECRETS.iter().all(|secret| !text.contains(secret)) && text.contains("\"intent\""), "{text}");
    let guard = store.guard(&request(None, Some(entry(1)))).await.unwrap();
    assert!(!guard.is_written);
    assert_eq!(*guard.found.clone().unwrap().unwrap().expose_text(), *good().expose_text());
}

#[tokio::test]
async fn r63_an_entry_from_before_is_read_and_the_next_write_seals_it() {
    let below = MemoryStore::new();
    below.save(&full()).await.unwrap();
    let store = Sealed::new(below.clone(), key("2026"));
    let found = store.load().await.unwrap().unwrap();
    assert_eq!(*found.expose_text(), *full().expose_text());
    assert_eq!(
        store.clone().sealed_only().load().await.unwrap_err().kind(),
        ErrorKind::Store,
        "not if only sealed ones are wanted"
    );
    let next = found.successor(*entry(1).version(), Credentials::new("at-2").unwrap());
    store.replace(Some(found.version()), &next).await.unwrap();
    let text = stored(&below).await;
    assert!(!text.contains("the-note") && !text.contains("at-2"), "{text}");
    assert!(store.sealed_only().load().await.unwrap().unwrap().expose_text().contains("the-note"));
}

#[tokio::test]
async fn f89_a_member_that_was_added_beside_the_seal_is_kept() {
    let below = MemoryStore::new();
    let store = Sealed::new(below.clone(), key("2026"));
    store.save(&full()).await.unwrap();
    let text = stored(&below).await.replacen('{', r#"{"note":"forged","added":[1, 2],"#, 1);
    below.save(&Entry::from_text(&text).unwrap()).await.unwrap();
    let found = store.load().await.unwrap().unwrap().expose_text().to_string();
    assert!(found.contains(r#""added":[1, 2]"#) && found.contains("the-note"), "{found}");
    assert!(!found.contains("forged"), "{found}");
}

#[tokio::test]
async fn r63_a_seal_around_a_seal_opens_from_the_outside_in() {
    let below = MemoryStore::new();
    let inner = Sealed::new(below.clone(), key("inner"));
    let store = Sealed::new(inner.clone(), key("outer-1"));
    store.save(&full()).await.unwrap();
    assert!(inner.load().await.unwrap().unwrap().credentials().is_none());
    assert_eq!(*store.load().await.unwrap().unwrap().expose_text(), *full().expose_text());
}

fn request(expected: Option<Version>, entry: Option<Entry>) -> GuardRequest {
    let holder = Holder::this_process(SystemTime::now());
    let intent = Intent { id: 0xff, holder: holder.clone() };
    let entry = entry.map(|entry| match entry.intent() {
        Some(_) => entry,
        None => entry.with_intent(Some(intent)),
    });
    let limit = Duration::from_millis(1);
    GuardRequest { limit, call_limit: limit, holder, proof: entry.map(|entry| (expected, entry)) }
}

async fn guard_error(store: &impl CredentialStore, request: GuardRequest) -> Error {
    match store.guard(&request).await {
        Err(GuardError::Unreachable(error)) => error,
        other => unreachable!("{other:?}"),
    }
}

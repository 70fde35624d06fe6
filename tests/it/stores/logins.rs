//! A log-out in another process, and a log-in after it, perhaps of another user.

use std::pin::pin;

use reauth::store::{CredentialStore, Entry, MemoryStore};
use reauth::{Authenticator, Credentials, Error, ErrorKind};
use tokio::time::Instant;

use super::failing::Failing;
use super::{kept, tokens, with_store};
use crate::authenticator::{at_once, millis, quiet, seconds, token, until, waiting};
use crate::support::revoker::{Revoker, next as next_of};
use crate::support::source::{Asked, Respond, Script, credentials};

fn good(n: u32) -> Credentials {
    credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300))
}

fn process(script: &Script, store: &MemoryStore) -> Authenticator {
    with_store(script.clone(), store.clone()).0
}

/// Two processes that have `at-1`.
async fn two(script: &Script) -> (Authenticator, Authenticator, MemoryStore) {
    let store = MemoryStore::new();
    let (one, other) = (process(script, &store), process(&Script::new(), &store));
    one.set_credentials(good(1)).await.unwrap();
    assert_eq!(token(&other).await.unwrap(), "at-1");
    (one, other, store)
}

async fn change_user(other: &Authenticator) {
    other.log_out().await.unwrap();
    other.set_credentials(good(7)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn r44_r59_a_request_of_the_user_before_gets_no_token_of_the_user_after() {
    let (one, other, _) = two(&Script::new().without_login()).await;
    let used = one.credentials().await.unwrap();
    change_user(&other).await;
    assert_eq!(one.reject(&used).await.unwrap_err().kind(), ErrorKind::LoginRequired);
    assert_eq!(token(&one).await.unwrap(), "at-7");
    assert_eq!(one.reject(&used).await.unwrap_err().kind(), ErrorKind::LoginRequired);
}

#[tokio::test(start_paused = true)]
async fn r17_r59_what_a_refresh_of_the_user_before_brings_is_revoked() {
    let script = Script::new().without_login();
    let response = script.then_when();
    let store = MemoryStore::new();
    let (revoker, mut revoked) = Revoker::new(script.clone());
    let (one, _) = with_store(revoker, store.clone());
    let other = process(&Script::new(), &store);
    one.set_credentials(good(1)).await.unwrap();
    let refreshing = tokio::spawn({
        let one = one.clone();
        async move { one.refresh().await }
    });
    until(|| script.requests() == 1).await;
    change_user(&other).await;
    response.send(Ok(good(2))).unwrap();
    assert_eq!(refreshing.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    next_of(&mut revoked, "rt-2").await.done();
    assert_eq!(kept(&store).await, tokens("at-7", "rt-7"));
    assert_eq!(token(&one).await.unwrap(), "at-7");
}

#[tokio::test(start_paused = true)]
async fn r52_a_token_in_doubt_of_the_user_before_is_not_tried_for_the_user_after() {
    let script = Script::new().without_login();
    script.push(Respond::Now(Err(Error::transient("lost"))));
    script.push(Respond::Now(Err(Error::transient("lost"))));
    let (one, other, store) = two(&script).await;
    one.refresh().await.unwrap_err();
    change_user(&other).await;
    tokio::time::sleep(seconds(2)).await;
    one.refresh().await.unwrap_err();
    script.push(Respond::Now(Err(Error::login_required("revoked"))));
    let sent = script.requests();
    one.refresh().await.unwrap_err();
    quiet().await;
    assert_eq!(script.asked()[sent..], [Asked::Refresh("rt-7".into())]);
    assert_eq!(kept(&store).await, tokens("at-7", "rt-7"));
}

#[tokio::test(start_paused = true)]
async fn r64_after_a_fork_ours_is_tried_when_the_stored_one_is_refused() {
    let store = MemoryStore::new();
    let script = Script::new().without_login().then_ok(good(2));
    let one = process(&script, &store);
    one.set_credentials(good(1)).await.unwrap();
    one.refresh().await.unwrap();
    // A failover has brought what another writer saved in the same turn.
    let stored = store.load().await.unwrap().unwrap();
    let version = stored.version().to_string();
    let (turn, _) = version.rsplit_once('-').unwrap();
    let forked = Entry::new(good(5)).expose_text();
    let forked = forked[..forked.find(r#","version""#).unwrap()].to_owned();
    let forked = Entry::from_text(&format!(r#"{forked},"version":"{turn}-ff"}}"#)).unwrap();
    store.save(&forked).await.unwrap();
    script.push(Respond::Now(Err(Error::login_required("revoked"))));
    script.push(Respond::Now(Ok(good(3))));
    assert_eq!(one.refresh().await.unwrap().access_token(), "at-3");
    assert_eq!(script.asked()[1..], [Asked::Refresh("rt-5".into()), Asked::Refresh("rt-2".into())]);
}

#[tokio::test(start_paused = true)]
async fn r17_a_log_out_ends_the_wait_of_a_flight_for_the_provider() {
    let store = MemoryStore::new();
    let script = Script::new();
    script.push(Respond::Now(Err(Error::transient("busy").not_processed().with_retry_after(seconds(20)))));
    let auth = process(&script, &store);
    let caller = waiting(&auth).await;
    until(|| script.requests() == 1).await;
    at_once(pin!(auth.log_out())).await.expect("at once").unwrap();
    caller.await.unwrap().unwrap_err();
    script.push(Respond::Now(Ok(good(1))));
    let begun = Instant::now();
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    assert!(begun.elapsed() < millis(500), "{:?}", begun.elapsed());
}

/// A refresh of a user whose result can't be saved, until another process has done this.
async fn unsaved_until(others: impl AsyncFnOnce(&Authenticator)) -> (Authenticator, Failing) {
    let store = Failing::default();
    let script = Script::new().without_login();
    let response = script.then_when();
    let (revoker, mut revoked) = Revoker::new(script.clone());
    let (one, _) = with_store(revoker, store.clone());
    let other = process(&Script::new(), &store.kept);
    one.set_credentials(good(1)).await.unwrap();
    let refreshing = tokio::spawn({
        let one = one.clone();
        async move { one.refresh().await }
    });
    until(|| script.requests() == 1).await;
    store.saves_fail(true);
    response.send(Ok(good(2))).unwrap();
    assert_eq!(refreshing.await.unwrap().unwrap().access_token(), "at-2", "it is used all the same");
    others(&other).await;
    store.saves_fail(false);
    next_of(&mut revoked, "rt-2").await.done();
    quiet().await;
    (one, store)
}

#[tokio::test(start_paused = true)]
async fn r54_r59_an_unsaved_rotation_that_meets_a_log_out_is_revoked() {
    let (one, store) = unsaved_until(async |other| other.log_out().await.unwrap()).await;
    assert_eq!(token(&one).await.unwrap_err().kind(), ErrorKind::LoginRequired);
    assert_eq!(kept(&store).await, None);
}

#[tokio::test(start_paused = true)]
async fn r59_f86_an_unsaved_rotation_of_the_user_before_is_revoked() {
    let (one, store) = unsaved_until(async |other| change_user(other).await).await;
    assert_eq!(token(&one).await.unwrap(), "at-7");
    assert_eq!(kept(&store).await, tokens("at-7", "rt-7"));
}

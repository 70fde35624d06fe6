//! What another process put into the store is adopted, if it is newer than what is held.

use reauth::store::{CredentialStore, Entry, MemoryStore};
use reauth::{Credentials, Error, ErrorKind};
use tokio::time::advance;

use super::gated::{Call, Gated, allow, next};
use super::with_store;
use crate::authenticator::{millis, token, waiting};
use crate::support::source::{Asked, Respond, Script, credentials};

fn refresh(token: &str) -> Asked {
    Asked::Refresh(token.to_owned())
}

fn good(access: &str, refresh: &str) -> Credentials {
    credentials(access, Some(refresh), Some(300))
}

fn expired(access: &str, refresh: &str) -> Credentials {
    credentials(access, Some(refresh), None).with_expires_at(std::time::SystemTime::UNIX_EPOCH)
}

async fn storing(credentials: &Credentials) -> MemoryStore {
    let store = MemoryStore::new();
    store.save(&Entry::new(credentials.clone())).await.unwrap();
    store
}

#[tokio::test(start_paused = true)]
async fn r15_the_store_comes_before_what_the_source_was_built_with() {
    let script = Script::new().holding(good("built-in", "rt-0"));
    let (auth, _) = with_store(script.clone(), storing(&good("stored", "rt")).await);
    assert_eq!(token(&auth).await.unwrap(), "stored");
    assert_eq!(script.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn r15_what_the_source_was_built_with_is_tried_when_the_stored_one_is_refused() {
    let script = Script::new().without_login().holding(good("built-in", "rt-0"));
    script.push(Respond::Now(Err(Error::login_required("revoked"))));
    let (auth, _) = with_store(script.clone(), storing(&expired("stored", "rt-old")).await);
    assert_eq!(token(&auth).await.unwrap(), "built-in");
    assert_eq!(script.asked(), [refresh("rt-old")]);
}

#[tokio::test(start_paused = true)]
async fn f12_a_store_changed_while_the_refresh_was_under_way_is_read_again() {
    let (store, mut calls) = Gated::new();
    let others = store.kept.clone();
    others.save(&Entry::new(expired("at-1", "rt-1"))).await.unwrap();
    let script = Script::new().without_login();
    let response = script.then_when();
    let (auth, _) = with_store(script.clone(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    crate::authenticator::until(|| script.requests() == 1).await;
    // Another replica was faster with the same refresh token.
    others.save(&Entry::new(good("at-2", "rt-2"))).await.unwrap();
    response.send(Err(Error::login_required("rotated"))).unwrap();
    allow(&mut calls, Call::Load).await;
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-2");
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r15_a_store_that_cannot_be_read_does_not_send_the_user_to_the_log_in_page() {
    let (store, mut calls) = Gated::new();
    let (auth, recorder) = with_store(Script::new().without_login(), store);
    let caller = waiting(&auth).await;
    next(&mut calls, Call::Load).await.fail();
    assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(recorder.take()[1], "store failed: the test says no");
    // When the store can be read again, the error is the right one.
    advance(millis(200)).await;
    let caller = waiting(&auth).await;
    next(&mut calls, Call::Load).await.go();
    assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
}

#[tokio::test(start_paused = true)]
async fn r15_two_authenticators_with_one_store_share_a_log_in() {
    let store = MemoryStore::new();
    let (first, _) = with_store(Script::new().then_ok(good("at-1", "rt-1")), store.clone());
    token(&first).await.unwrap();
    let script = Script::new();
    let (second, _) = with_store(script.clone(), store);
    assert_eq!(token(&second).await.unwrap(), "at-1");
    assert_eq!(script.requests(), 0);
}

/// A program that had the token from elsewhere rejects it before the store is read.
#[tokio::test(start_paused = true)]
async fn r24_what_the_source_was_built_with_is_not_given_to_the_caller_that_rejected_it() {
    let found = [(good("at-1", "rt-1"), "rt-1", true), (expired("at-0", "rt-0"), "rt-0", false)];
    for (found, renewed, comes_back) in found {
        let store = MemoryStore::new();
        store.save(&Entry::new(found.clone())).await.unwrap();
        let script = Script::new().without_login().holding(good("at-1", "rt-1"));
        script.push(Respond::Now(Err(Error::misconfigured("no such client"))));
        let (auth, _) = with_store(script.clone(), store);
        let given = auth.reject(&good("at-1", "rt-1")).await;
        assert_eq!(given.unwrap_err().kind(), ErrorKind::Misconfigured);
        assert_eq!(script.asked(), [refresh(renewed)]);
        // For others it is back in use, if it is the one that is held.
        assert_eq!(token(&auth).await.ok().as_deref(), comes_back.then_some("at-1"));
    }
}

#[tokio::test(start_paused = true)]
async fn r24_a_token_that_was_reported_before_it_was_read_is_not_taken_from_the_store() {
    let script = Script::new().then_ok(good("at-2", "rt-2"));
    let (auth, _recorder) = with_store(script.clone(), storing(&good("at-1", "rt-1")).await);
    // Another process holds the token. The first call here reports that a server rejected it.
    assert_eq!(auth.reject(&good("at-1", "rt-1")).await.unwrap().access_token(), "at-2");
    assert_eq!(script.asked(), [refresh("rt-1")]);
}

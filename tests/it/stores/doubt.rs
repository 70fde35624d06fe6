//! A refresh token may be spent: the store is read before the token is sent again.

use std::time::SystemTime;

use reauth::store::{CredentialStore, Entry};
use reauth::{Credentials, Error};
use tokio::time::Instant;

use super::gated::{Call, Gated, allow, next, save};
use super::with_store;
use crate::authenticator::{seconds, waiting};
use crate::support::source::{Asked, Respond, Script, credentials};

fn lost() -> Error {
    Error::transient("the connection broke before the response was complete")
}

fn refresh(token: &str) -> Asked {
    Asked::Refresh(token.to_owned())
}

fn good(access: &str, refresh: &str) -> Credentials {
    credentials(access, Some(refresh), Some(300))
}

/// A source that can only refresh, and a store that holds at-1 and rt-1, expired.
async fn expired() -> (Script, Gated, super::gated::Calls) {
    let (store, calls) = Gated::new();
    let held = credentials("at-1", Some("rt-1"), None).with_expires_at(SystemTime::UNIX_EPOCH);
    store.kept.save(&Entry::new(held.clone())).await.unwrap();
    (Script::new().without_login(), store, calls)
}

#[tokio::test(start_paused = true)]
async fn r14_the_repetition_waits_as_long_as_the_server_asked() {
    let (script, store, mut calls) = expired().await;
    script.push(Respond::Now(Err(lost().with_retry_after(seconds(3)))));
    script.push(Respond::Now(Ok(good("at-2", "rt-2"))));
    let (auth, _) = with_store(script.clone(), store);
    let begun = Instant::now();
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    allow(&mut calls, Call::Load).await;
    allow(&mut calls, save("at-2")).await;
    caller.await.unwrap().unwrap();
    assert!(begun.elapsed() >= seconds(3), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn r14_another_access_token_beside_the_same_refresh_token_does_not_end_the_doubt() {
    let (script, store, mut calls) = expired().await;
    script.push(Respond::Now(Err(lost())));
    for _ in 0..3 {
        script.push(Respond::Now(Err(lost())));
    }
    let others = store.kept.clone();
    let (auth, _) = with_store(script.clone(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    let look = next(&mut calls, Call::Load).await;
    let expired = credentials("at-0", Some("rt-1"), None).with_expires_at(SystemTime::UNIX_EPOCH);
    others.save(&Entry::new(expired.clone())).await.unwrap();
    look.go();
    caller.await.unwrap().unwrap_err();
    assert_eq!(script.asked(), [refresh("rt-1"), refresh("rt-1")], "once more, and no more");
}

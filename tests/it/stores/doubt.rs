//! A refresh token that may be spent: the store is read before it is tried again.

use std::pin::pin;
use std::time::SystemTime;

use reauth::store::CredentialStore;
use reauth::{Credentials, Error};
use tokio::time::{Instant, advance};

use super::gated::{Call, Gated, allow, next, save};
use super::with_store;
use crate::authenticator::{at_once, millis, seconds, until, waiting};
use crate::support::source::{Answer, Asked, Script, credentials};

fn lost() -> Error {
    Error::transient("the connection broke before the answer was complete")
}

fn refresh(token: &str) -> Asked {
    Asked::Refresh(token.to_owned())
}

fn good(access: &str, refresh: &str) -> Credentials {
    credentials(access, Some(refresh), Some(300))
}

/// A source that can only refresh, and a store that holds at-1 and rt-1, lapsed.
async fn lapsed() -> (Script, Gated, super::gated::Calls) {
    let (store, calls) = Gated::new();
    let held = credentials("at-1", Some("rt-1"), None).with_expires_at(SystemTime::UNIX_EPOCH);
    store.kept.save(&held).await.unwrap();
    (Script::new().without_login(), store, calls)
}

#[tokio::test(start_paused = true)]
async fn f05_what_another_process_got_for_it_is_adopted() {
    let (script, store, mut calls) = lapsed().await;
    script.push(Answer::Now(Err(lost())));
    let others = store.kept.clone();
    let (auth, _) = with_store(script.clone(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    let second_look = next(&mut calls, Call::Load).await;
    others.save(&good("at-2", "rt-2")).await.unwrap();
    second_look.go();
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-2");
    assert_eq!(script.asked(), [refresh("rt-1")], "it was not sent again");
}

#[tokio::test(start_paused = true)]
async fn f05_where_the_store_has_nothing_new_it_is_sent_once_more() {
    let (script, store, mut calls) = lapsed().await;
    script.push(Answer::Now(Err(lost())));
    script.push(Answer::Now(Ok(good("at-2", "rt-2"))));
    let (auth, _) = with_store(script.clone(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    allow(&mut calls, Call::Load).await;
    allow(&mut calls, save("at-2")).await;
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-2");
    assert_eq!(script.asked(), [refresh("rt-1"), refresh("rt-1")]);
}

#[tokio::test(start_paused = true)]
async fn r14_the_repetition_waits_as_long_as_the_server_asked() {
    let (script, store, mut calls) = lapsed().await;
    script.push(Answer::Now(Err(lost().with_retry_after(seconds(3)))));
    script.push(Answer::Now(Ok(good("at-2", "rt-2"))));
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
async fn r14_a_flight_that_begins_in_doubt_looks_into_the_store_first() {
    let (script, store, mut calls) = lapsed().await;
    script.push(Answer::Now(Err(lost())));
    script.push(Answer::Now(Err(lost())));
    let others = store.kept.clone();
    let (auth, _) = with_store(script.clone(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    allow(&mut calls, Call::Load).await;
    caller.await.unwrap().unwrap_err();
    assert_eq!(script.requests(), 2);
    advance(millis(200)).await;
    let caller = waiting(&auth).await;
    let look = next(&mut calls, Call::Load).await;
    assert_eq!(script.requests(), 2);
    others.save(&good("at-2", "rt-2")).await.unwrap();
    look.go();
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-2");
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn r14_another_access_token_beside_the_same_refresh_token_does_not_end_the_doubt() {
    let (script, store, mut calls) = lapsed().await;
    script.push(Answer::Now(Err(lost())));
    for _ in 0..3 {
        script.push(Answer::Now(Err(lost())));
    }
    let others = store.kept.clone();
    let (auth, _) = with_store(script.clone(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    let look = next(&mut calls, Call::Load).await;
    let lapsed = credentials("at-0", Some("rt-1"), None).with_expires_at(SystemTime::UNIX_EPOCH);
    others.save(&lapsed).await.unwrap();
    look.go();
    caller.await.unwrap().unwrap_err();
    assert_eq!(script.asked(), [refresh("rt-1"), refresh("rt-1")], "once more, and no more");
}

#[tokio::test(start_paused = true)]
async fn r14_nor_does_a_good_one_that_is_adopted_and_used() {
    let (script, store, mut calls) = lapsed().await;
    script.push(Answer::Now(Err(lost())));
    let others = store.kept.clone();
    let (auth, _) = with_store(script.clone(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    let look = next(&mut calls, Call::Load).await;
    others.save(&good("at-0", "rt-1")).await.unwrap();
    look.go();
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-0");
    // The next flight begins in doubt: it looks into the store, and tries once.
    script.push(Answer::Now(Err(lost())));
    script.push(Answer::Now(Err(lost())));
    let mut refreshing = pin!(auth.refresh());
    assert!(at_once(refreshing.as_mut()).await.is_none());
    allow(&mut calls, Call::Load).await;
    refreshing.await.unwrap_err();
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn r14_a_flight_that_was_cut_off_after_sending_is_in_doubt() {
    let (script, store, mut calls) = lapsed().await;
    script.push(Answer::Panic);
    let others = store.kept.clone();
    let (auth, _) = with_store(script.clone(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    caller.await.unwrap().unwrap_err();
    assert_eq!(script.requests(), 1);
    let mut call = pin!(auth.credentials());
    assert!(at_once(call.as_mut()).await.is_none());
    let look = next(&mut calls, Call::Load).await;
    others.save(&good("at-2", "rt-2")).await.unwrap();
    look.go();
    assert_eq!(call.await.unwrap().access_token(), "at-2");
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r14_a_store_that_cannot_be_read_does_not_hinder_the_repetition() {
    let (script, store, mut calls) = lapsed().await;
    script.push(Answer::Now(Err(lost())));
    script.push(Answer::Now(Ok(good("at-2", "rt-2"))));
    let (auth, _) = with_store(script.clone(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    until(|| script.requests() == 1).await;
    next(&mut calls, Call::Load).await.fail();
    allow(&mut calls, save("at-2")).await;
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-2");
}

//! A flight belongs to the authenticator: it goes on when a caller goes away.

use std::pin::pin;
use std::time::Duration;

use reauth::Authenticator;
use reauth::store::{CredentialStore, MemoryStore};
use tokio::time::{advance, timeout};

use super::family::Family;
use super::{at_once, exact, quiet, seconds, token, until, waiting};
use crate::support::clock::TestClock;
use crate::support::source::{Asked, Respond, Script, credentials};

#[tokio::test(start_paused = true)]
async fn r06_dropping_the_only_caller_does_not_end_the_flight() {
    let script = Script::new();
    let login = script.then_when();
    let auth = exact(script.clone());
    waiting(&auth).await.abort();
    until(|| script.requests() == 1).await;
    login.send(Ok(credentials("at-1", None, Some(300)))).unwrap();
    quiet().await;
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r06_a_caller_that_was_polled_once_has_begun_the_flight() {
    let script = Script::new().then_ok(credentials("at-1", None, Some(300)));
    let auth = exact(script.clone());
    assert!(at_once(pin!(auth.credentials())).await.is_none());
    quiet().await;
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r67_a_program_can_wait_for_a_refresh_that_runs_in_the_background() {
    let script = Script::new().then_ok(credentials("at-1", Some("rt-1"), Some(300)));
    let refresh = script.then_when();
    let store = MemoryStore::new();
    let auth = Authenticator::builder(script.clone()).store(store.clone()).clock(TestClock::new()).build();
    assert!(at_once(pin!(auth.settled())).await.is_some(), "nothing runs yet");
    token(&auth).await.unwrap();
    advance(seconds(299)).await;
    let caller = waiting(&auth).await;
    until(|| script.requests() == 2).await;
    caller.abort();
    let mut settled = pin!(auth.settled());
    assert!(at_once(settled.as_mut()).await.is_none(), "the refresh token was sent");
    refresh.send(Ok(credentials("at-2", Some("rt-2"), Some(300)))).unwrap();
    settled.await;
    let stored = store.load().await.unwrap().unwrap();
    assert_eq!(stored.credentials().unwrap().refresh_token(), Some("rt-2"), "it is saved before");
    assert!(at_once(pin!(auth.settled())).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn f06_the_rotated_refresh_token_outlives_the_caller_that_asked_for_it() {
    let script = Script::new().then_ok(credentials("at-1", Some("rt-1"), Some(300)));
    let refresh = script.then_when();
    script.push(Respond::Now(Ok(credentials("at-3", Some("rt-3"), Some(300)))));
    let store = MemoryStore::new();
    let auth = Authenticator::builder(script.clone()).store(store.clone()).clock(TestClock::new()).build();
    token(&auth).await.unwrap();
    advance(seconds(300)).await;
    let caller = waiting(&auth).await;
    until(|| script.requests() == 2).await;
    // The server has rotated; the caller goes; then the response arrives.
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    refresh.send(Ok(credentials("at-2", Some("rt-2"), Some(300)))).unwrap();
    quiet().await;
    let stored = store.load().await.unwrap().unwrap();
    assert_eq!(stored.credentials().unwrap().refresh_token(), Some("rt-2"), "it is persisted");
    advance(seconds(300)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-3");
    let refresh = |token: &str| Asked::Refresh(token.to_owned());
    assert_eq!(script.asked(), [Asked::Login, refresh("rt-1"), refresh("rt-2")]);
}

#[tokio::test(start_paused = true)]
async fn f07_the_leader_is_cancelled_and_a_hundred_followers_succeed_with_one_request() {
    let script = Script::new();
    let login = script.then_when();
    let auth = exact(script.clone());
    let leader = waiting(&auth).await;
    let mut followers = Vec::new();
    for _ in 0..100 {
        followers.push(waiting(&auth).await);
    }
    leader.abort();
    quiet().await;
    login.send(Ok(credentials("at-1", None, Some(300)))).unwrap();
    for follower in followers {
        assert_eq!(follower.await.unwrap().unwrap().access_token(), "at-1");
    }
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn f08_waiters_that_give_up_at_every_await_cost_no_second_request() {
    // A provider whose response takes 40 turns of the scheduler; callers give up after 0, 1, 2, … turns.
    let provider = Family::new();
    let auth = exact(provider.clone());
    token(&auth).await.unwrap();
    for rotation in 1..=30 {
        advance(seconds(300)).await;
        for turns in 0..20 {
            let auth = auth.clone();
            let caller = tokio::spawn(async move { auth.credentials().await });
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            caller.abort();
        }
        assert_eq!(token(&auth).await.unwrap(), format!("at-1-{rotation}"));
    }
    assert_eq!((provider.logins(), provider.rotations()), (1, 30));
}

#[tokio::test(start_paused = true)]
async fn f08_a_caller_dropped_between_two_attempts_leaves_the_flight_alone() {
    let script = Script::new()
        .then_err(reauth::Error::transient("down").not_processed())
        .then_ok(credentials("at-1", None, Some(300)));
    let auth = exact(script.clone());
    let caller = waiting(&auth).await;
    until(|| script.requests() == 1).await;
    quiet().await;
    caller.abort();
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(script.requests(), 2, "the second attempt came without the caller");
    assert_eq!(token(&auth).await.unwrap(), "at-1");
}

#[tokio::test(start_paused = true)]
async fn r06_a_callers_own_timeout_ends_that_callers_wait_only() {
    let script = Script::new().then(Respond::After(seconds(20), Ok(credentials("at-1", None, Some(300)))));
    let auth = exact(script.clone());
    let patient = waiting(&auth).await;
    timeout(Duration::from_secs(1), auth.credentials()).await.unwrap_err();
    assert_eq!(patient.await.unwrap().unwrap().access_token(), "at-1");
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r06_a_rejection_stands_although_its_caller_goes_away() {
    let script = Script::new().then_ok(credentials("at-1", None, Some(300)));
    let relogin = script.then_when();
    let auth = exact(script.clone());
    let used = auth.credentials().await.unwrap();
    assert!(at_once(pin!(auth.reject(&used))).await.is_none());
    let caller = waiting(&auth).await;
    relogin.send(Ok(credentials("at-2", None, Some(300)))).unwrap();
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-2");
    assert_eq!(script.requests(), 2);
}

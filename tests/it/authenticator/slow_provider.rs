//! A provider that responds slowly: how long callers wait, and what becomes of a late response.

use std::pin::pin;

use reauth::{Authenticator, ErrorKind};
use tokio::time::{Instant, advance, sleep};

use super::{at_once, exact, millis, quiet, seconds, token, token_at_once, until, waiting};
use crate::support::source::{Asked, Respond, Script, credentials};

fn good(n: u32) -> reauth::Credentials {
    credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300))
}

/// A token that has expired. The first refresh gets this response, and the next one `at-3`.
async fn expired(response: Respond) -> (Script, Authenticator) {
    let script = Script::new().holding(good(1)).without_login().then(response).then_ok(good(3));
    let auth = exact(script.clone());
    advance(seconds(300)).await;
    (script, auth)
}

#[tokio::test(start_paused = true)]
async fn r08_a_caller_with_a_valid_token_waits_for_a_second_at_most() {
    let script = Script::new().holding(good(1));
    let refresh = script.then_when();
    let auth = exact(script.clone());
    advance(seconds(291)).await;
    let begun = Instant::now();
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    assert_eq!(begun.elapsed(), seconds(1));
    // Who comes later does not wait for the same flight.
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    // The flight goes on.
    refresh.send(Ok(good(2))).unwrap();
    quiet().await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-2");
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r08_a_caller_waits_for_half_of_the_time_left_if_that_is_less() {
    let script = Script::new().holding(good(1)).then(Respond::Hang);
    let auth = exact(script.clone());
    advance(millis(299_400)).await;
    let begun = Instant::now();
    assert_eq!(token(&auth).await.unwrap(), "at-1", "it is still valid");
    assert_eq!(begun.elapsed(), millis(300));
}

#[tokio::test(start_paused = true)]
async fn r08_who_asks_for_a_refresh_or_has_no_token_waits_for_the_flight() {
    let script = Script::new().holding(good(1));
    let refresh = script.then_when();
    let auth = exact(script.clone());
    advance(seconds(291)).await;
    let mut refreshing = pin!(auth.refresh());
    assert!(at_once(refreshing.as_mut()).await.is_none());
    sleep(seconds(8)).await;
    assert!(at_once(refreshing.as_mut()).await.is_none());
    sleep(seconds(2)).await;
    let caller = waiting(&auth).await;
    sleep(seconds(5)).await;
    assert!(!caller.is_finished(), "the token has expired");
    refresh.send(Ok(good(2))).unwrap();
    assert_eq!(refreshing.await.unwrap().access_token(), "at-2");
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-2");
}

/// A provider that is frozen for 13 s handles everything that was sent to it.
#[tokio::test(start_paused = true)]
async fn r14_f124_a_slow_response_is_waited_for_and_the_refresh_token_is_not_sent_again() {
    for wait in [13, 29] {
        let (script, auth) = expired(Respond::After(seconds(wait), Ok(good(2)))).await;
        assert_eq!(token(&auth).await.unwrap(), "at-2");
        assert_eq!(script.asked(), [Asked::Refresh("rt-1".to_owned())]);
    }
}

#[tokio::test(start_paused = true)]
async fn r14_f124_a_response_after_the_deadline_is_still_used() {
    for wait in [31, 59] {
        let (script, auth) = expired(Respond::After(seconds(wait), Ok(good(2)))).await;
        let begun = Instant::now();
        assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::Transient);
        assert_eq!(begun.elapsed(), seconds(30), "callers are not held longer");
        // Who comes meanwhile waits for the same request.
        assert_eq!(token(&auth).await.unwrap(), "at-2");
        assert_eq!(begun.elapsed(), seconds(wait));
        assert_eq!(auth.refresh().await.unwrap().access_token(), "at-3");
        let asked = ["rt-1", "rt-2"].map(|token| Asked::Refresh(token.to_owned()));
        assert_eq!(script.asked(), asked, "no refresh token is sent twice");
    }
}

#[tokio::test(start_paused = true)]
async fn r14_a_response_that_came_while_the_process_stood_still_is_used() {
    let script = Script::new().holding(good(1)).without_login();
    let refresh = script.then_when();
    let auth = exact(script.clone());
    advance(seconds(300)).await;
    let caller = waiting(&auth).await;
    until(|| script.requests() == 1).await;
    // All limits are over at once, and nothing was read from the connection yet.
    advance(seconds(100)).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    refresh.send(Ok(good(2))).unwrap();
    drop(caller.await);
    quiet().await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-2");
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r14_a_request_is_given_up_at_twice_the_deadline() {
    let (script, auth) = expired(Respond::Hang).await;
    let begun = Instant::now();
    token(&auth).await.unwrap_err();
    assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::Transient);
    assert_eq!(begun.elapsed(), seconds(60));
    assert_eq!(script.requests(), 1);
    // The response counts as lost from now on.
    sleep(seconds(6)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-3");
}

#[tokio::test(start_paused = true)]
async fn r14_a_caller_that_went_away_does_not_end_a_late_request() {
    let script = Script::new().holding(good(1)).without_login();
    let refresh = script.then_when();
    let auth = exact(script.clone());
    advance(seconds(300)).await;
    drop(waiting(&auth).await);
    until(|| script.requests() == 1).await;
    sleep(seconds(45)).await;
    refresh.send(Ok(good(2))).unwrap();
    quiet().await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r17_a_log_out_while_a_late_request_is_out_keeps_nothing() {
    let script = Script::new().holding(good(1)).without_login();
    let refresh = script.then_when();
    let auth = exact(script.clone());
    advance(seconds(300)).await;
    token(&auth).await.unwrap_err();
    auth.log_out().await.unwrap();
    refresh.send(Ok(good(2))).unwrap();
    quiet().await;
    assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::LoginRequired);
}

#[tokio::test(start_paused = true)]
async fn a_log_in_ends_at_the_deadline() {
    let script = Script::new().then(Respond::Hang).then_ok(good(1));
    let auth = exact(script.clone());
    let begun = Instant::now();
    assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::Transient);
    assert_eq!(begun.elapsed(), seconds(30));
    sleep(seconds(1)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-1");
}

//! The refresh token was sent and the answer was lost: it may be spent. Without a store; `stores` has the rest.

use std::time::SystemTime;

use reauth::{Error, ErrorKind};
use tokio::time::{Instant, advance};

use super::family::Family;
use super::{exact, millis, quiet, seconds, token, token_at_once};
use crate::support::source::{Answer, Asked, Script, credentials};

fn refresh(token: &str) -> Asked {
    Asked::Refresh(token.to_owned())
}

fn lost() -> Error {
    Error::transient("the connection broke before the answer was complete")
}

/// A source that holds at-1 and rt-1, lapsed.
fn lapsed() -> Script {
    let held = credentials("at-1", Some("rt-1"), None).with_expires_at(SystemTime::UNIX_EPOCH);
    Script::new().holding(held)
}

#[tokio::test(start_paused = true)]
async fn f05_a_server_with_a_grace_window_gives_the_lost_answer_again() {
    let provider = Family::new().with_grace().with_one_login();
    let auth = exact(provider.clone());
    token(&auth).await.unwrap();
    provider.lose_an_answer();
    advance(seconds(300)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-1-1");
    advance(seconds(300)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-1-2");
    assert!(!provider.is_revoked());
}

#[tokio::test(start_paused = true)]
async fn f05_a_server_without_one_is_logged_in_to_again() {
    let provider = Family::new();
    let auth = exact(provider.clone());
    token(&auth).await.unwrap();
    provider.lose_an_answer();
    advance(seconds(300)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-2-0");
    assert_eq!(provider.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn f05_or_the_user_has_to() {
    let provider = Family::new().with_one_login();
    let auth = exact(provider.clone());
    token(&auth).await.unwrap();
    provider.lose_an_answer();
    advance(seconds(300)).await;
    let error = token(&auth).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
    assert!(error.to_string().contains("used before"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn f05_an_answer_lost_in_the_background_disturbs_no_caller() {
    let provider = Family::new().with_grace().with_one_login();
    let auth = exact(provider.clone());
    token(&auth).await.unwrap();
    provider.lose_an_answer();
    advance(seconds(225)).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1-0");
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1-1");
}

#[tokio::test(start_paused = true)]
async fn r14_a_refresh_token_in_doubt_is_tried_once_more_and_no_more_in_that_flight() {
    let script = lapsed().then_err(lost()).then_err(lost()).then_err(lost()).then_err(lost());
    let auth = exact(script.clone());
    let error = token(&auth).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient, "an outage is no reason to log in again");
    assert_eq!(script.asked(), [refresh("rt-1"), refresh("rt-1")]);
}

#[tokio::test(start_paused = true)]
async fn r14_each_later_flight_tries_once_until_there_is_an_answer() {
    let script = lapsed().then_err(lost()).then_err(lost()).then_err(lost()).then_err(lost());
    script.push(Answer::Now(Ok(credentials("at-2", Some("rt-2"), Some(300)))));
    let auth = exact(script.clone());
    token(&auth).await.unwrap_err();
    for (wait, requests) in [(200, 3), (400, 4)] {
        advance(millis(wait)).await;
        token(&auth).await.unwrap_err();
        assert_eq!(script.requests(), requests);
    }
    advance(millis(800)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-2");
    assert_eq!(script.asked(), vec![refresh("rt-1"); 5]);
}

#[tokio::test(start_paused = true)]
async fn r14_an_answer_ends_the_doubt() {
    let script = lapsed()
        .then_err(lost())
        .then_ok(credentials("at-2", Some("rt-2"), Some(300)))
        .then_err(lost())
        .then_ok(credentials("at-3", Some("rt-3"), Some(300)));
    let auth = exact(script.clone());
    assert_eq!(token(&auth).await.unwrap(), "at-2");
    // The new token has its own repetition.
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-3");
    assert_eq!(script.asked(), [refresh("rt-1"), refresh("rt-1"), refresh("rt-2"), refresh("rt-2")]);
}

#[tokio::test(start_paused = true)]
async fn r14_attempts_that_did_not_reach_the_server_do_not_count() {
    let unreached = || Error::transient("connection refused").not_processed();
    let script = lapsed()
        .then_err(unreached())
        .then_err(unreached())
        .then_err(lost())
        .then_err(unreached())
        .then_err(unreached())
        .then_ok(credentials("at-2", Some("rt-2"), Some(300)));
    let auth = exact(script.clone());
    assert_eq!(token(&auth).await.unwrap(), "at-2");
    assert_eq!(script.requests(), 6);
}

#[tokio::test(start_paused = true)]
async fn r14_being_unreached_afterwards_does_not_end_the_doubt() {
    // Lost; then unreached until the deadline; in the next flight one attempt is lost again, and that is all.
    let script = lapsed().then_err(lost());
    script.push(Answer::Now(Err(Error::transient("refused").not_processed().with_retry_after(seconds(60)))));
    for _ in 0..5 {
        script.push(Answer::Now(Err(lost())));
    }
    let auth = exact(script.clone());
    token(&auth).await.unwrap_err();
    assert_eq!(script.requests(), 2);
    advance(seconds(30)).await;
    token(&auth).await.unwrap_err();
    assert_eq!(script.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn r14_what_the_server_did_not_act_on_leaves_no_doubt() {
    // Unreached, or refused for the client's own sake: the refresh token is unspent, and the next flight has
    // its repetition.
    let unreached = Error::transient("refused").not_processed().with_retry_after(seconds(60));
    for error in [unreached, Error::misconfigured("invalid_client")] {
        let script = lapsed().then_err(error).then_err(lost());
        script.push(Answer::Now(Ok(credentials("at-2", Some("rt-2"), Some(300)))));
        let auth = exact(script.clone());
        token(&auth).await.unwrap_err();
        assert_eq!(script.requests(), 1);
        advance(seconds(30)).await;
        assert_eq!(token(&auth).await.unwrap(), "at-2");
    }
}

#[tokio::test(start_paused = true)]
async fn r14_an_answer_without_a_usable_token_leaves_the_doubt() {
    let script = lapsed().then_err(Error::invalid_response("200 without access_token"));
    for _ in 0..5 {
        script.push(Answer::Now(Err(lost())));
    }
    let auth = exact(script.clone());
    token(&auth).await.unwrap_err();
    advance(millis(200)).await;
    token(&auth).await.unwrap_err();
    assert_eq!(script.requests(), 2, "in doubt from the start: one attempt");
}

#[tokio::test(start_paused = true)]
async fn r14_new_credentials_are_in_no_doubt() {
    let script = lapsed().then_err(lost()).then_err(lost());
    script.push(Answer::Now(Err(lost())));
    script.push(Answer::Now(Ok(credentials("at-10", Some("rt-10"), Some(300)))));
    let auth = exact(script.clone());
    token(&auth).await.unwrap_err();
    auth.set_credentials(credentials("at-9", Some("rt-9"), Some(300))).await.unwrap();
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-10");
    quiet().await;
    assert_eq!(script.asked()[2..], [refresh("rt-9"), refresh("rt-9")]);
}

#[tokio::test(start_paused = true)]
async fn r14_the_repetition_does_not_wait_for_the_next_flight_while_a_valid_token_is_in_hand() {
    // A server that forgives a repetition does so for seconds; flights may be a minute apart.
    let unreached = || Error::transient("refused").not_processed().with_retry_after(seconds(60));
    let script = Script::new().holding(credentials("at-1", Some("rt-1"), Some(3600)));
    let script = script.then_err(unreached()).then_err(lost());
    script.push(Answer::Now(Ok(credentials("at-2", Some("rt-2"), Some(300)))));
    let auth = exact(script.clone());
    auth.refresh().await.unwrap_err();
    advance(seconds(30)).await;
    let begin = Instant::now();
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
    assert!(begin.elapsed() <= seconds(1), "{:?}", begin.elapsed());
    assert_eq!(script.asked(), vec![refresh("rt-1"); 3]);
}

#[tokio::test(start_paused = true)]
async fn r14_nor_for_a_tenth_of_a_long_outage() {
    let script = lapsed();
    let unreached = || Error::transient("refused").not_processed();
    // Enough for nine minutes.
    for _ in 0..44 {
        script.push(Answer::Now(Err(unreached())));
    }
    let auth = exact(script.clone());
    let begin = Instant::now();
    while script.requests() < 44 {
        let _ = token(&auth).await;
        advance(seconds(1)).await;
    }
    assert!(begin.elapsed() > seconds(500), "{:?}", begin.elapsed());
    script.push(Answer::Now(Err(lost())));
    script.push(Answer::Now(Ok(credentials("at-2", Some("rt-2"), Some(300)))));
    while script.requests() < 45 {
        advance(seconds(1)).await;
        if let Ok(got) = token(&auth).await {
            assert_eq!(got, "at-2");
        }
    }
    assert_eq!(script.requests(), 46, "in the same flight");
    assert_eq!(token(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r14_a_lost_answer_to_a_log_in_is_tried_again_like_any_transient_failure() {
    let script = Script::new().then_err(lost()).then_err(lost()).then_err(lost());
    script.push(Answer::Now(Ok(credentials("at-1", None, Some(300)))));
    let auth = exact(script.clone());
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    assert_eq!(script.asked(), vec![Asked::Login; 4]);
}

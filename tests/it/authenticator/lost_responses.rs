//! The refresh token was sent and the response was lost, so it may be spent. These tests have no store; those in `stores` do.

use std::time::SystemTime;

use reauth::{Error, ErrorKind};
use tokio::time::{Instant, advance};

use super::family::Family;
use super::{exact, quiet, seconds, token};
use crate::support::source::{Asked, Respond, Script, credentials};

fn refresh(token: &str) -> Asked {
    Asked::Refresh(token.to_owned())
}

fn lost() -> Error {
    Error::transient("the connection broke before the response was complete")
}

/// A source that holds at-1 and rt-1, expired.
fn expired() -> Script {
    let held = credentials("at-1", Some("rt-1"), None).with_expires_at(SystemTime::UNIX_EPOCH);
    Script::new().holding(held)
}

#[tokio::test(start_paused = true)]
async fn f05_a_refused_repetition_asks_the_user_to_log_in_and_says_why() {
    let provider = Family::new().with_one_login();
    let auth = exact(provider.clone());
    token(&auth).await.unwrap();
    provider.lose_a_response();
    advance(seconds(300)).await;
    let error = token(&auth).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
    assert!(error.to_string().contains("used before"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn r14_credentials_that_the_program_sets_are_not_in_doubt() {
    let script = expired().then_err(lost()).then_err(lost());
    script.push(Respond::Now(Err(lost())));
    script.push(Respond::Now(Ok(credentials("at-10", Some("rt-10"), Some(300)))));
    let auth = exact(script.clone());
    token(&auth).await.unwrap_err();
    auth.set_credentials(credentials("at-9", Some("rt-9"), Some(300))).await.unwrap();
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-10");
    quiet().await;
    assert_eq!(script.asked()[2..], [refresh("rt-9"), refresh("rt-9")]);
}

#[tokio::test(start_paused = true)]
async fn r14_the_repetition_does_not_wait_for_the_next_flight_while_a_valid_token_is_in_hand() {
    // A server that accepts a repetition does so for seconds only; flights may be a minute apart.
    let unreached = || Error::transient("refused").not_processed().with_retry_after(seconds(60));
    let script = Script::new().holding(credentials("at-1", Some("rt-1"), Some(3600)));
    let script = script.then_err(unreached()).then_err(lost());
    script.push(Respond::Now(Ok(credentials("at-2", Some("rt-2"), Some(300)))));
    let auth = exact(script.clone());
    auth.refresh().await.unwrap_err();
    advance(seconds(60)).await;
    let begin = Instant::now();
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
    assert!(begin.elapsed() <= seconds(1), "{:?}", begin.elapsed());
    assert_eq!(script.asked(), vec![refresh("rt-1"); 3]);
}

#[tokio::test(start_paused = true)]
async fn r14_the_repetition_does_not_wait_for_a_tenth_of_a_long_outage() {
    let script = expired();
    let unreached = || Error::transient("refused").not_processed();
    // Enough failures for nine minutes.
    for _ in 0..44 {
        script.push(Respond::Now(Err(unreached())));
    }
    let auth = exact(script.clone());
    let begin = Instant::now();
    while script.requests() < 44 {
        let _ = token(&auth).await;
        advance(seconds(1)).await;
    }
    assert!(begin.elapsed() > seconds(500), "{:?}", begin.elapsed());
    script.push(Respond::Now(Err(lost())));
    script.push(Respond::Now(Ok(credentials("at-2", Some("rt-2"), Some(300)))));
    while script.requests() < 45 {
        advance(seconds(1)).await;
        if let Ok(got) = token(&auth).await {
            assert_eq!(got, "at-2");
        }
    }
    assert_eq!(script.requests(), 46, "in the same flight");
    assert_eq!(token(&auth).await.unwrap(), "at-2");
}

//! Credentials for a call that takes long.

use reauth::{Credentials, ErrorKind};
use tokio::time::advance;

use super::{exact, millis, seconds, token_at_once};
use crate::support::source::{Respond, Script, credentials};

fn good(n: u32) -> Credentials {
    credentials(&format!("at-{n}"), None, Some(300))
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_valid_for_long_enough_are_not_refreshed() {
    let script = Script::new().then_ok(good(1)).then_ok(good(2));
    let auth = exact(script.clone());
    assert_eq!(auth.credentials_valid_for(seconds(200)).await.unwrap().access_token(), "at-1");
    advance(seconds(100)).await;
    assert_eq!(auth.credentials_valid_for(seconds(200)).await.unwrap().access_token(), "at-1");
    advance(seconds(1)).await;
    assert_eq!(auth.credentials_valid_for(seconds(200)).await.unwrap().access_token(), "at-2");
    assert_eq!(script.requests(), 2);
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_that_is_too_short_is_an_error_that_asks_for_nothing() {
    let script = Script::new().then_ok(good(1));
    let auth = exact(script.clone());
    for _ in 0..3 {
        let error = auth.credentials_valid_for(seconds(301)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
    }
    assert_eq!(script.requests(), 1);
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1", "other calls use it");
}

#[tokio::test(start_paused = true)]
async fn credentials_without_a_lifetime_are_valid_for_ever() {
    let auth = exact(credentials("at-1", None, None));
    let credentials = auth.credentials_valid_for(seconds(10_000_000)).await.unwrap();
    assert_eq!(credentials.access_token(), "at-1");
}

#[tokio::test(start_paused = true)]
async fn the_error_of_the_refresh_is_returned_while_the_shorter_token_stays_in_use() {
    let script = Script::new().holding(good(1)).then_err(reauth::Error::invalid_response("nonsense"));
    let auth = exact(script.clone());
    advance(seconds(200)).await;
    let error = auth.credentials_valid_for(seconds(200)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
}

#[tokio::test(start_paused = true)]
async fn what_was_left_of_stored_credentials_is_not_taken_for_the_lifetime_of_the_provider() {
    let old = || credentials("old", Some("rt-0"), Some(300));
    let script = Script::new().holding(old());
    for n in 1..3 {
        script.push(Respond::Now(Ok(credentials(&format!("at-{n}"), Some("rt"), Some(3600)))));
    }
    let auth = exact(script.clone());
    assert_eq!(auth.credentials_valid_for(seconds(600)).await.unwrap().access_token(), "at-1");
    auth.set_credentials(old()).await.unwrap();
    assert_eq!(auth.credentials_valid_for(seconds(600)).await.unwrap().access_token(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn a_time_that_no_token_has_left_when_it_arrives_costs_one_request() {
    for asked in [millis(300_000), millis(299_950)] {
        let script = Script::new();
        for n in 0..20 {
            script.push(Respond::After(millis(100), Ok(good(n))));
        }
        let auth = exact(script.clone());
        for _ in 0..20 {
            let error = auth.credentials_valid_for(asked).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
        }
        assert!(script.requests() <= 2, "{}", script.requests());
        // A shorter time is no problem.
        assert!(auth.credentials_valid_for(seconds(200)).await.is_ok());
    }
}

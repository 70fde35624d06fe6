//! Terminal errors are remembered, refresh tokens are replaced or kept, and a refused one is never sent again.

use std::pin::pin;

use reauth::{Authenticator, Credentials, Error, ErrorKind, Timing};
use tokio::time::advance;

use super::{at_once, exact, millis, seconds, token, token_at_once};
use crate::support::clock::TestClock;
use crate::support::source::{Asked, Respond, Script, credentials};

fn refresh(token: &str) -> Asked {
    Asked::Refresh(token.to_owned())
}

fn expired(access: &str, refresh: Option<&str>) -> Credentials {
    credentials(access, refresh, None).with_expires_at(std::time::SystemTime::UNIX_EPOCH)
}

#[tokio::test(start_paused = true)]
async fn f30_a_bad_secret_in_a_tight_loop_costs_four_requests_in_a_minute() {
    for error in [Error::misconfigured("invalid_client"), Error::login_required("invalid_grant")] {
        let script = Script::new();
        for _ in 0..10_000 {
            script.push(Respond::Now(Err(error.clone())));
        }
        let auth = exact(script.clone());
        for _ in 0..60_000 {
            assert_eq!(token(&auth).await.unwrap_err().kind(), error.kind());
            advance(millis(1)).await;
        }
        // At 0, 5, 15 and 35 s.
        assert_eq!(script.requests(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn r11_f123_a_wrong_password_is_sent_seven_times_in_ten_minutes() {
    let script = Script::new();
    for _ in 0..10_000 {
        script.push(Respond::Now(Err(Error::login_required("wrong password"))));
    }
    let auth = exact(script.clone());
    for _ in 0..600 {
        assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::LoginRequired);
        advance(seconds(1)).await;
    }
    assert_eq!(script.requests(), 7);
    // Five minutes are the longest memory.
    for _ in 0..3600 {
        token(&auth).await.unwrap_err();
        advance(seconds(1)).await;
    }
    assert_eq!(script.requests(), 7 + 12);
    // The user has logged in elsewhere: the memory begins anew.
    auth.set_credentials(expired("at-1", None)).await.unwrap();
    token(&auth).await.unwrap_err();
    advance(seconds(5)).await;
    token(&auth).await.unwrap_err();
    assert_eq!(script.requests(), 7 + 12 + 2);
}

#[tokio::test(start_paused = true)]
async fn r11_a_terminal_error_is_given_to_every_caller_at_once() {
    let script = Script::new().then_err(Error::login_required("no such user"));
    let auth = exact(script.clone());
    token(&auth).await.unwrap_err();
    for call in [at_once(pin!(auth.credentials())).await, at_once(pin!(auth.refresh())).await] {
        assert_eq!(call.expect("no wait").unwrap_err().to_string(), "no such user");
    }
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r11_the_memory_lasts_as_configured() {
    let script =
        Script::new().then_err(Error::login_required("no")).then_ok(credentials("at-1", None, Some(300)));
    let timing = Timing::default().terminal_memory(seconds(60)).without_jitter();
    let auth = Authenticator::builder(script.clone()).clock(TestClock::new()).timing(timing).build();
    token(&auth).await.unwrap_err();
    advance(millis(59_999)).await;
    token(&auth).await.unwrap_err();
    advance(millis(1)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-1");
}

#[tokio::test(start_paused = true)]
async fn r11_new_credentials_and_a_log_out_clear_the_memory() {
    let script = Script::new()
        .then_err(Error::login_required("no"))
        .then_err(Error::login_required("no"))
        .then_ok(credentials("at-2", None, Some(300)));
    let auth = exact(script.clone());
    token(&auth).await.unwrap_err();
    auth.set_credentials(credentials("at-1", None, Some(300))).await.unwrap();
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    // Asked again at once, and refused again.
    auth.refresh().await.unwrap_err();
    assert_eq!(script.requests(), 2);
    auth.log_out().await.unwrap();
    assert_eq!(token(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r13_a_response_without_a_refresh_token_leaves_the_old_one_in_force() {
    let script = Script::new()
        .then_ok(credentials("at-1", Some("rt-1"), Some(300)))
        .then_ok(credentials("at-2", None, Some(300)))
        .then_ok(credentials("at-3", None, Some(300)));
    let auth = exact(script.clone());
    token(&auth).await.unwrap();
    assert_eq!(auth.refresh().await.unwrap().refresh_token(), Some("rt-1"));
    auth.refresh().await.unwrap();
    assert_eq!(script.asked(), [Asked::Login, refresh("rt-1"), refresh("rt-1")]);
}

#[tokio::test(start_paused = true)]
async fn r13_a_new_refresh_token_replaces_the_old_one() {
    let script = Script::new()
        .then_ok(credentials("at-1", Some("rt-1"), Some(300)))
        .then_ok(credentials("at-2", Some("rt-2"), Some(300)))
        .then_ok(credentials("at-3", Some("rt-3"), Some(300)));
    let auth = exact(script.clone());
    token(&auth).await.unwrap();
    assert_eq!(auth.refresh().await.unwrap().refresh_token(), Some("rt-2"));
    auth.refresh().await.unwrap();
    assert_eq!(script.asked(), [Asked::Login, refresh("rt-1"), refresh("rt-2")]);
}

#[tokio::test(start_paused = true)]
async fn r13_a_log_in_without_a_refresh_token_does_not_bring_a_refused_one_back() {
    let script = Script::new()
        .holding(expired("at-1", Some("rt-1")))
        .then_err(Error::login_required("revoked"))
        .then_ok(credentials("at-2", None, Some(300)))
        .then_ok(credentials("at-3", None, Some(300)));
    let auth = exact(script.clone());
    assert_eq!(auth.credentials().await.unwrap().refresh_token(), None);
    auth.refresh().await.unwrap();
    assert_eq!(script.asked(), [refresh("rt-1"), Asked::Login, Asked::Login]);
}

#[tokio::test(start_paused = true)]
async fn r15_without_a_full_grant_the_error_is_log_in_again_with_the_reason() {
    let script = Script::new()
        .without_login()
        .holding(expired("at-1", Some("rt-1")))
        .then_err(Error::login_required("the refresh token was refused (expired)"));
    let auth = exact(script.clone());
    let error = token(&auth).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
    assert_eq!(error.to_string(), "the refresh token was refused (expired)");
    // Never sent again, however long callers try.
    for _ in 0..100 {
        advance(seconds(6)).await;
        assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::LoginRequired);
    }
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r15_a_refused_refresh_token_is_not_sent_again_when_the_log_in_fails_too() {
    let script = Script::new()
        .holding(expired("at-1", Some("rt-1")))
        .then_err(Error::login_required("invalid_grant"))
        .then_err(Error::login_required("wrong password"))
        .then_ok(credentials("at-2", Some("rt-2"), Some(300)));
    let auth = exact(script.clone());
    assert_eq!(token(&auth).await.unwrap_err().to_string(), "wrong password");
    advance(seconds(5)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-2");
    assert_eq!(script.asked(), [refresh("rt-1"), Asked::Login, Asked::Login]);
}

#[tokio::test(start_paused = true)]
async fn r15_a_source_that_cannot_refresh_logs_in() {
    // `source_fn` has the trait's own `refresh`.
    let auth = exact(reauth::source_fn(|| async { Ok(credentials("at-2", Some("rt-2"), Some(300))) }));
    auth.set_credentials(expired("at-1", Some("rt-1"))).await.unwrap();
    assert_eq!(token(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r15_credentials_given_as_they_are_end_in_log_in_again() {
    let auth = exact(credentials("given", Some("rt"), Some(300)));
    assert_eq!(token(&auth).await.unwrap(), "given");
    advance(seconds(299)).await;
    assert_eq!(token(&auth).await.unwrap(), "given");
    assert_eq!(token_at_once(&auth).await.unwrap(), "given");
    advance(seconds(1)).await;
    let error = token(&auth).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
    assert!(error.to_string().contains("supply new ones"), "{error}");
}

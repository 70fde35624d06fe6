//! A response that cannot be used must not cause a loop.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use reauth::{ClientAuth, ErrorKind, TokenEndpoint, TokenTransport, oauth2};
use tokio::time::advance;
use tower::service_fn;

use super::{exact, millis, quiet, seconds, token, token_at_once, with_clock};
use crate::support::clock::TestClock;
use crate::support::source::{Asked, Respond, Script, credentials};

/// How many token requests a tight loop of callers makes in a virtual minute, at a server that responds like this.
async fn requests_in_a_minute(expires_in: &'static str, status_of_a_call: impl Fn(bool)) -> u64 {
    let requests = Arc::new(AtomicU64::new(0));
    let counted = requests.clone();
    let server = service_fn(move |_: Request<Full<Bytes>>| {
        let number = counted.fetch_add(1, Ordering::Relaxed);
        let body = format!(r#"{{"access_token":"at-{number}","expires_in":{expires_in}}}"#);
        async move { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(body)))) }
    });
    let endpoint =
        TokenEndpoint::new("https://id.test/token").unwrap().transport(TokenTransport::new(server));
    let client = ClientAuth::none("client").unwrap();
    let auth = exact(oauth2::ClientCredentials::new(endpoint, client).unwrap());
    for _ in 0..60_000 {
        status_of_a_call(token(&auth).await.is_ok());
        advance(millis(1)).await;
    }
    requests.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn f18_a_lifetime_of_zero_or_less_means_unknown() {
    for expires_in in ["0", "-1", "\"0\"", "-1.5"] {
        assert_eq!(requests_in_a_minute(expires_in, |ok| assert!(ok)).await, 1, "{expires_in}");
    }
}

#[tokio::test(start_paused = true)]
async fn f18_a_lifetime_of_a_second_costs_less_than_two_requests_a_second() {
    // Refreshed when a quarter is left: every 0.75 s.
    let requests = requests_in_a_minute("1", |ok| assert!(ok)).await;
    assert!((75..=81).contains(&requests), "{requests}");
}

#[tokio::test(start_paused = true)]
async fn r12_a_response_that_has_already_expired_is_a_failed_refresh_with_back_off() {
    let clock = TestClock::new();
    let script = Script::new();
    for n in 0..1000 {
        let expired = credentials(&format!("at-{n}"), None, None).with_expires_at(clock.wall() - seconds(1));
        script.push(Respond::Now(Ok(expired)));
    }
    let auth = with_clock(script.clone(), &clock);
    for _ in 0..6000 {
        assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::InvalidResponse);
        advance(millis(10)).await;
    }
    // At 0, 0.2, 0.6, 1.4, 3, 6.2, and then every 5 s. Each time it is asked once more.
    assert_eq!(script.requests(), 32);
}

#[tokio::test(start_paused = true)]
async fn r12_a_response_that_took_longer_than_its_token_lasts_is_a_failed_refresh() {
    let late = |n: u64| Respond::After(seconds(3), Ok(credentials(&format!("at-{n}"), None, Some(2))));
    let script = Script::new().then(late(1)).then(late(2));
    let auth = exact(script.clone());
    assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::InvalidResponse);
    assert_eq!(script.requests(), 2, "the provider is asked once more");
}

#[tokio::test(start_paused = true)]
async fn r12_the_refresh_token_of_an_expired_response_is_kept() {
    let clock = TestClock::new();
    let expired = credentials("at-1", Some("rt-1"), None).with_expires_at(clock.wall());
    let script = Script::new().then_ok(expired).then_ok(credentials("at-2", Some("rt-2"), Some(300)));
    let auth = with_clock(script.clone(), &clock);
    assert_eq!(token(&auth).await.unwrap(), "at-2");
    assert_eq!(script.asked(), [Asked::Login, Asked::Refresh("rt-1".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn f09_no_waiter_is_handed_the_token_it_just_saw_rejected() {
    let same = || credentials("at-1", None, Some(300));
    let script = Script::new();
    for _ in 0..100 {
        script.push(Respond::Now(Ok(same())));
    }
    let auth = exact(script.clone());
    let used = auth.credentials().await.unwrap();
    for _ in 0..1000 {
        // Who reported it gets the error. For all others it is back in use (R24).
        assert_eq!(auth.reject(&used).await.unwrap_err().kind(), ErrorKind::InvalidResponse);
        assert_eq!(token(&auth).await.unwrap(), "at-1");
        advance(millis(10)).await;
    }
    // One request when it was rejected, and none before 10 s have passed.
    assert_eq!(script.requests(), 2);
    auth.reject(&used).await.unwrap_err();
    assert_eq!(script.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn f53_a_source_that_repeats_the_rejected_token_is_asked_until_it_gives_another() {
    let script = Script::new()
        .then_ok(credentials("at-1", None, Some(300)))
        .then_ok(credentials("at-1", None, Some(300)))
        .then_ok(credentials("at-2", None, Some(300)));
    let auth = exact(script.clone());
    let used = auth.credentials().await.unwrap();
    auth.reject(&used).await.unwrap_err();
    advance(seconds(10)).await;
    assert_eq!(auth.reject(&used).await.unwrap().access_token(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r12_the_same_token_again_is_not_a_failure_when_it_was_not_rejected() {
    let script = Script::new().then_ok(credentials("at-1", None, Some(300))).then_ok(credentials(
        "at-1",
        None,
        Some(300),
    ));
    let auth = exact(script.clone());
    token(&auth).await.unwrap();
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-1");
    advance(seconds(224)).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    quiet().await;
    assert_eq!(script.requests(), 2);
}

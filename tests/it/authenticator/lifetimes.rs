//! Where the lifetime of a token comes from.

use reauth::{Authenticator, Credentials, Timing};
use tokio::time::advance;

use super::clocks::jwt;
use super::{millis, quiet, seconds, token, token_at_once, with_clock};
use crate::support::clock::TestClock;
use crate::support::source::{Script, credentials};

/// Returns how long the first token of this source is used before callers get the second one.
async fn lasts(first: Credentials, timing: Timing) -> Option<u64> {
    let script = Script::new().then_ok(first).then_ok(credentials("next", None, None));
    let timing = timing.without_jitter().advisory_window(1, millis(0)).mandatory_window(1, millis(0));
    let auth = Authenticator::builder(script.clone()).clock(TestClock::new()).timing(timing).build();
    token(&auth).await.unwrap();
    for second in 1..=1000 {
        advance(seconds(1)).await;
        if token(&auth).await.unwrap() == "next" {
            return Some(second);
        }
    }
    None
}

#[tokio::test(start_paused = true)]
async fn r04_the_lifetime_that_the_server_names_comes_first() {
    let now = TestClock::new().wall();
    let token = Credentials::new(jwt(Some(now), now + seconds(200))).unwrap();
    let timing = Timing::default().default_lifetime(seconds(100));
    assert_eq!(lasts(token.clone().with_lifetime(seconds(300)), timing.clone()).await, Some(300));
    assert_eq!(lasts(token.with_expires_at(TestClock::new().wall() + seconds(400)), timing).await, Some(400));
}

#[tokio::test(start_paused = true)]
async fn r04_the_times_in_a_jwt_come_next() {
    let timing = Timing::default().default_lifetime(seconds(100));
    let now = TestClock::new().wall();
    let with_iat = Credentials::new(jwt(Some(now), now + seconds(200))).unwrap();
    assert_eq!(lasts(with_iat, timing.clone()).await, Some(200));
    let now = TestClock::new().wall();
    let without_iat = Credentials::new(jwt(None, now + seconds(250))).unwrap();
    assert_eq!(lasts(without_iat, timing.clone()).await, Some(250));
    let now = TestClock::new().wall();
    // An `iat` behind the `exp` is nonsense; the `exp` alone is not.
    let nonsense = Credentials::new(jwt(Some(now + seconds(900)), now + seconds(150))).unwrap();
    assert_eq!(lasts(nonsense, timing).await, Some(150));
}

#[tokio::test(start_paused = true)]
async fn r04_the_configured_default_comes_after_them() {
    let opaque = credentials("opaque", None, None);
    assert_eq!(lasts(opaque.clone(), Timing::default().default_lifetime(seconds(100))).await, Some(100));
    assert_eq!(lasts(opaque, Timing::default().default_lifetime(seconds(0))).await, None);
}

#[tokio::test(start_paused = true)]
async fn r04_without_a_lifetime_a_token_is_used_until_it_is_rejected() {
    let script =
        Script::new().then_ok(credentials("at-1", None, None)).then_ok(credentials("at-2", None, None));
    let auth = with_clock(script.clone(), &TestClock::new());
    let first = auth.credentials().await.unwrap();
    advance(seconds(3600 * 24 * 365)).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    quiet().await;
    assert_eq!(script.requests(), 1);
    assert_eq!(auth.reject(&first).await.unwrap().access_token(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r04_zero_means_unknown_and_huge_is_clamped() {
    assert_eq!(lasts(credentials("at-1", None, Some(0)), Timing::default()).await, None);
    for huge in [Timing::MAX_LIFETIME + seconds(1), std::time::Duration::MAX] {
        let script = Script::new().then_ok(credentials("at-1", None, None).with_lifetime(huge));
        let clock = TestClock::new();
        let auth = with_clock(script, &clock);
        let expires_at = clock.wall() + Timing::MAX_LIFETIME;
        assert_eq!(auth.credentials().await.unwrap().expires_at(), Some(expires_at));
    }
}

#[tokio::test(start_paused = true)]
async fn r04_credentials_given_as_they_are_count_from_construction() {
    let clock = TestClock::new();
    let auth = with_clock(credentials("given", None, Some(100)), &clock);
    advance(millis(99_999)).await;
    assert_eq!(token(&auth).await.unwrap(), "given");
    advance(millis(1)).await;
    token(&auth).await.unwrap_err();
}

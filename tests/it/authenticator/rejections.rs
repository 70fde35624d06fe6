//! What a 401 does: the token that the request carried counts, and there is at most one refresh an interval.

use std::pin::pin;

use reauth::{Authenticator, Credentials, Error, ErrorKind, Timing};
use tokio::time::advance;

use super::{at_once, exact, millis, quiet, seconds, token, token_at_once, until, waiting};
use crate::support::clock::TestClock;
use crate::support::source::{Respond, Script, credentials};

/// Logs in with at-1, at-2, … of this lifetime.
fn series(lifetime: Option<u64>) -> Script {
    let script = Script::new();
    for n in 1..=100 {
        script.push(Respond::Now(Ok(credentials(&format!("at-{n}"), None, lifetime))));
    }
    script
}

async fn rejected(auth: &Authenticator, used: &Credentials) -> String {
    auth.reject(used).await.unwrap().access_token().to_owned()
}

#[tokio::test(start_paused = true)]
async fn r24_the_rejected_token_is_replaced_by_one_flight_for_all() {
    let script = Script::new().then_ok(credentials("at-1", None, Some(300)));
    let relogin = script.then_when();
    let auth = exact(script.clone());
    let used = auth.credentials().await.unwrap();
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let (auth, used) = (auth.clone(), used.clone());
            tokio::spawn(async move { auth.reject(&used).await })
        })
        .collect();
    until(|| script.requests() == 2).await;
    relogin.send(Ok(credentials("at-2", None, Some(300)))).unwrap();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-2");
    }
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn r24_a_late_rejection_of_the_old_token_gets_the_newer_one_and_fetches_nothing() {
    let script = series(Some(300));
    let auth = exact(script.clone());
    let used = auth.credentials().await.unwrap();
    assert_eq!(rejected(&auth, &used).await, "at-2");
    for _ in 0..10 {
        let late = at_once(pin!(auth.reject(&used))).await.expect("no wait").unwrap();
        assert_eq!(late.access_token(), "at-2");
    }
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn r24_a_token_that_this_authenticator_never_gave_out_rejects_nothing() {
    let script = series(Some(300));
    let auth = exact(script.clone());
    token(&auth).await.unwrap();
    assert_eq!(rejected(&auth, &credentials("foreign", None, None)).await, "at-1");
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r25_while_a_rejected_token_is_being_replaced_callers_wait() {
    let script = Script::new().then_ok(credentials("at-1", None, Some(300)));
    let relogin = script.then_when();
    let auth = exact(script.clone());
    let used = auth.credentials().await.unwrap();
    let mut rejecting = pin!(auth.reject(&used));
    assert!(at_once(rejecting.as_mut()).await.is_none());
    let mut callers = Vec::new();
    for _ in 0..50 {
        callers.push(waiting(&auth).await);
    }
    relogin.send(Ok(credentials("at-2", None, Some(300)))).unwrap();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-2");
    }
    assert_eq!(rejecting.await.unwrap().access_token(), "at-2");
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn r25_a_rejection_joins_the_background_refresh_and_takes_the_token_out_of_use() {
    let script = Script::new().then_ok(credentials("at-1", None, Some(300)));
    let relogin = script.then_when();
    let auth = exact(script.clone());
    let used = auth.credentials().await.unwrap();
    advance(seconds(225)).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    until(|| script.requests() == 2).await;
    let mut rejecting = pin!(auth.reject(&used));
    assert!(at_once(rejecting.as_mut()).await.is_none());
    let caller = waiting(&auth).await;
    relogin.send(Ok(credentials("at-2", None, Some(300)))).unwrap();
    assert_eq!(rejecting.await.unwrap().access_token(), "at-2");
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-2");
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn r24_a_rejected_token_goes_back_into_use_when_its_replacement_fails() {
    let script = Script::new()
        .then_ok(credentials("at-1", None, Some(300)))
        .then_err(Error::transient("503").not_processed())
        .then_err(Error::invalid_response("nonsense"))
        .then_ok(credentials("at-2", None, Some(300)));
    let auth = exact(script.clone());
    let used = auth.credentials().await.unwrap();
    let mut rejecting = pin!(auth.reject(&used));
    assert!(at_once(rejecting.as_mut()).await.is_none());
    // Others wait while its replacement is on its way (R25): for the whole flight, and not for its first attempt only.
    let other = waiting(&auth).await;
    assert_eq!(rejecting.await.unwrap_err().kind(), ErrorKind::InvalidResponse);
    assert_eq!(script.requests(), 3);
    assert_eq!(other.await.unwrap().unwrap().access_token(), "at-1");
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    // The next 401 counts after the interval (R26).
    auth.reject(&used).await.unwrap_err();
    assert_eq!(script.requests(), 3);
    advance(seconds(10)).await;
    assert_eq!(auth.reject(&used).await.unwrap().access_token(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r26_refreshes_caused_by_rejections_are_ten_seconds_apart() {
    let script = series(Some(300));
    let auth = exact(script.clone());
    for _ in 0..60_000 {
        // A server that responds with 401 to everything.
        let used = auth.credentials().await.unwrap();
        let _ = auth.reject(&used).await;
        advance(millis(1)).await;
    }
    // The log-in, and then at 0, 10, … 50 s.
    assert_eq!(script.requests(), 7);
}

#[tokio::test(start_paused = true)]
async fn r26_meanwhile_its_401_stands_and_the_token_stays_in_use_elsewhere() {
    let script = series(Some(300));
    let auth = exact(script.clone());
    let first = auth.credentials().await.unwrap();
    rejected(&auth, &first).await;
    let second = auth.credentials().await.unwrap();
    advance(seconds(4)).await;
    let error = at_once(pin!(auth.reject(&second))).await.expect("no wait").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert_eq!(error.retry_after(), Some(seconds(6)));
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-2");
    quiet().await;
    assert_eq!(script.requests(), 2);
    advance(millis(5999)).await;
    auth.reject(&second).await.unwrap_err();
    advance(millis(1)).await;
    assert_eq!(rejected(&auth, &second).await, "at-3");
}

#[tokio::test(start_paused = true)]
async fn r26_with_a_short_lived_token_half_its_lifetime_is_the_interval() {
    let script = series(Some(8));
    let auth = exact(script.clone());
    let first = auth.credentials().await.unwrap();
    rejected(&auth, &first).await;
    let second = auth.credentials().await.unwrap();
    advance(millis(3999)).await;
    auth.reject(&second).await.unwrap_err();
    advance(millis(1)).await;
    assert_eq!(rejected(&auth, &second).await, "at-3");
}

#[tokio::test(start_paused = true)]
async fn r26_the_interval_is_the_configured_one() {
    let script = series(None);
    let timing = Timing::default().rejection_interval(seconds(2)).without_jitter();
    let auth = Authenticator::builder(script.clone()).clock(TestClock::new()).timing(timing).build();
    let first = auth.credentials().await.unwrap();
    rejected(&auth, &first).await;
    let second = auth.credentials().await.unwrap();
    advance(millis(1999)).await;
    auth.reject(&second).await.unwrap_err();
    advance(millis(1)).await;
    assert_eq!(rejected(&auth, &second).await, "at-3");
}

#[tokio::test(start_paused = true)]
async fn r26_the_first_rejection_after_a_quiet_time_refreshes_at_once() {
    let script = series(None);
    let auth = exact(script.clone());
    for n in 1..10 {
        let used = auth.credentials().await.unwrap();
        assert_eq!(rejected(&auth, &used).await, format!("at-{}", n + 1));
        advance(seconds(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn r26_a_refresh_for_another_reason_does_not_wait_for_the_interval() {
    let script = series(Some(300));
    let auth = exact(script.clone());
    let first = auth.credentials().await.unwrap();
    rejected(&auth, &first).await;
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-3");
}

/// The source can neither refresh nor log in. So nobody has refused the refresh token.
#[tokio::test(start_paused = true)]
async fn r24_credentials_that_nothing_can_renew_survive_a_false_401() {
    for refresh_token in [None, Some("rt")] {
        let auth = exact(credentials("at", refresh_token, Some(300)));
        let used = auth.credentials().await.unwrap();
        assert_eq!(auth.reject(&used).await.unwrap_err().kind(), ErrorKind::LoginRequired);
        assert_eq!(token_at_once(&auth).await.unwrap(), "at", "{refresh_token:?}");
    }
}

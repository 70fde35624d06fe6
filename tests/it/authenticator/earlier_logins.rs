//! Callers from before a log-out get nothing of the login that follows it, which may be another user's.

use std::pin::{Pin, pin};

use reauth::{Error, ErrorKind};
use tokio::time::advance;
use tower::{Layer, Service, ServiceExt};

use super::{at_once, exact, quiet, seconds, token, until, waiting};
use crate::support::source::{Respond, Script, credentials};
use crate::tower_layer::api::{Api, get, holding_first, layer, nth};

#[tokio::test(start_paused = true)]
async fn r17_a_waiter_from_before_a_log_out_is_not_handed_what_came_after_it() {
    let auth = exact(Script::new().then(Respond::Hang));
    let caller = waiting(&auth).await;
    // Somebody logs out, and somebody else logs in, before that caller is polled again.
    auth.log_out().await.unwrap();
    auth.set_credentials(credentials("at-2", None, Some(300))).await.unwrap();
    assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    assert_eq!(token(&auth).await.unwrap(), "at-2");
}

/// The refresh has ended, and its caller has not been polled since. Then the user logs out, and another user logs in.
#[tokio::test(start_paused = true)]
async fn r17_r44_a_request_from_before_a_log_out_is_not_sent_again_as_another_user() {
    let script = holding_first();
    let refresh = script.then_when();
    let (layer, auth) = layer(&script);
    let api = Api::taking(&["at-2", "at-other"]);
    let mut service = layer.layer(api.clone());
    let service = ServiceExt::<http::Request<String>>::ready(&mut service).await.unwrap();
    let mut sent = pin!(service.call(get("/")));
    assert!(at_once(sent.as_mut()).await.is_none(), "the first token is refused");
    until(|| script.requests() == 1).await;
    refresh.send(Ok(nth(2))).unwrap();
    quiet().await;
    auth.log_out().await.unwrap();
    auth.set_credentials(credentials("at-other", None, Some(300))).await.unwrap();
    assert_eq!(sent.await.unwrap().status(), 401);
    assert_eq!(api.tokens(), ["at-1"]);
}

#[tokio::test(start_paused = true)]
async fn r17_r44_a_caller_from_before_a_log_out_does_not_get_the_token_of_another_user() {
    let script = holding_first();
    let auth = exact(script.clone());
    token(&auth).await.unwrap();
    let refresh = script.then_when();
    let mut renewed = pin!(auth.refresh());
    assert!(at_once(renewed.as_mut()).await.is_none());
    until(|| script.requests() == 1).await;
    refresh.send(Ok(nth(2))).unwrap();
    quiet().await;
    auth.log_out().await.unwrap();
    auth.set_credentials(credentials("at-other", None, Some(300))).await.unwrap();
    assert_eq!(renewed.await.unwrap_err().kind(), ErrorKind::LoginRequired);
}

/// Flights and generations have different numbers: a flight that fails makes no generation.
#[tokio::test(start_paused = true)]
async fn r17_r44_nor_does_it_when_flights_had_failed_before() {
    let script = Script::new().then_err(Error::login_required("no")).then_err(Error::login_required("no"));
    let auth = exact(script.clone());
    for _ in 0..2 {
        token(&auth).await.unwrap_err();
        advance(seconds(60)).await;
    }
    let login = script.then_when();
    let mut call = pin!(auth.credentials());
    assert!(at_once(call.as_mut()).await.is_none());
    until(|| script.requests() == 3).await;
    login.send(Ok(credentials("at-1", None, Some(300)))).unwrap();
    quiet().await;
    auth.log_out().await.unwrap();
    auth.set_credentials(credentials("at-other", None, Some(300))).await.unwrap();
    assert_eq!(call.await.unwrap_err().kind(), ErrorKind::LoginRequired);
}

#[tokio::test(start_paused = true)]
async fn f116_r17_to_reject_the_credentials_of_another_login_returns_no_others() {
    let script = Script::new();
    let auth = exact(script.clone());
    let mut earlier = Vec::new();
    for user in ["ada", "bob", "eve"] {
        script.push(Respond::Now(Ok(credentials(&format!("{user}-1"), Some("rt"), Some(300)))));
        let first = auth.credentials().await.unwrap();
        script.push(Respond::Now(Ok(credentials(&format!("{user}-2"), Some("rt"), Some(300)))));
        let second = auth.refresh().await.unwrap();
        for old in &earlier {
            let error = auth.clone().reject(old).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LoginRequired, "{user}");
            assert_eq!(auth.credentials().await.unwrap().access_token(), second.access_token(), "{user}");
        }
        // Those of the same log-in are only late.
        let newer = auth.reject(&first.clone()).await.unwrap();
        assert_eq!(newer.access_token(), second.access_token());
        earlier.extend([first, second]);
        auth.log_out().await.unwrap();
    }
    assert_eq!(script.requests(), 6, "no rejection of another login's token starts a request");
}

#[tokio::test(start_paused = true)]
async fn f116_r24_credentials_that_come_back_are_judged_by_their_token() {
    // Another authenticator handed these out: that says nothing about a log-out of this one.
    let given = exact(credentials("at-1", Some("rt-1"), Some(300))).credentials().await.unwrap();
    let script = Script::new();
    let auth = exact(script.clone());
    auth.set_credentials(given.clone()).await.unwrap();
    script.push(Respond::Now(Ok(credentials("at-2", Some("rt-2"), Some(300)))));
    for _ in 0..2 {
        assert_eq!(auth.reject(&given).await.unwrap().access_token(), "at-2");
    }
    // These belong to an earlier log-in, but they are held again.
    let again = auth.credentials().await.unwrap();
    auth.log_out().await.unwrap();
    auth.set_credentials(again.clone()).await.unwrap();
    script.push(Respond::Now(Ok(credentials("at-3", Some("rt-3"), Some(300)))));
    assert_eq!(auth.reject(&again).await.unwrap().access_token(), "at-3");
    assert_eq!(script.requests(), 2);
}

/// Polls the first call until its request is open, then the second once.
pub(super) async fn begin_in_turn<T>(
    script: &Script,
    first: Pin<&mut impl Future<Output = T>>,
    second: Pin<&mut impl Future<Output = T>>,
) {
    assert!(at_once(first).await.is_none());
    until(|| script.requests() == 1).await;
    assert!(at_once(second).await.is_none());
}

/// Two callers ask for a refresh while a request is open. The second one wakes up after a log-out and another log-in.
#[tokio::test(start_paused = true)]
async fn r17_a_refresh_that_waits_for_another_gets_no_credentials_of_a_later_login() {
    let of = |user: &str| credentials(user, Some(&format!("rt-{user}")), Some(300));
    let script = Script::new().holding(of("ada")).without_login();
    let open = script.then_when();
    script.push(Respond::Now(Ok(of("bob-2"))));
    let auth = exact(script.clone());
    let (mut first, mut second) = (pin!(auth.refresh()), pin!(auth.refresh()));
    begin_in_turn(&script, first.as_mut(), second.as_mut()).await;
    open.send(Ok(of("ada-2"))).unwrap();
    assert_eq!(first.await.unwrap().access_token(), "ada-2");
    auth.log_out().await.unwrap();
    auth.set_credentials(of("bob")).await.unwrap();
    assert_eq!(second.await.unwrap_err().kind(), ErrorKind::LoginRequired);
    assert_eq!(script.requests(), 1, "bob's refresh token is not spent");
}

//! A log-out ends everything that is under way. Credentials that the program sets replace what is held.

use std::pin::{Pin, pin};

use reauth::{Error, ErrorKind};
use tokio::sync::oneshot;
use tokio::time::{advance, sleep};
use tower::{Layer, Service, ServiceExt};

use super::{at_once, exact, millis, quiet, seconds, token, token_at_once, until, waiting};
use crate::support::source::{Asked, Respond, Script, credentials};
use crate::tower_layer::api::{Api, get, holding_first, layer, nth};

#[tokio::test(start_paused = true)]
async fn r17_what_was_held_is_forgotten() {
    let script = Script::new().then_ok(credentials("at-1", Some("rt-1"), Some(300))).then_ok(credentials(
        "at-2",
        Some("rt-2"),
        Some(300),
    ));
    let auth = exact(script.clone());
    token(&auth).await.unwrap();
    auth.log_out().await.unwrap();
    assert_eq!(token(&auth).await.unwrap(), "at-2");
    assert_eq!(script.asked(), [Asked::Login, Asked::Login], "the refresh token is forgotten too");
}

#[tokio::test(start_paused = true)]
async fn r17_what_the_source_was_built_with_is_forgotten() {
    let auth = exact(credentials("given", Some("rt"), None));
    assert_eq!(token(&auth).await.unwrap(), "given");
    auth.log_out().await.unwrap();
    assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::LoginRequired);
}

#[tokio::test(start_paused = true)]
async fn f13_a_log_out_during_a_log_in_is_not_undone() {
    let script = Script::new();
    let login = script.then_when();
    let auth = exact(script.clone());
    let caller = waiting(&auth).await;
    until(|| script.requests() == 1).await;
    auth.log_out().await.unwrap();
    // The response comes too late, and is not kept.
    quiet().await;
    login.send(Ok(credentials("at-1", None, Some(300)))).unwrap();
    quiet().await;
    assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    // A source that can log in does so again.
    script.push(Respond::Now(Ok(credentials("at-2", None, Some(300)))));
    assert_eq!(token(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn f13_a_log_out_in_the_moment_the_response_arrives_is_not_undone() {
    let script = Script::new();
    let login = script.then_when();
    let auth = exact(script.clone());
    let caller = waiting(&auth).await;
    until(|| script.requests() == 1).await;
    // The response is there, and the flight has not been polled since.
    login.send(Ok(credentials("at-1", None, Some(300)))).unwrap();
    auth.log_out().await.unwrap();
    assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    quiet().await;
    script.push(Respond::Now(Ok(credentials("at-2", None, Some(300)))));
    assert_eq!(token(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn f13_a_log_out_during_a_refresh_is_not_undone() {
    for in_background in [true, false] {
        let script = Script::new().without_login().holding(credentials("at-1", Some("rt-1"), Some(300)));
        let refresh = script.then_when();
        let auth = exact(script.clone());
        advance(seconds(if in_background { 225 } else { 290 })).await;
        let _ = at_once(pin!(auth.credentials())).await;
        until(|| script.requests() == 1).await;
        auth.log_out().await.unwrap();
        let _ = refresh.send(Ok(credentials("at-2", Some("rt-2"), Some(300))));
        quiet().await;
        assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::LoginRequired);
        assert_eq!(script.requests(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn f13_a_log_out_between_two_attempts_ends_the_flight() {
    let script = Script::new().then_err(Error::transient("503").not_processed());
    let auth = exact(script.clone());
    let caller = waiting(&auth).await;
    until(|| script.requests() == 1).await;
    quiet().await;
    auth.log_out().await.unwrap();
    assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    sleep(seconds(60)).await;
    assert_eq!(script.requests(), 1, "no second attempt");
}

#[tokio::test(start_paused = true)]
async fn f13_a_log_out_before_the_flight_has_run_ends_it() {
    let script = Script::new().then_ok(credentials("at-1", None, Some(300)));
    let auth = exact(script.clone());
    let mut call = pin!(auth.credentials());
    assert!(at_once(call.as_mut()).await.is_none());
    auth.log_out().await.unwrap();
    assert_eq!(call.await.unwrap_err().kind(), ErrorKind::LoginRequired);
    quiet().await;
    assert_eq!(script.requests(), 0);
}

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

#[tokio::test(start_paused = true)]
async fn r17_the_flight_after_a_log_out_is_not_disturbed_by_the_one_before() {
    let script = Script::new();
    let (_before, gate) = oneshot::channel();
    script.push(Respond::When(gate));
    let after = script.then_when();
    let auth = exact(script.clone());
    let old = waiting(&auth).await;
    until(|| script.requests() == 1).await;
    auth.log_out().await.unwrap();
    // It starts before the old flight has noticed that it has ended.
    let mut new = pin!(auth.credentials());
    assert!(at_once(new.as_mut()).await.is_none());
    assert_eq!(old.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    until(|| script.requests() == 2).await;
    after.send(Ok(credentials("at-2", None, Some(300)))).unwrap();
    assert_eq!(new.await.unwrap().access_token(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r17_a_log_out_forgets_when_the_last_rejection_was() {
    let script = Script::new();
    for n in 1..=4 {
        script.push(Respond::Now(Ok(credentials(&format!("at-{n}"), None, None))));
    }
    let auth = exact(script.clone());
    let used = auth.credentials().await.unwrap();
    auth.reject(&used).await.unwrap();
    auth.log_out().await.unwrap();
    let used = auth.credentials().await.unwrap();
    assert_eq!(auth.reject(&used).await.unwrap().access_token(), "at-4");
}

#[tokio::test(start_paused = true)]
async fn credentials_from_elsewhere_are_used_at_once() {
    let script = Script::new().then_ok(credentials("at-1", Some("rt-1"), Some(300)));
    let auth = exact(script.clone());
    token(&auth).await.unwrap();
    auth.set_credentials(credentials("set", Some("rt-set"), Some(300))).await.unwrap();
    assert_eq!(token_at_once(&auth).await.unwrap(), "set");
    // They are refreshed from then on.
    script.push(Respond::Now(Ok(credentials("at-2", None, Some(300)))));
    assert_eq!(auth.refresh().await.unwrap().refresh_token(), Some("rt-set"));
    assert_eq!(script.asked()[1], Asked::Refresh("rt-set".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn credentials_from_elsewhere_win_over_a_flight() {
    let script = Script::new();
    let login = script.then_when();
    let auth = exact(script.clone());
    let caller = waiting(&auth).await;
    until(|| script.requests() == 1).await;
    auth.set_credentials(credentials("set", None, Some(300))).await.unwrap();
    let _ = login.send(Ok(credentials("at-1", None, Some(300))));
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "set", "its waiters get what was set");
    quiet().await;
    assert_eq!(token(&auth).await.unwrap(), "set");
}

#[tokio::test(start_paused = true)]
async fn credentials_from_elsewhere_end_a_rejection() {
    let script =
        Script::new().then_ok(credentials("at-1", None, Some(300))).then_err(Error::login_required("no"));
    let auth = exact(script.clone());
    let used = auth.credentials().await.unwrap();
    auth.reject(&used).await.unwrap_err();
    auth.set_credentials(credentials("set", None, Some(300))).await.unwrap();
    assert_eq!(token_at_once(&auth).await.unwrap(), "set");
}

#[tokio::test(start_paused = true)]
async fn credentials_from_elsewhere_count_from_when_they_were_set() {
    let script = Script::new().then_ok(credentials("at-1", None, Some(300)));
    let auth = exact(script.clone());
    advance(seconds(1000)).await;
    auth.set_credentials(credentials("set", None, Some(10))).await.unwrap();
    advance(millis(7499)).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "set");
    quiet().await;
    assert_eq!(script.requests(), 0);
    advance(millis(2501)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-1");
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
async fn begin_in_turn<T>(
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

#[tokio::test(start_paused = true)]
async fn r17_a_refresh_that_waits_gets_the_credentials_that_the_program_sets_meanwhile() {
    let script = Script::new().holding(credentials("at-1", Some("rt-1"), Some(300)));
    let _open = script.then_when();
    let auth = exact(script.clone());
    let (mut first, mut second) = (pin!(auth.refresh()), pin!(auth.refresh()));
    begin_in_turn(&script, first.as_mut(), second.as_mut()).await;
    auth.set_credentials(credentials("at-9", Some("rt-9"), Some(300))).await.unwrap();
    assert_eq!(first.await.unwrap().access_token(), "at-9");
    assert_eq!(second.await.unwrap().access_token(), "at-9");
    assert_eq!(script.requests(), 1);
}

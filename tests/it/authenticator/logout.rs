//! A log-out ends everything that is under way.

use std::pin::pin;

use reauth::{Error, ErrorKind};
use tokio::sync::oneshot;
use tokio::time::{advance, sleep};

use super::{at_once, exact, quiet, seconds, token, until, waiting};
use crate::support::source::{Asked, Respond, Script, credentials};

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

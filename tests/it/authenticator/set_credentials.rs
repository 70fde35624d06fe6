//! Credentials that the program sets replace what is held.

use std::pin::pin;

use reauth::Error;
use tokio::time::advance;

use super::{exact, millis, quiet, seconds, token, token_at_once, until, waiting};
use crate::support::source::{Asked, Respond, Script, credentials};

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

#[tokio::test(start_paused = true)]
async fn r17_a_refresh_that_waits_gets_the_credentials_that_the_program_sets_meanwhile() {
    let script = Script::new().holding(credentials("at-1", Some("rt-1"), Some(300)));
    let _open = script.then_when();
    let auth = exact(script.clone());
    let (mut first, mut second) = (pin!(auth.refresh()), pin!(auth.refresh()));
    super::earlier_logins::begin_in_turn(&script, first.as_mut(), second.as_mut()).await;
    auth.set_credentials(credentials("at-9", Some("rt-9"), Some(300))).await.unwrap();
    assert_eq!(first.await.unwrap().access_token(), "at-9");
    assert_eq!(second.await.unwrap().access_token(), "at-9");
    assert_eq!(script.requests(), 1);
}

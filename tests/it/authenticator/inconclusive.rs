//! A refusal that does not say that the refresh token is the reason (R9, R15).

use reauth::{Credentials, Error, ErrorKind};
use tokio::time::{advance, sleep};

use super::{exact, seconds, token, token_at_once};
use crate::support::source::{Asked, Respond, Script, credentials};

fn good(n: u32) -> Credentials {
    credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300))
}

fn empty_400() -> Error {
    Error::login_required("status 400").inconclusive()
}

fn refresh(token: &str) -> Asked {
    Asked::Refresh(token.to_owned())
}

/// PILOT's 500 while its backend is away for 15 s.
#[tokio::test(start_paused = true)]
async fn r09_f126_the_refresh_token_is_kept_and_tried_again_without_a_person() {
    let script = Script::new().holding(good(1)).without_login();
    for _ in 0..3 {
        script.push(Respond::Now(Err(empty_400())));
    }
    script.push(Respond::Now(Ok(good(2))));
    let auth = exact(script.clone());
    advance(seconds(300)).await;
    let mut seconds_down = 0;
    while let Err(error) = token(&auth).await {
        assert_eq!(error.kind(), ErrorKind::LoginRequired);
        sleep(seconds(1)).await;
        seconds_down += 1;
    }
    // The attempts are 5, 10 and 20 s apart.
    assert_eq!(seconds_down, 35);
    assert_eq!(script.asked(), vec![refresh("rt-1"); 4]);
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r09_a_source_that_can_log_in_does_so_in_the_same_flight() {
    let script = Script::new().holding(good(1)).then_err(empty_400()).then_ok(good(2));
    let auth = exact(script.clone());
    advance(seconds(300)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-2");
    assert_eq!(script.asked(), [refresh("rt-1"), Asked::Login]);
}

#[tokio::test(start_paused = true)]
async fn r09_a_definite_refusal_ends_it() {
    let script = Script::new().holding(good(1)).without_login();
    let script = script.then_err(empty_400()).then_err(Error::login_required("invalid_grant"));
    let auth = exact(script.clone());
    advance(seconds(300)).await;
    for _ in 0..100 {
        token(&auth).await.unwrap_err();
        sleep(seconds(10)).await;
    }
    assert_eq!(script.asked(), vec![refresh("rt-1"); 2]);
}

//! The first log-in, with a provider that can't be reached (R37).

use reauth::{Authenticator, Error, ErrorKind, Timing};
use tokio::time::Instant;

use super::{exact, seconds, token};
use crate::support::clock::TestClock;
use crate::support::source::{Respond, Script, credentials};

fn always(error: &Error) -> Script {
    let script = Script::new();
    for _ in 0..100 {
        script.push(Respond::Now(Err(error.clone())));
    }
    script
}

fn unreached() -> Error {
    Error::transient("dns error").unreached()
}

#[tokio::test(start_paused = true)]
async fn r37_three_attempts_are_made() {
    let script = always(&unreached());
    let auth = exact(script.clone());
    let begun = Instant::now();
    assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::Transient);
    assert_eq!(script.requests(), 3);
    assert!(begun.elapsed() < seconds(3), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn r37_the_time_is_a_setting() {
    let script = Script::new();
    for _ in 0..3 {
        script.push(Respond::After(seconds(4), Err(unreached())));
    }
    for (deadline, requests) in [(seconds(3), 1), (seconds(7), 2)] {
        let before = script.requests();
        let timing = Timing::default().without_jitter().first_login_deadline(deadline);
        let auth = Authenticator::builder(script.clone()).clock(TestClock::new()).timing(timing).build();
        token(&auth).await.unwrap_err();
        assert_eq!(script.requests() - before, requests);
    }
}

#[tokio::test(start_paused = true)]
async fn r37_a_provider_that_was_reached_gets_the_whole_flight() {
    let script = always(&Error::transient("503").not_processed());
    let auth = exact(script.clone());
    token(&auth).await.unwrap_err();
    assert_eq!(script.requests(), 10);
}

#[tokio::test(start_paused = true)]
async fn r37_a_later_log_in_gets_the_whole_flight() {
    let script = Script::new().then_ok(credentials("at-1", None, Some(60)));
    for _ in 0..100 {
        script.push(Respond::Now(Err(unreached())));
    }
    let auth = exact(script.clone());
    token(&auth).await.unwrap();
    tokio::time::advance(seconds(60)).await;
    let before = script.requests();
    token(&auth).await.unwrap_err();
    assert_eq!(script.requests() - before, 10);
}

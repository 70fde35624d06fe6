//! Within one flight, transient failures are tried again until its deadline.

use reauth::{Authenticator, Error, ErrorKind, Timing};
use tokio::time::{Instant, advance};

use super::{exact, millis, seconds, token};
use crate::support::clock::TestClock;
use crate::support::source::{Asked, Respond, Script, credentials};

fn down() -> Error {
    Error::transient("503").not_processed()
}

/// Tokio's timers have a resolution of a millisecond.
fn about(took: std::time::Duration, expected: std::time::Duration) -> bool {
    took >= expected && took < expected + millis(20)
}

#[tokio::test(start_paused = true)]
async fn r10_transient_failures_are_tried_again_with_doubling_waits_until_the_deadline() {
    let script = Script::new();
    for _ in 0..100 {
        script.push(Respond::Now(Err(down())));
    }
    let auth = exact(script.clone());
    let begun = Instant::now();
    assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::Transient);
    // 0.2 0.4 0.8 1.6 3.2 5 5 5 5: the tenth attempt is at 26.2 s, and another one would be after 30 s.
    assert!(about(begun.elapsed(), millis(26_200)), "{:?}", begun.elapsed());
    assert_eq!(script.requests(), 10);
}

#[tokio::test(start_paused = true)]
async fn r10_the_caller_gets_what_a_later_attempt_brought() {
    let script =
        Script::new().then_err(down()).then_err(down()).then_ok(credentials("at-1", None, Some(300)));
    let auth = exact(script.clone());
    let begun = Instant::now();
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    assert!(about(begun.elapsed(), millis(600)), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn r10_waits_have_full_jitter() {
    let mut waits = Vec::new();
    for _ in 0..50 {
        let script = Script::new().then_err(down()).then_ok(credentials("at-1", None, Some(300)));
        let auth = Authenticator::builder(script).clock(TestClock::new()).build();
        let begun = Instant::now();
        token(&auth).await.unwrap();
        waits.push(begun.elapsed());
    }
    assert!(waits.iter().all(|wait| *wait < millis(205)), "{waits:?}");
    let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
    assert!(*least < millis(60) && *most > millis(140), "between nothing and all of it: {waits:?}");
}

#[tokio::test(start_paused = true)]
async fn r10_retry_after_is_honoured() {
    for jitter in [true, false] {
        let script = Script::new().then_err(down().with_retry_after(seconds(7))).then_ok(credentials(
            "at-1",
            None,
            Some(300),
        ));
        let auth = match jitter {
            true => Authenticator::builder(script.clone()).clock(TestClock::new()).build(),
            false => exact(script.clone()),
        };
        let begun = Instant::now();
        assert_eq!(token(&auth).await.unwrap(), "at-1");
        assert!(about(begun.elapsed(), seconds(7)), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn r10_a_retry_after_past_the_deadline_ends_the_flight_and_holds_back_the_next() {
    // Past the deadline, and longer than the longest `Retry-After` that counts.
    for asked in [seconds(30), seconds(3600), std::time::Duration::MAX] {
        let script = Script::new().then_err(down().with_retry_after(asked)).then_ok(credentials(
            "at-1",
            None,
            Some(300),
        ));
        let auth = exact(script.clone());
        let begun = Instant::now();
        let error = token(&auth).await.unwrap_err();
        assert!(begun.elapsed().is_zero(), "a caller does not wait for an attempt that would come too late");
        // An hour is the longest that counts.
        let asked = asked.min(seconds(3600));
        assert_eq!(error.retry_after(), Some(asked));
        advance(asked - millis(1)).await;
        assert_eq!(token(&auth).await.unwrap_err().retry_after(), Some(millis(1)), "what is left of it");
        assert_eq!(script.requests(), 1);
        advance(millis(1)).await;
        assert_eq!(token(&auth).await.unwrap(), "at-1");
    }
}

#[tokio::test(start_paused = true)]
async fn r10_a_refresh_that_was_not_processed_is_tried_again_as_often_as_needed() {
    let script = Script::new()
        .holding(credentials("at-1", Some("rt-1"), None).with_expires_at(std::time::SystemTime::UNIX_EPOCH));
    for _ in 0..5 {
        script.push(Respond::Now(Err(down())));
    }
    script.push(Respond::Now(Ok(credentials("at-2", Some("rt-2"), Some(300)))));
    let auth = exact(script.clone());
    assert_eq!(token(&auth).await.unwrap(), "at-2");
    assert_eq!(script.asked(), vec![Asked::Refresh("rt-1".to_owned()); 6]);
}

#[tokio::test(start_paused = true)]
async fn r10_what_is_not_transient_is_not_tried_again() {
    for error in [Error::login_required("no"), Error::misconfigured("no"), Error::invalid_response("no")] {
        let script = Script::new().then_err(error.clone()).then_ok(credentials("at-1", None, Some(300)));
        let auth = exact(script.clone());
        assert_eq!(token(&auth).await.unwrap_err().kind(), error.kind());
        assert_eq!(script.requests(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn r10_the_longest_retry_after_is_a_setting() {
    let script = Script::new().then_err(down().with_retry_after(seconds(3600))).then_ok(credentials(
        "at-1",
        None,
        Some(300),
    ));
    let timing = Timing::default().without_jitter().retry_after_max(seconds(100));
    let auth = Authenticator::builder(script.clone()).clock(TestClock::new()).timing(timing).build();
    assert_eq!(token(&auth).await.unwrap_err().retry_after(), Some(seconds(100)));
    advance(seconds(100)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-1");
}

/// A 4xx may ask for more time than a terminal error is remembered (R11).
#[tokio::test(start_paused = true)]
async fn r10_r11_a_terminal_error_is_remembered_for_as_long_as_the_server_asks() {
    let refused = Error::login_required("locked").with_retry_after(seconds(60));
    let script = Script::new().then_err(refused).then_ok(credentials("at-1", None, Some(300)));
    let auth = exact(script.clone());
    token(&auth).await.unwrap_err();
    advance(millis(59_999)).await;
    token(&auth).await.unwrap_err();
    assert_eq!(script.requests(), 1);
    advance(millis(1)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-1");
}

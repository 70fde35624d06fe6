//! A source that panics, hangs or fails ends its flight with an error. The next flight is not affected.

use reauth::store::{CredentialStore, Entry, MemoryStore};
use reauth::{Authenticator, CredentialSource, Credentials, Error, ErrorKind, Timing};
use tokio::time::{Instant, advance};

use super::{exact, millis, quiet, seconds, token, token_at_once, until, waiting};
use crate::support::clock::TestClock;
use crate::support::source::{Asked, Respond, Script, credentials};

fn five_minutes(access: &str) -> Credentials {
    credentials(access, Some("rt"), Some(300))
}

#[tokio::test(start_paused = true)]
async fn f24_a_panic_in_the_source_is_an_error_and_the_next_call_recovers() {
    let script = Script::new().then(Respond::Panic).then_ok(five_minutes("at-1"));
    let auth = exact(script.clone());
    let (a, b) = tokio::join!(auth.credentials(), auth.credentials());
    for error in [a.unwrap_err(), b.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Transient);
        assert!(error.to_string().contains("panicked"), "{error}");
    }
    // At once: the provider may be well.
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn f24_a_source_that_panics_before_its_first_await_does_no_more_harm() {
    struct Panics;

    impl CredentialSource for Panics {
        // No future is made: the call itself panics.
        fn login(&self) -> impl Future<Output = Result<Credentials, Error>> + Send {
            if true {
                panic!("as the test says");
            }
            std::future::pending()
        }
    }

    assert_eq!(token(&exact(Panics)).await.unwrap_err().kind(), ErrorKind::Transient);
}

#[tokio::test(start_paused = true)]
async fn f24_a_panic_in_the_background_does_not_harm_callers() {
    let script =
        Script::new().then_ok(five_minutes("at-1")).then(Respond::Panic).then_ok(five_minutes("at-2"));
    let auth = exact(script.clone());
    token(&auth).await.unwrap();
    advance(seconds(225)).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    quiet().await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    quiet().await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-2");
    assert_eq!(script.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn r07_a_source_that_panics_every_time_is_not_asked_in_a_tight_loop() {
    let script = Script::new();
    for _ in 0..10_000 {
        script.push(Respond::Panic);
    }
    let auth = exact(script.clone());
    for _ in 0..6000 {
        token(&auth).await.unwrap_err();
        advance(millis(10)).await;
    }
    assert!((10..=20).contains(&script.requests()), "{} requests", script.requests());
}

#[tokio::test(start_paused = true)]
async fn r07_a_panic_after_the_refresh_token_was_sent_leaves_it_in_doubt() {
    let script = Script::new().then_ok(credentials("at-1", Some("rt-1"), Some(300))).then(Respond::Panic);
    script.push(Respond::Now(Ok(five_minutes("at-2"))));
    let store = MemoryStore::new();
    let auth = Authenticator::builder(script.clone()).store(store.clone()).clock(TestClock::new()).build();
    token(&auth).await.unwrap();
    advance(seconds(300)).await;
    token(&auth).await.unwrap_err();
    // Another process refreshed meanwhile: the store is read before the refresh token is tried again.
    store.save(&Entry::new(five_minutes("at-other"))).await.unwrap();
    assert_eq!(token(&auth).await.unwrap(), "at-other");
    assert_eq!(script.asked(), [Asked::Login, Asked::Refresh("rt-1".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn f25_an_error_then_success() {
    for error in [
        Error::login_required("no"),
        Error::misconfigured("no"),
        Error::invalid_response("no"),
        Error::store("a source may say so"),
    ] {
        let script = Script::new().then_err(error.clone()).then_ok(five_minutes("at-1"));
        let auth = exact(script.clone());
        let (a, b, c) = tokio::join!(auth.credentials(), auth.credentials(), auth.credentials());
        for got in [a, b, c] {
            assert_eq!(got.unwrap_err().kind(), error.kind());
        }
        advance(seconds(5)).await;
        assert_eq!(token(&auth).await.unwrap(), "at-1");
        assert_eq!(script.requests(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn r07_a_source_that_hangs_fails_at_the_deadline_of_the_flight() {
    let script = Script::new().then(Respond::Hang).then_ok(five_minutes("at-1"));
    let auth = exact(script.clone());
    let begun = Instant::now();
    let callers = [waiting(&auth).await, waiting(&auth).await];
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::Transient);
    }
    let took = begun.elapsed();
    assert!(took >= seconds(30) && took < millis(30_010), "{took:?}");
    // The back-off with nothing usable begins at 200 ms.
    token(&auth).await.unwrap_err();
    advance(millis(200)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn r07_the_deadline_is_the_configured_one() {
    let script = Script::new().then(Respond::Hang);
    let timing = Timing::default().flight_deadline(seconds(3));
    let auth = Authenticator::builder(script).clock(TestClock::new()).timing(timing).build();
    let begun = Instant::now();
    token(&auth).await.unwrap_err();
    assert!(begun.elapsed() < millis(3010));
}

#[tokio::test(start_paused = true)]
async fn r07_a_refresh_that_hangs_is_not_sent_again_at_the_deadline() {
    for store in [None, Some(MemoryStore::new())] {
        let script = Script::new().then_ok(credentials("at-1", Some("rt-1"), Some(300))).then(Respond::Hang);
        let builder = Authenticator::builder(script.clone()).clock(TestClock::new());
        let auth = match store {
            Some(store) => builder.store(store),
            None => builder,
        };
        let auth = auth.build();
        token(&auth).await.unwrap();
        advance(seconds(300)).await;
        token(&auth).await.unwrap_err();
        assert_eq!(script.requests(), 2, "sent once, and not once more with no time left for a response");
    }
}

#[tokio::test(start_paused = true)]
async fn r07_nothing_waits_for_a_flight_that_panicked_while_its_waiters_came_and_went() {
    let script = Script::new();
    let (gate, release) = tokio::sync::oneshot::channel();
    script.push(Respond::When(release));
    script.push(Respond::Panic);
    script.push(Respond::Now(Ok(five_minutes("at-1"))));
    let auth = exact(script.clone());
    let gone = waiting(&auth).await;
    let stays = waiting(&auth).await;
    gone.abort();
    gate.send(Err(Error::transient("first").not_processed())).unwrap();
    until(|| script.requests() == 1).await;
    let late = waiting(&auth).await;
    assert!(stays.await.unwrap().is_err());
    assert!(late.await.unwrap().is_err());
    assert_eq!(token(&auth).await.unwrap(), "at-1");
}

//! The order is: exchange, save, publish. And what happens if saving fails.

use std::pin::pin;

use reauth::store::{CredentialStore, MemoryStore};
use reauth::{Authenticator, Credentials, Timing};
use tokio::time::{Instant, advance};

use super::gated::{Call, Gated, allow, next, save};
use super::{kept, tokens, with_store};
use crate::authenticator::{at_once, millis, quiet, seconds, token, token_at_once, until, waiting};
use crate::support::clock::TestClock;
use crate::support::source::{Respond, Script, credentials};

fn good(n: u32) -> Credentials {
    credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300))
}

fn series() -> Script {
    let script = Script::new();
    for n in 1..=20 {
        script.push(Respond::Now(Ok(good(n))));
    }
    script
}

#[tokio::test(start_paused = true)]
async fn r16_no_caller_sees_credentials_before_they_are_stored() {
    let (store, mut calls) = Gated::new();
    let (auth, recorder) = with_store(series(), store);
    let first = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    let saving = next(&mut calls, save("at-1")).await;
    let late = waiting(&auth).await;
    quiet().await;
    assert!(!first.is_finished() && !late.is_finished());
    assert_eq!(recorder.take(), ["started 0 missing"]);
    saving.go();
    assert_eq!(first.await.unwrap().unwrap().access_token(), "at-1");
    assert_eq!(late.await.unwrap().unwrap().access_token(), "at-1");
    assert_eq!(recorder.take(), ["succeeded 1 missing in 0ns for 2"]);
}

#[tokio::test(start_paused = true)]
async fn r16_while_it_is_being_stored_a_valid_token_stays_in_use() {
    let (store, mut calls) = Gated::new();
    let (auth, _) = with_store(series(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    allow(&mut calls, save("at-1")).await;
    caller.await.unwrap().unwrap();
    advance(seconds(225)).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    let saving = next(&mut calls, save("at-2")).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    saving.go();
    quiet().await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r16_what_is_stored_is_what_was_issued_with_its_expiry() {
    let store = MemoryStore::new();
    let (auth, _) = with_store(series(), store.clone());
    let got = auth.credentials().await.unwrap();
    let kept = store.load().await.unwrap().unwrap();
    let kept = kept.credentials().unwrap();
    assert_eq!((kept.access_token(), kept.refresh_token()), ("at-1", Some("rt-1")));
    assert!(kept.expires_at().is_some() && kept.expires_at() == got.expires_at());
}

#[tokio::test(start_paused = true)]
async fn r16_a_store_that_fails_is_reported_the_token_is_used_and_the_next_write_tries_again() {
    let (store, mut calls) = Gated::new();
    let kept_by_it = store.kept.clone();
    let (auth, recorder) = with_store(series(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    next(&mut calls, save("at-1")).await.fail();
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-1");
    assert_eq!(
        recorder.take(),
        ["started 0 missing", "store failed: the test says no", "succeeded 1 missing in 0ns for 1"]
    );
    assert_eq!(kept(&kept_by_it).await, None);
    // The save is tried again in the background.
    allow(&mut calls, save("at-1")).await;
    quiet().await;
    assert_eq!(kept(&kept_by_it).await, tokens("at-1", "rt-1"));
    assert_eq!(recorder.take(), ["rotation 1 saved"]);
    let mut refreshing = pin!(auth.refresh());
    assert!(at_once(refreshing.as_mut()).await.is_none());
    allow(&mut calls, save("at-2")).await;
    refreshing.await.unwrap();
    assert_eq!(kept(&kept_by_it).await, tokens("at-2", "rt-2"));
}

#[tokio::test(start_paused = true)]
async fn r16_after_a_failed_write_the_older_entry_in_the_store_is_not_adopted() {
    let (store, mut calls) = Gated::new();
    let script = Script::new().then_ok(good(1)).then_ok(good(2));
    let (auth, recorder) = with_store(script.clone(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    allow(&mut calls, save("at-1")).await;
    caller.await.unwrap().unwrap();
    let mut refreshing = pin!(auth.refresh());
    assert!(at_once(refreshing.as_mut()).await.is_none());
    let saving = next(&mut calls, save("at-2")).await;
    recorder.take();
    saving.fail();
    quiet().await;
    assert!(at_once(refreshing.as_mut()).await.is_none(), "nobody gets what would be lost");
    assert_eq!(recorder.take(), ["rotation 2 unsaved: the test says no"]);
    allow(&mut calls, save("at-2")).await;
    refreshing.await.unwrap();
    // rt-2 is refused. The store has what this authenticator wrote: there is nothing to adopt.
    script.push(Respond::Now(Err(reauth::Error::login_required("revoked"))));
    script.push(Respond::Now(Ok(good(3))));
    let mut refreshing = pin!(auth.refresh());
    assert!(at_once(refreshing.as_mut()).await.is_none());
    allow(&mut calls, Call::Load).await;
    allow(&mut calls, save("at-3")).await;
    assert_eq!(refreshing.await.unwrap().access_token(), "at-3");
}

#[tokio::test(start_paused = true)]
async fn r16_a_store_that_hangs_costs_its_time_limit_and_no_more() {
    for limit in [None, Some(seconds(2))] {
        let (store, mut calls) = Gated::new();
        let timing = Timing::default().without_jitter();
        let timing = match limit {
            Some(limit) => timing.store_timeout(limit),
            None => timing,
        };
        let clock = TestClock::new();
        let auth = Authenticator::builder(series()).store(store).clock(clock).timing(timing).build();
        let begun = Instant::now();
        let caller = waiting(&auth).await;
        drop(next(&mut calls, Call::Load).await);
        drop(next(&mut calls, save("at-1")).await);
        assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-1");
        let expected = limit.unwrap_or(Timing::STORE_TIMEOUT) * 2;
        let took = begun.elapsed();
        assert!(took >= expected && took < expected + millis(20), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r07_a_store_that_panics_while_saving_does_not_cost_the_token() {
    let (store, mut calls) = Gated::new();
    let (auth, recorder) = with_store(series(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    next(&mut calls, save("at-1")).await.panic();
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-1");
    let lines = recorder.take();
    assert!(lines[1].starts_with("store failed: "), "{lines:?}");
    assert!(lines[2].starts_with("succeeded 1 "), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn r07_a_store_that_panics_while_loading_fails_the_flight_and_the_next_call_recovers() {
    let (store, mut calls) = Gated::new();
    let (auth, _) = with_store(series(), store);
    let caller = waiting(&auth).await;
    next(&mut calls, Call::Load).await.panic();
    caller.await.unwrap().unwrap_err();
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    allow(&mut calls, save("at-1")).await;
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-1");
}

#[test]
fn f31_a_runtime_that_is_dropped_while_saving_does_not_cost_the_token() {
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (store, mut calls) = Gated::new();
    let script = series();
    let auth = Authenticator::builder(script.clone()).store(store).build();
    let a = runtime();
    a.block_on(async {
        assert!(at_once(pin!(auth.credentials())).await.is_none());
        allow(&mut calls, Call::Load).await;
        drop(next(&mut calls, save("at-1")).await);
    });
    drop(a);
    assert_eq!(runtime().block_on(token(&auth)).unwrap(), "at-1");
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r06_a_caller_that_goes_away_while_it_is_being_stored_changes_nothing() {
    let (store, mut calls) = Gated::new();
    let kept_by_it = store.kept.clone();
    let (auth, _) = with_store(series(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    let saving = next(&mut calls, save("at-1")).await;
    caller.abort();
    quiet().await;
    assert!(!saving.is_dropped());
    saving.go();
    quiet().await;
    assert_eq!(kept(&kept_by_it).await, tokens("at-1", "rt-1"));
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
}

#[tokio::test(start_paused = true)]
async fn r12_the_refresh_token_of_a_response_that_cannot_be_used_is_stored() {
    let store = MemoryStore::new();
    let expired = credentials("at-1", Some("rt-1"), None).with_expires_at(std::time::SystemTime::UNIX_EPOCH);
    let (auth, _) = with_store(Script::new().then_ok(expired), store.clone());
    token(&auth).await.unwrap_err();
    assert_eq!(kept(&store).await, tokens("at-1", "rt-1"));
}

#[tokio::test(start_paused = true)]
async fn r16_credentials_that_the_program_sets_are_stored() {
    let (store, mut calls) = Gated::new();
    let kept_by_it = store.kept.clone();
    let (auth, _) = with_store(Script::new(), store);
    let mut setting = pin!(auth.set_credentials(good(7)));
    assert!(at_once(setting.as_mut()).await.is_none());
    // The credentials are in use already.
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-7");
    allow(&mut calls, Call::Load).await;
    allow(&mut calls, save("at-7")).await;
    setting.await.unwrap();
    assert_eq!(kept(&kept_by_it).await, tokens("at-7", "rt-7"));
    let mut setting = pin!(auth.set_credentials(good(8)));
    assert!(at_once(setting.as_mut()).await.is_none());
    next(&mut calls, save("at-8")).await.fail();
    assert_eq!(setting.await.unwrap_err().kind(), reauth::ErrorKind::Store);
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-8");
}

#[tokio::test(start_paused = true)]
async fn r16_a_refresh_that_failed_writes_nothing() {
    let script = Script::new().then_ok(good(1)).then_err(reauth::Error::invalid_response("nonsense"));
    let (store, mut calls) = Gated::new();
    let (auth, _) = with_store(script.clone(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    allow(&mut calls, save("at-1")).await;
    caller.await.unwrap().unwrap();
    auth.refresh().await.unwrap_err();
    until(|| script.requests() == 2).await;
    assert!(calls.try_recv().is_err());
}

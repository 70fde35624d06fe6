//! Runtimes come and go. Building an authenticator needs none, and a flight ends with its runtime.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{SystemTime, UNIX_EPOCH};

use reauth::clock::{Clock, Reading};
use reauth::store::{CredentialStore, Entry, MemoryStore};
use reauth::{Authenticator, Error, ErrorKind, Timing};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::{Instant, sleep, timeout};

use super::{Recorder, at_once, millis, quiet, seconds, token, until};
use crate::support::clock::in_paused_time;
use crate::support::source::{Asked, Respond, Script, credentials};

pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// A clock that outlives every runtime, in seconds.
#[derive(Clone, Default)]
pub(super) struct Seconds(Arc<AtomicU64>);

impl Seconds {
    pub(super) fn advance(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }
}

impl Clock for Seconds {
    fn now(&self) -> Reading {
        let monotonic = seconds(self.0.load(Ordering::Relaxed));
        Reading { monotonic, wall: UNIX_EPOCH + monotonic }
    }
}

/// Starts a call, and drops it when the source has been asked for the nth time.
async fn begin(auth: &Authenticator, script: &Script, requests: usize) {
    assert!(at_once(pin!(auth.credentials())).await.is_none());
    until(|| script.requests() == requests).await;
}

#[test]
fn f31_a_flight_begun_in_a_runtime_that_was_dropped_does_not_bind_the_next() {
    let script = Script::new().then(Respond::Hang).then_ok(credentials("at-1", None, Some(300)));
    let auth = Authenticator::new(script.clone());
    let a = runtime();
    a.block_on(begin(&auth, &script, 1));
    drop(a);
    // At once, without a back-off: the provider may be well.
    assert_eq!(runtime().block_on(token(&auth)).unwrap(), "at-1");
    assert_eq!(script.requests(), 2);
}

#[test]
fn f31_nor_does_a_flight_that_never_ran_before_its_runtime_was_dropped() {
    let script = Script::new().then_ok(credentials("at-1", None, Some(300)));
    let auth = Authenticator::new(script.clone());
    let a = runtime();
    a.block_on(async { assert!(at_once(pin!(auth.credentials())).await.is_none()) });
    drop(a);
    assert_eq!(script.requests(), 0);
    assert_eq!(runtime().block_on(token(&auth)).unwrap(), "at-1");
}

#[test]
fn f31_a_caller_that_waits_in_b_learns_that_a_was_dropped() {
    let script = Script::new().then(Respond::Hang).then_ok(credentials("at-1", None, Some(300)));
    let auth = Authenticator::new(script.clone());
    let a = runtime();
    a.block_on(begin(&auth, &script, 1));
    runtime().block_on(async {
        let mut call = pin!(auth.credentials());
        assert!(at_once(call.as_mut()).await.is_none());
        a.shutdown_background();
        let error = at_once(call.as_mut()).await.expect("it is woken, and has no deadline to wait for");
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Transient);
        assert_eq!(token(&auth).await.unwrap(), "at-1");
    });
}

#[test]
fn f31_a_runtime_that_is_alive_and_not_driven_holds_nobody_for_ever() {
    let script = Script::new().then(Respond::Hang).then_ok(credentials("at-1", None, Some(300)));
    let auth = Authenticator::new(script.clone());
    let a = runtime();
    a.block_on(begin(&auth, &script, 1));
    let b = runtime();
    // Paused time runs to the limit: the deadline of a flight and the time limits of the store, and hardly more. If it
    // were less, a flight that is slow, within its limits, would count as one that stands still.
    b.block_on(async {
        let begun = Instant::now();
        let waited = timeout(seconds(100), token(&auth)).await.expect("it ends");
        assert_eq!(waited.unwrap_err().kind(), ErrorKind::Transient);
        let limit = Timing::FLIGHT_DEADLINE + 4 * Timing::STORE_TIMEOUT;
        assert!(begun.elapsed() > limit + millis(100), "{:?}", begun.elapsed());
        assert!(begun.elapsed() < seconds(60), "{:?}", begun.elapsed());
    });
    assert_eq!(b.block_on(token(&auth)).unwrap(), "at-1");
    // Whatever A still does for the flight that it started changes nothing.
    a.block_on(async {
        sleep(seconds(60)).await;
        assert_eq!(token(&auth).await.unwrap(), "at-1");
    });
    assert_eq!(script.requests(), 2);
}

#[test]
fn r14_the_response_to_a_refresh_is_used_although_its_runtime_stood_still_for_too_long() {
    let clock = Seconds::default();
    let script = Script::new().holding(credentials("at-1", Some("rt-1"), Some(300))).without_login();
    let refresh = script.then_when();
    let store = MemoryStore::new();
    let auth = Authenticator::builder(script.clone()).clock(clock.clone()).store(store.clone()).build();
    clock.advance(300);
    let a = runtime();
    a.block_on(begin(&auth, &script, 1));
    // Somebody who waits elsewhere finds that A stands still.
    let error = runtime().block_on(token(&auth)).unwrap_err();
    assert!(error.to_string().contains("stands still"), "{error}");
    refresh.send(Ok(credentials("at-2", Some("rt-2"), Some(300)))).unwrap();
    a.block_on(quiet());
    assert_eq!(runtime().block_on(token(&auth)).unwrap(), "at-2");
    let stored = a.block_on(store.load()).unwrap().unwrap();
    assert_eq!(stored.credentials().unwrap().refresh_token(), Some("rt-2"));
    assert_eq!(script.asked(), [Asked::Refresh("rt-1".to_owned())]);
}

#[test]
fn r07_flights_that_are_cut_off_are_not_an_outage_however_many_there_are() {
    // Each call has a runtime of its own. A refresh in the background is cut off with it.
    let script = Script::new().holding(credentials("at-1", None, Some(3600)));
    let clock = Seconds::default();
    let timing = Timing::default().without_jitter();
    let auth = Authenticator::builder(script.clone()).clock(clock.clone()).timing(timing).build();
    clock.advance(3300);
    for _ in 0..300 {
        assert_eq!(runtime().block_on(token(&auth)).unwrap(), "at-1");
        clock.advance(1);
    }
    // The token has expired. The provider was there all the time, and it fails one request now.
    clock.advance(5);
    script.push(Respond::Now(Err(Error::transient("503").not_processed())));
    script.push(Respond::Now(Ok(credentials("at-2", None, Some(3600)))));
    assert_eq!(runtime().block_on(token(&auth)).unwrap(), "at-2");
}

#[test]
fn f31_a_runtime_that_stands_still_is_noticed_when_no_caller_waits_any_more() {
    let script = Script::new().then(Respond::Hang);
    let recorder = Recorder::default();
    let auth = Authenticator::builder(script.clone()).observer(recorder.observer()).build();
    let a = runtime();
    a.block_on(begin(&auth, &script, 1));
    recorder.take();
    runtime().block_on(async {
        assert!(at_once(pin!(auth.credentials())).await.is_none(), "a caller that leaves");
        sleep(seconds(60)).await;
    });
    let told = recorder.take();
    assert!(told.len() == 1 && told[0].starts_with("failed 0 "), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn r07_one_task_watches_over_the_flight_however_many_callers_wait() {
    let script = Script::new();
    let login = script.then_when();
    let auth = in_paused_time(script.clone()).build();
    let mut calls: Vec<_> = (0..100).map(|_| Box::pin(auth.credentials())).collect();
    for call in &mut calls {
        assert!(at_once(call.as_mut()).await.is_none());
    }
    until(|| script.requests() == 1).await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    assert_eq!(tasks(), 2, "the flight, and the one that watches over it");
    login.send(Ok(credentials("at-1", None, Some(300)))).unwrap();
    quiet().await;
    assert_eq!(tasks(), 0, "none outlives the flight");
}

#[test]
fn f31_a_refresh_token_sent_by_a_runtime_that_was_dropped_is_tried_once_more() {
    let expired = credentials("at-1", Some("rt-1"), None).with_expires_at(SystemTime::UNIX_EPOCH);
    let script =
        Script::new().holding(expired).then(Respond::Hang).then_ok(credentials("at-2", None, Some(300)));
    let auth = Authenticator::new(script.clone());
    let a = runtime();
    a.block_on(begin(&auth, &script, 1));
    drop(a);
    assert_eq!(runtime().block_on(token(&auth)).unwrap(), "at-2");
    let refresh = Asked::Refresh("rt-1".to_owned());
    assert_eq!(script.asked(), [refresh.clone(), refresh]);
}

#[test]
fn r18_building_needs_no_runtime_and_begins_nothing() {
    let recorder = Recorder::default();
    let script = Script::new().holding(credentials("at-1", Some("rt-1"), Some(1)));
    let auth = Authenticator::builder(script.clone())
        .store(MemoryStore::new())
        .observer(recorder.observer())
        .build();
    let clone = auth.clone();
    runtime().block_on(quiet());
    assert_eq!(script.requests(), 0);
    assert!(recorder.take().is_empty());
    drop((auth, clone));
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[test]
fn r18_without_a_tokio_runtime_a_fetch_is_an_error_and_not_a_panic() {
    let script = Script::new().then_ok(credentials("at-1", None, Some(300)));
    let auth = Authenticator::new(script.clone());
    for _ in 0..3 {
        let error = poll_once(pin!(auth.credentials())).expect("it does not hang").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("Tokio"), "{error}");
    }
    let error = poll_once(pin!(auth.refresh())).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert_eq!(script.requests(), 0);
}

#[test]
fn r18_without_a_tokio_runtime_what_is_in_hand_can_be_used_and_changed() {
    for store in [None, Some(MemoryStore::new())] {
        let builder = Authenticator::builder(Script::new());
        let auth = match store {
            Some(store) => builder.store(store),
            None => builder,
        };
        let auth = auth.build();
        poll_once(pin!(auth.set_credentials(credentials("at-1", None, None)))).unwrap().unwrap();
        let held = poll_once(pin!(auth.credentials())).unwrap().unwrap();
        assert_eq!(held.access_token(), "at-1");
        let error = poll_once(pin!(auth.reject(&held))).unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        poll_once(pin!(auth.log_out())).unwrap().unwrap();
        poll_once(pin!(auth.credentials())).unwrap().unwrap_err();
    }
}

#[test]
fn r18_an_authenticator_that_failed_without_a_runtime_works_within_one() {
    let script = Script::new().then_ok(credentials("at-1", None, Some(300)));
    let auth = Authenticator::new(script);
    // However often this happens: a call without a runtime says nothing about the provider.
    for _ in 0..3 {
        poll_once(pin!(auth.credentials())).unwrap().unwrap_err();
    }
    assert_eq!(runtime().block_on(token(&auth)).unwrap(), "at-1");
}

/// Only `load` ever returns.
struct Stuck;

impl CredentialStore for Stuck {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        Ok(None)
    }

    async fn save(&self, _: &Entry) -> Result<(), Error> {
        std::future::pending().await
    }
}

#[test]
fn r07_a_store_call_without_a_runtime_has_no_limit_and_still_delays_no_other_caller() {
    let script = Script::new().then_ok(credentials("at-1", None, Some(300)));
    let auth = Authenticator::builder(script).store(Stuck).build();
    let mut log_out = pin!(auth.log_out());
    assert!(poll_once(log_out.as_mut()).is_none(), "it has the store's turn");
    // Five seconds for the call that forgets, five for the one that takes the guard, and five for the one that saves.
    let got = runtime().block_on(async { timeout(seconds(20), token(&auth)).await });
    assert_eq!(got.expect("the wait for the turn has a limit as well").unwrap(), "at-1");
}

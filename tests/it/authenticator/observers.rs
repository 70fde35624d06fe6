//! Observers that misbehave change nothing, and no lock is held while they run.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};

use reauth::{Authenticator, AuthenticatorBuilder, CredentialSource, ErrorKind, Event, Timing};
use tokio::time::sleep;

use super::{at_once, seconds, token};
use crate::support::clock::TestClock;
use crate::support::source::{Script, credentials};

fn builder(source: impl CredentialSource) -> AuthenticatorBuilder {
    Authenticator::builder(source).clock(TestClock::new()).timing(Timing::default().without_jitter())
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_costs_nothing() {
    let script = Script::new().then_ok(credentials("at-1", None, Some(300))).then_ok(credentials(
        "at-2",
        None,
        Some(300),
    ));
    let auth = builder(script.clone()).observer(|_| panic!("as the test says")).build();
    let used = auth.credentials().await.unwrap();
    assert_eq!(auth.reject(&used).await.unwrap().access_token(), "at-2");
    auth.log_out().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_calls_back_finds_no_lock_held() {
    let auth: Arc<OnceLock<Authenticator>> = Arc::default();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let (again, log) = (auth.clone(), seen.clone());
    let observer = move |event: &Event| {
        let auth = again.get().unwrap();
        // Polls the call once: that is enough to take every lock.
        let mut context = Context::from_waker(Waker::noop());
        let got = match pin!(auth.credentials()).poll(&mut context) {
            Poll::Ready(got) => got.map_or_else(|e| e.to_string(), |c| c.access_token().to_owned()),
            Poll::Pending => "waits".to_owned(),
        };
        if matches!(event, Event::Rejected { .. }) {
            let _ = pin!(auth.refresh()).poll(&mut context);
        }
        log.lock().unwrap().push(got);
    };
    let script = Script::new().then_ok(credentials("at-1", None, Some(300))).then_ok(credentials(
        "at-2",
        None,
        Some(300),
    ));
    let built = builder(script.clone()).observer(observer).build();
    auth.set(built.clone()).unwrap();
    let used = built.credentials().await.unwrap();
    assert_eq!(built.reject(&used).await.unwrap().access_token(), "at-2");
    assert_eq!(*seen.lock().unwrap(), ["waits", "at-1", "waits", "waits", "at-2"]);
    assert_eq!(script.requests(), 2);
    auth.get().unwrap().log_out().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_clears_from_within_an_event_wins() {
    let auth: Arc<OnceLock<Authenticator>> = Arc::default();
    let again = auth.clone();
    let observer = move |event: &Event| {
        if matches!(event, Event::RefreshStarted { generation: 0, .. }) {
            let auth = again.get().unwrap();
            let mut context = Context::from_waker(Waker::noop());
            assert!(pin!(auth.log_out()).poll(&mut context).is_ready());
        }
    };
    let script = Script::new().then_ok(credentials("at-1", None, Some(300)));
    let built = builder(script.clone()).observer(observer).build();
    auth.set(built.clone()).unwrap();
    assert_eq!(token(&built).await.unwrap_err().kind(), ErrorKind::LoginRequired);
    sleep(seconds(1)).await;
    assert_eq!(script.requests(), 0);
    assert!(at_once(pin!(built.log_out())).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn events_from_within_an_observer_come_after_it_has_returned() {
    let auth: Arc<OnceLock<Authenticator>> = Arc::default();
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let (again, log) = (auth.clone(), told.clone());
    let observer = move |event: &Event| {
        let started = matches!(event, Event::RefreshStarted { .. });
        log.lock().unwrap().push(if started { "started" } else { "another" }.to_owned());
        if started {
            let _ = pin!(again.get().unwrap().log_out()).poll(&mut Context::from_waker(Waker::noop()));
            log.lock().unwrap().push("returns".to_owned());
        }
    };
    let built = builder(Script::new()).observer(observer).build();
    auth.set(built.clone()).unwrap();
    token(&built).await.unwrap_err();
    assert_eq!(*told.lock().unwrap(), ["started", "returns", "another"]);
}

#[tokio::test(start_paused = true)]
async fn events_from_before_a_log_out_within_an_observer_are_not_lost() {
    let auth: Arc<OnceLock<Authenticator>> = Arc::default();
    let told: Arc<Mutex<Vec<&str>>> = Arc::default();
    let (again, log) = (auth.clone(), told.clone());
    let observer = move |event: &Event| {
        log.lock().unwrap().push(match event {
            Event::RefreshStarted { .. } => "started",
            Event::RefreshSucceeded { .. } => "succeeded",
            Event::Cleared => "cleared",
            _ => "another",
        });
        if matches!(event, Event::RefreshSucceeded { .. }) {
            let auth = again.get().unwrap();
            let mut context = Context::from_waker(Waker::noop());
            assert!(pin!(auth.refresh()).poll(&mut context).is_pending());
            assert!(pin!(auth.log_out()).poll(&mut context).is_ready());
        }
    };
    let script = Script::new().then_ok(credentials("at-1", None, Some(300)));
    let built = builder(script).observer(observer).build();
    auth.set(built.clone()).unwrap();
    // (The source logs in again for this caller, in vain.)
    token(&built).await.unwrap_err();
    assert_eq!(told.lock().unwrap()[..4], ["started", "succeeded", "started", "cleared"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_come_in_order_and_one_at_a_time() {
    let told: Arc<Mutex<Vec<u64>>> = Arc::default();
    let (log, busy, overlaps) = (told.clone(), AtomicBool::new(false), Arc::new(AtomicU64::new(0)));
    let overlapped = overlaps.clone();
    let observer = move |event: &Event| {
        overlapped.fetch_add(busy.swap(true, Ordering::SeqCst).into(), Ordering::SeqCst);
        // Give the others a chance to come in between.
        std::thread::yield_now();
        match event {
            Event::RefreshStarted { generation, .. } => log.lock().unwrap().push(2 * generation),
            Event::RefreshSucceeded { generation, .. } => log.lock().unwrap().push(2 * generation - 1),
            other => panic!("{other:?}"),
        }
        busy.store(false, Ordering::SeqCst);
    };
    let source = reauth::source_fn(|| async { Ok(credentials("at", None, None)) });
    let auth = Authenticator::builder(source).observer(observer).build();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let auth = auth.clone();
        callers.spawn(async move {
            for _ in 0..200 {
                auth.refresh().await.unwrap();
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
    // (The last event may still be on its way, from a thread that has not finished.)
    let told = told.lock().unwrap().clone();
    // Started 0, succeeded 1, started 1, succeeded 2, …: nothing twice, nothing missing.
    assert_eq!(told, (0..told.len() as u64).collect::<Vec<_>>());
    assert_eq!(overlaps.load(Ordering::SeqCst), 0);
}

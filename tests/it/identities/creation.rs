//! The factory is called once for all who ask, and what goes wrong there concerns its key alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reauth::clock::TokioClock;
use reauth::{Authenticator, Credentials, Error, ErrorKind, Identities, Timing};
use tokio::sync::Notify;
use tokio::time::{Instant, advance, sleep};

use super::let_others_go_on;

type Made = Result<Authenticator, Error>;

fn good() -> Made {
    Ok(Authenticator::new(Credentials::new("at")?))
}

/// A set whose factory counts its calls, and then does this.
fn counting<Fut: Future<Output = Made> + Send + 'static>(
    make: impl Fn(usize, String) -> Fut + Send + Sync + 'static,
) -> (Identities<String>, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let set = Identities::builder(move |key: String| make(count.fetch_add(1, Ordering::SeqCst), key));
    let set = set.clock(TokioClock::new()).timing(Timing::default().without_jitter()).build();
    (set, calls)
}

fn asking(set: &Identities<String>, key: &str) -> tokio::task::JoinHandle<Made> {
    let (set, key) = (set.clone(), key.to_owned());
    tokio::spawn(async move { set.get(&key).await })
}

#[tokio::test(start_paused = true)]
async fn r75_a_thousand_callers_have_one_authenticator_made() {
    let open = Arc::new(Notify::new());
    let gate = open.clone();
    let (set, calls) = counting(move |_, _| {
        let gate = gate.clone();
        async move {
            gate.notified().await;
            good()
        }
    });
    let callers: Vec<_> = (0..1000).map(|_| asking(&set, "a")).collect();
    let_others_go_on().await;
    open.notify_one();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn r77_a_refusal_is_remembered_for_longer_each_time_and_for_its_key_alone() {
    let (set, calls) = counting(|_, key| async move {
        if key == "good" { good() } else { Err(Error::misconfigured("no such tenant")) }
    });
    let until = Instant::now() + Duration::from_secs(600);
    while Instant::now() < until {
        let error = set.get(&"bad".to_owned()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(calls.load(Ordering::SeqCst), 7, "after 0, 5, 15, 35, 75, 155 and 315 s");
    set.get(&"good".to_owned()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn r77_a_passing_failure_is_over_soon_and_all_who_waited_have_it() {
    let (set, calls) = counting(|call, _| async move {
        sleep(Duration::from_millis(10)).await;
        if call < 2 { Err(Error::transient("the database is away")) } else { good() }
    });
    let callers: Vec<_> = (0..100).map(|_| asking(&set, "a")).collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::Transient);
    }
    set.get(&"a".to_owned()).await.unwrap_err();
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    advance(Duration::from_millis(200)).await;
    set.get(&"a".to_owned()).await.unwrap_err();
    advance(Duration::from_millis(300)).await;
    set.get(&"a".to_owned()).await.unwrap_err();
    assert_eq!(calls.load(Ordering::SeqCst), 2, "the wait has doubled");
    advance(Duration::from_millis(100)).await;
    set.get(&"a".to_owned()).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn r77_a_server_that_asks_for_time_gets_it() {
    let (set, calls) = counting(|call, _| async move {
        let wait = Duration::from_secs(90);
        if call == 0 { Err(Error::transient("busy").with_retry_after(wait)) } else { good() }
    });
    set.get(&"a".to_owned()).await.unwrap_err();
    advance(Duration::from_secs(60)).await;
    let error = set.get(&"a".to_owned()).await.unwrap_err();
    assert_eq!((error.retry_after(), calls.load(Ordering::SeqCst)), (Some(Duration::from_secs(30)), 1));
    advance(Duration::from_secs(30)).await;
    set.get(&"a".to_owned()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn r77_a_factory_that_panics_is_an_error_for_all_and_is_called_again() {
    let (set, calls) = counting(|call, _| {
        assert_ne!(call, 0, "the factory panics before it has made a future, as the test says");
        async move {
            tokio::task::yield_now().await;
            assert_ne!(call, 1, "the factory panics, as the test says");
            good()
        }
    });
    for _ in 0..2 {
        let callers: Vec<_> = (0..10).map(|_| asking(&set, "a")).collect();
        for caller in callers {
            let error = caller.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Transient);
            assert!(error.to_string().contains("panicked"), "{error}");
        }
        advance(Duration::from_secs(1)).await;
    }
    set.get(&"a".to_owned()).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn r75_the_first_caller_goes_away_and_the_creation_goes_on() {
    let (set, calls) = counting(|_, _| async {
        sleep(Duration::from_secs(5)).await;
        good()
    });
    let first = asking(&set, "a");
    let_others_go_on().await;
    let others: Vec<_> = (0..10).map(|_| asking(&set, "a")).collect();
    let_others_go_on().await;
    first.abort();
    for other in others {
        other.await.unwrap().unwrap();
    }
    // All callers may go: each of these waits for a second, and the factory takes five.
    let started = Instant::now();
    while tokio::time::timeout(Duration::from_secs(1), set.get(&"b".to_owned())).await.is_err() {}
    assert_eq!(started.elapsed().as_secs(), 5);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn r77_a_factory_that_hangs_is_left_at_the_deadline() {
    let (set, calls) = counting(|call, _| async move {
        if call == 0 {
            std::future::pending::<()>().await;
        }
        good()
    });
    let started = Instant::now();
    let callers: Vec<_> = (0..10).map(|_| asking(&set, "a")).collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::Transient);
    }
    assert_eq!(started.elapsed().as_secs(), 30);
    advance(Duration::from_secs(1)).await;
    set.get(&"a".to_owned()).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

#[test]
fn r77_a_runtime_that_is_shut_down_or_stands_still_leaves_nobody_waiting() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let set = Identities::new(move |_: String| {
        let call = count.fetch_add(1, Ordering::SeqCst);
        async move {
            if call < 2 {
                std::future::pending::<()>().await;
            }
            good()
        }
    });
    let (first, second) = (runtime(), runtime());
    let begin = |runtime: &tokio::runtime::Runtime| {
        runtime.block_on(async {
            drop(asking(&set, "a"));
            let_others_go_on().await;
        });
    };
    begin(&first);
    // A caller elsewhere learns of the end.
    let caller = {
        let _in_it = second.enter();
        asking(&set, "a")
    };
    second.block_on(let_others_go_on());
    drop(first);
    assert_eq!(second.block_on(caller).unwrap().unwrap_err().kind(), ErrorKind::Transient);

    // Nothing drives this runtime any more.
    std::thread::sleep(Duration::from_millis(250));
    let still = runtime();
    begin(&still);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    let error = second.block_on(set.get(&"a".to_owned())).unwrap_err();
    assert!(error.to_string().contains("stands still"), "{error}");
    drop(still);
}

#[test]
fn r75_without_a_runtime_it_is_an_error_that_concerns_this_caller_alone() {
    let set = Identities::new(|_: String| async { good() });
    let mut get = std::pin::pin!(async { set.get(&"a".to_owned()).await });
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = get.as_mut().poll(&mut context) else { panic!("it waits") };
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    runtime().block_on(set.get(&"a".to_owned())).unwrap();
}

#[tokio::test(start_paused = true)]
async fn r75_factories_that_wait_for_themselves_are_told_so_at_once() {
    let holder = Arc::new(std::sync::OnceLock::<Identities<u32>>::new());
    let sets = holder.clone();
    let set = Identities::builder(move |key: u32| {
        let set = sets.get().unwrap().clone();
        // 0 asks for 0. 1 asks for 2, which asks for 3, which asks for 1. 4 asks for nobody.
        let next = [0, 2, 3, 1][usize::try_from(key).unwrap().min(3)];
        async move {
            if key < 4 {
                set.get(&next).await?;
            }
            if key == 5 {
                set.get(&4).await?;
            }
            good()
        }
    });
    let set = set.clock(TokioClock::new()).build();
    holder.set(set.clone()).unwrap();
    let started = Instant::now();
    for key in [0, 1] {
        let error = set.get(&key).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{key}: {error}");
        assert!(error.to_string().contains("itself"), "{error}");
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
    set.get(&5).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn r40_neither_keys_nor_tokens_are_in_the_debug_text() {
    let set = Identities::new(|_: String| async { good() });
    set.get(&"s3cret".to_owned()).await.unwrap();
    let text = format!("{set:?} {:?}", Identities::builder(|_: String| async { good() }));
    assert!(!text.contains("s3cret") && !text.contains("at\""), "{text}");
}

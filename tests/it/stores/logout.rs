//! After a log-out the store is empty, whatever was under way before.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Waker};

use reauth::store::{CredentialStore, Entry, MemoryStore};
use reauth::{Authenticator, Credentials, ErrorKind, Event};
use tokio::time::advance;

use super::gated::{Call, Gated, allow, next, save};
use super::{kept, tokens, with_store};
use crate::authenticator::{at_once, millis, quiet, seconds, token_at_once, until, waiting};
use crate::support::clock::in_paused_time;
use crate::support::source::{Asked, Respond, Script, credentials};

fn good(n: u32) -> Credentials {
    credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300))
}

#[tokio::test(start_paused = true)]
async fn r17_a_log_out_empties_the_store() {
    let (store, mut calls) = Gated::new();
    let kept_by_it = store.kept.clone();
    kept_by_it.save(&Entry::new(good(1))).await.unwrap();
    let (auth, _) = with_store(Script::new().without_login(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    caller.await.unwrap().unwrap();
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    allow(&mut calls, Call::Clear).await;
    clearing.await.unwrap();
    assert_eq!(kept(&kept_by_it).await, None);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
}

#[tokio::test(start_paused = true)]
async fn r17_what_the_source_was_built_with_is_forgotten_before_it_was_ever_used() {
    let (auth, _) = with_store(good(1), MemoryStore::new());
    auth.log_out().await.unwrap();
    assert_eq!(auth.credentials().await.unwrap_err().kind(), ErrorKind::LoginRequired);
}

#[tokio::test(start_paused = true)]
async fn f13_a_log_out_while_the_store_is_read_is_not_undone() {
    let (store, mut calls) = Gated::new();
    let kept_by_it = store.kept.clone();
    kept_by_it.save(&Entry::new(good(1))).await.unwrap();
    let (auth, recorder) = with_store(Script::new().without_login(), store);
    let caller = waiting(&auth).await;
    let loading = next(&mut calls, Call::Load).await;
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    loading.go();
    let (cleared, ()) = tokio::join!(clearing, async {
        allow(&mut calls, Call::Load).await;
        allow(&mut calls, Call::Clear).await;
    });
    cleared.unwrap();
    assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    assert_eq!(kept(&kept_by_it).await, None);
    assert_eq!(recorder.take(), ["started 0 missing", "cleared"], "nothing was adopted");
}

#[tokio::test(start_paused = true)]
async fn f13_a_log_out_while_the_source_is_asked_leaves_the_store_empty() {
    let (store, mut calls) = Gated::new();
    let kept_by_it = store.kept.clone();
    let script = Script::new();
    let login = script.then_when();
    let (auth, _) = with_store(script.clone(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    until(|| script.requests() == 1).await;
    // The response is there, and the flight has not been polled since.
    login.send(Ok(good(1))).unwrap();
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    allow(&mut calls, Call::Clear).await;
    clearing.await.unwrap();
    assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    quiet().await;
    assert!(calls.try_recv().is_err(), "nothing is saved after all");
    assert_eq!(kept(&kept_by_it).await, None);
}

#[tokio::test(start_paused = true)]
async fn f13_a_log_out_while_the_credentials_are_saved_leaves_the_store_empty() {
    // The write is allowed before the log-out, or after it.
    for before in [true, false] {
        let (store, mut calls) = Gated::new();
        let kept_by_it = store.kept.clone();
        let (auth, _) = with_store(Script::new().then_ok(good(1)), store);
        let caller = waiting(&auth).await;
        allow(&mut calls, Call::Load).await;
        let saving = next(&mut calls, save("at-1")).await;
        let mut clearing = pin!(auth.log_out());
        if before {
            saving.go();
            assert!(at_once(clearing.as_mut()).await.is_none());
        } else {
            assert!(at_once(clearing.as_mut()).await.is_none());
            saving.go();
        }
        let (cleared, ()) = tokio::join!(clearing, allow(&mut calls, Call::Clear));
        cleared.unwrap();
        assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
        quiet().await;
        assert!(calls.try_recv().is_err());
        assert_eq!(kept(&kept_by_it).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn r17_a_store_that_could_not_forget_is_an_error_and_forgets_before_the_next_log_in() {
    let (store, mut calls) = Gated::new();
    let kept_by_it = store.kept.clone();
    kept_by_it.save(&Entry::new(good(1))).await.unwrap();
    let script = Script::new();
    let login = script.then_when();
    let (auth, _) = with_store(script.clone(), store);
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    allow(&mut calls, Call::Load).await;
    next(&mut calls, Call::Clear).await.fail();
    // Nor could the store be written without a comparison.
    next(&mut calls, Call::Clear).await.fail();
    assert_eq!(clearing.await.unwrap_err().kind(), ErrorKind::Store);
    // What the store could not forget is not adopted: the store is cleared and not read.
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Clear).await;
    until(|| script.requests() == 1).await;
    assert_eq!(kept(&kept_by_it).await, None);
    login.send(Ok(good(2))).unwrap();
    allow(&mut calls, save("at-2")).await;
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-2");
    assert_eq!(script.asked(), [Asked::Login]);
}

#[tokio::test(start_paused = true)]
async fn r17_a_store_that_still_cannot_forget_does_not_prevent_a_log_in() {
    let (store, mut calls) = Gated::new();
    let kept_by_it = store.kept.clone();
    kept_by_it.save(&Entry::new(good(1))).await.unwrap();
    let script = Script::new().then_ok(good(2)).then_ok(good(3));
    let (auth, recorder) = with_store(script.clone(), store);
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    allow(&mut calls, Call::Load).await;
    next(&mut calls, Call::Clear).await.fail();
    next(&mut calls, Call::Clear).await.fail();
    clearing.await.unwrap_err();
    let caller = waiting(&auth).await;
    next(&mut calls, Call::Clear).await.fail();
    // A write replaces what had to be forgotten, so nothing is left to forget.
    allow(&mut calls, save("at-2")).await;
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-2");
    assert_eq!(recorder.take()[2], "store failed: the test says no");
    assert_eq!(kept(&kept_by_it).await, tokens("at-2", "rt-2"));
    let mut refreshing = pin!(auth.refresh());
    assert!(at_once(refreshing.as_mut()).await.is_none());
    allow(&mut calls, save("at-3")).await;
    refreshing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn r17_a_log_out_whose_caller_went_away_is_carried_through_before_the_next_log_in() {
    let (store, mut calls) = Gated::new();
    let kept_by_it = store.kept.clone();
    kept_by_it.save(&Entry::new(good(1))).await.unwrap();
    let (auth, _) = with_store(Script::new().then_ok(good(2)), store);
    {
        let mut clearing = pin!(auth.log_out());
        assert!(at_once(clearing.as_mut()).await.is_none());
        next(&mut calls, Call::Load).await;
    }
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Clear).await;
    allow(&mut calls, save("at-2")).await;
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r17_credentials_that_were_set_before_the_log_out_are_not_stored_after_it() {
    let (store, mut calls) = Gated::new();
    let kept_by_it = store.kept.clone();
    let (auth, _) = with_store(Script::new(), store);
    let mut first = pin!(auth.set_credentials(good(1)));
    assert!(at_once(first.as_mut()).await.is_none());
    allow(&mut calls, Call::Load).await;
    let saving = next(&mut calls, save("at-1")).await;
    // Both calls wait for their turn at the store.
    let mut second = pin!(auth.set_credentials(good(2)));
    assert!(at_once(second.as_mut()).await.is_none());
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    saving.go();
    first.await.unwrap();
    second.await.unwrap();
    assert!(at_once(clearing.as_mut()).await.is_none());
    allow(&mut calls, Call::Clear).await;
    clearing.await.unwrap();
    assert_eq!(kept(&kept_by_it).await, None);
}

#[tokio::test(start_paused = true)]
async fn r17_credentials_that_are_set_after_a_log_out_are_not_forgotten() {
    let (store, mut calls) = Gated::new();
    let kept_by_it = store.kept.clone();
    kept_by_it.save(&Entry::new(good(1))).await.unwrap();
    let (auth, _) = with_store(Script::new(), store);
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    allow(&mut calls, Call::Load).await;
    let forgetting = next(&mut calls, Call::Clear).await;
    let mut setting = pin!(auth.set_credentials(good(2)));
    assert!(at_once(setting.as_mut()).await.is_none());
    forgetting.go();
    clearing.await.unwrap();
    assert!(at_once(setting.as_mut()).await.is_none());
    allow(&mut calls, save("at-2")).await;
    setting.await.unwrap();
    assert_eq!(kept(&kept_by_it).await, tokens("at-2", "rt-2"));
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r17_a_log_out_during_a_refresh_leaves_the_store_empty() {
    let (store, mut calls) = Gated::new();
    let kept_by_it = store.kept.clone();
    let script = Script::new().then_ok(good(1));
    script.push(Respond::After(seconds(1), Ok(good(2))));
    let (auth, _) = with_store(script.clone(), store);
    let caller = waiting(&auth).await;
    allow(&mut calls, Call::Load).await;
    allow(&mut calls, save("at-1")).await;
    caller.await.unwrap().unwrap();
    advance(seconds(225)).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    until(|| script.requests() == 2).await;
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    allow(&mut calls, Call::Clear).await;
    clearing.await.unwrap();
    tokio::time::sleep(millis(2000)).await;
    assert!(calls.try_recv().is_err());
    assert_eq!(kept(&kept_by_it).await, None);
}

#[tokio::test(start_paused = true)]
async fn r17_a_log_in_before_the_store_was_cleared_is_kept() {
    // An observer gets the log-out before the store is cleared. This one sets the next credentials at once.
    let auth: Arc<OnceLock<Authenticator>> = Arc::default();
    let (again, done) = (auth.clone(), AtomicBool::new(false));
    let observer = move |event: &Event| {
        if matches!(event, Event::Cleared) && !done.swap(true, Ordering::SeqCst) {
            let mut setting = pin!(again.get().unwrap().set_credentials(good(2)));
            assert!(setting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        }
    };
    let store = MemoryStore::new();
    let built = in_paused_time(Script::new()).store(store.clone()).observer(observer).build();
    auth.set(built.clone()).unwrap();
    built.log_out().await.unwrap();
    assert_eq!(token_at_once(&built).await.unwrap(), "at-2");
    assert_eq!(kept(&store).await, tokens("at-2", "rt-2"));
}

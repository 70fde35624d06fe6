//! The order of a log-out is: memory, store, provider. And which of the tokens in memory are revoked.

use std::pin::pin;

use reauth::store::{CredentialStore, Entry, MemoryStore};
use reauth::{Authenticator, Credentials, Error, ErrorKind};

use super::gated::{Call, Gated, allow, next, save};
use super::{kept, with_store};
use crate::authenticator::{Recorder, at_once, quiet, seconds, token, until, waiting};
use crate::support::revoker::{Revocations, Revoker, asked, next as next_of};
use crate::support::source::{Script, credentials};

fn good(n: u32) -> Credentials {
    credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300))
}

fn revoking(script: Script, store: impl CredentialStore) -> (Authenticator, Revocations, Recorder) {
    let (revoker, calls) = Revoker::new(script);
    let (auth, recorder) = with_store(revoker, store);
    (auth, calls, recorder)
}

#[tokio::test(start_paused = true)]
async fn r17_memory_then_store_then_provider() {
    let (store, mut stored) = Gated::new();
    let kept_by_it = store.kept.clone();
    kept_by_it.save(&Entry::new(good(1))).await.unwrap();
    let (auth, mut calls, recorder) = revoking(Script::new(), store);
    let caller = waiting(&auth).await;
    allow(&mut stored, Call::Load).await;
    caller.await.unwrap().unwrap();
    recorder.take();

    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    assert_eq!(recorder.take(), ["cleared"]);
    let forgetting = next(&mut stored, Call::Clear).await;
    assert!(calls.try_recv().is_err(), "not before the store has forgotten");
    forgetting.go();
    quiet().await;
    assert!(at_once(clearing.as_mut()).await.is_none());
    assert_eq!(kept(&kept_by_it).await, None);
    asked(&mut calls, "rt-1").done();
    clearing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn r17_a_store_that_cannot_forget_is_the_error_and_does_not_prevent_the_revocation() {
    for hangs in [false, true] {
        for fails in [false, true] {
            let (store, mut stored) = Gated::new();
            let (auth, mut calls, recorder) = revoking(Script::new().holding(good(1)), store);
            let clear = auth.clone();
            let clearing = tokio::spawn(async move { clear.log_out().await });
            allow(&mut stored, Call::Load).await;
            let forgetting = next(&mut stored, Call::Clear).await;
            if !hangs {
                forgetting.fail();
                next(&mut stored, Call::Clear).await.fail();
            }
            let call = next_of(&mut calls, "rt-1").await;
            if fails {
                call.fail(Error::transient("503"))
            } else {
                call.done()
            }
            assert_eq!(clearing.await.unwrap().unwrap_err().kind(), ErrorKind::Store);
            let expected: &[_] = if fails { &["cleared", "not revoked: 503"] } else { &["cleared"] };
            assert_eq!(recorder.take(), expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r17_what_was_received_and_not_yet_saved_is_revoked_first() {
    let (store, mut stored) = Gated::new();
    let script = Script::new().holding(good(1)).then_ok(good(2));
    let (auth, mut calls, _) = revoking(script, store);
    let caller = waiting(&auth).await;
    allow(&mut stored, Call::Load).await;
    caller.await.unwrap().unwrap();
    let mut refreshing = pin!(auth.refresh());
    assert!(at_once(refreshing.as_mut()).await.is_none());
    let saving = next(&mut stored, save("at-2")).await;
    let clear = auth.clone();
    let clearing = tokio::spawn(async move { clear.log_out().await });
    assert_eq!(refreshing.await.unwrap_err().kind(), ErrorKind::LoginRequired);
    drop(saving);
    allow(&mut stored, Call::Clear).await;
    for token in ["rt-2", "rt-1"] {
        let call = next_of(&mut calls, token).await;
        // If one fails, the next one is still revoked.
        call.fail(Error::transient("503"));
    }
    clearing.await.unwrap().unwrap();
    assert!(calls.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn r17_one_grant_is_revoked_once() {
    let (store, mut stored) = Gated::new();
    // R13: no refresh token in the response, so that the old one stays in force.
    let script = Script::new().holding(good(1)).then_ok(credentials("at-2", None, Some(300)));
    let (auth, mut calls, _) = revoking(script, store);
    let caller = waiting(&auth).await;
    allow(&mut stored, Call::Load).await;
    caller.await.unwrap().unwrap();
    let mut refreshing = pin!(auth.refresh());
    assert!(at_once(refreshing.as_mut()).await.is_none());
    next(&mut stored, save("at-2")).await;
    let clear = auth.clone();
    let clearing = tokio::spawn(async move { clear.log_out().await });
    allow(&mut stored, Call::Clear).await;
    next_of(&mut calls, "rt-1").await.done();
    clearing.await.unwrap().unwrap();
    assert!(calls.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn r17_what_the_source_was_built_with_is_revoked_before_it_was_ever_used() {
    let (auth, mut calls, _) = revoking(Script::new().holding(good(1)), MemoryStore::new());
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    asked(&mut calls, "rt-1").done();
    clearing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn r17_what_only_the_store_holds_is_forgotten_and_revoked() {
    let store = MemoryStore::new();
    store.save(&Entry::new(good(1))).await.unwrap();
    let (auth, mut calls, _) = revoking(Script::new(), store.clone());
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    assert_eq!(kept(&store).await, None);
    asked(&mut calls, "rt-1").done();
    clearing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn r17_what_was_put_aside_for_another_process_is_revoked() {
    let store = MemoryStore::new();
    let script = Script::new().without_login().holding(good(1));
    let lost = script.then_when();
    let (auth, mut calls, _) = revoking(script.clone(), store.clone());
    token(&auth).await.unwrap();
    let refreshing = tokio::spawn({
        let auth = auth.clone();
        async move { auth.refresh().await }
    });
    until(|| script.requests() == 1).await;
    // The response is lost, and another process has saved other credentials: ours are put aside.
    store
        .save(&Entry::new(good(2).with_expires_at(crate::support::clock::TestClock::new().wall())))
        .await
        .unwrap();
    let hanging = script.then_when();
    lost.send(Err(Error::transient("lost"))).unwrap();
    until(|| script.requests() == 2).await;
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    asked(&mut calls, "rt-2").done();
    quiet().await;
    assert!(at_once(clearing.as_mut()).await.is_none());
    asked(&mut calls, "rt-1").done();
    clearing.await.unwrap();
    drop(hanging);
    refreshing.await.unwrap().unwrap_err();
}

/// R44: what another log-in has brought since the log-out is not revoked.
#[tokio::test(start_paused = true)]
async fn r17_r44_what_a_new_log_in_brought_again_is_not_revoked() {
    let bare = |access| credentials(access, None, Some(300));
    let same_access = credentials("at-1", Some("rt-9"), None);
    let same_refresh = credentials("at-9", Some("rt-1"), None);
    for (held, brought, revoked) in [
        (good(1), good(1), None),
        (good(1), same_access, None),
        (good(1), same_refresh, None),
        (good(1), good(2), Some("rt-1")),
        (bare("at-1"), bare("at-1"), None),
        (bare("at-1"), bare("at-2"), Some("at-1")),
    ] {
        let (store, mut stored) = Gated::new();
        let (auth, mut calls, recorder) = revoking(Script::new().holding(held), store);
        let clear = auth.clone();
        let clearing = tokio::spawn(async move { clear.log_out().await });
        allow(&mut stored, Call::Load).await;
        let forgetting = next(&mut stored, Call::Clear).await;
        assert_eq!(recorder.take(), ["cleared"]);
        let set = auth.clone();
        let saved = save(brought.access_token());
        let setting = tokio::spawn(async move { set.set_credentials(brought).await });
        // They are held before the store has forgotten the old ones.
        until(|| recorder.take() == ["cleared"]).await;
        forgetting.go();
        allow(&mut stored, saved).await;
        setting.await.unwrap().unwrap();
        let call = tokio::time::timeout(seconds(5), calls.recv()).await;
        let call = call.ok().flatten();
        assert_eq!(call.as_ref().map(|call| call.token.as_str()), revoked);
        call.into_iter().for_each(|call| call.done());
        clearing.await.unwrap().unwrap();
    }
}

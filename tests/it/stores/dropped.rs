//! Log-out and `set_credentials` whose futures are polled once, and then dropped, held or forgotten (R18, F117).

use std::pin::Pin;

use reauth::store::{CredentialStore as _, Entry};
use reauth::{Authenticator, Credentials, Error, ErrorKind};

use super::gated::{Call, Calls, Gated, allow, next, save};
use super::{kept, tokens, with_store};
use crate::authenticator::{at_once, quiet, token};
use crate::support::source::{Script, credentials};

type Calling = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

fn good(n: u32) -> Credentials {
    credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300))
}

fn log_out(auth: &Authenticator) -> Calling {
    let auth = auth.clone();
    Box::pin(async move { auth.log_out().await })
}

fn set(auth: &Authenticator) -> Calling {
    let auth = auth.clone();
    Box::pin(async move { auth.set_credentials(good(5)).await })
}

/// What the program does with the future that it has polled once.
const LEAVES: [fn(Calling); 2] = [drop, std::mem::forget];

async fn polled(mut call: Calling) -> Calling {
    assert!(at_once(call.as_mut()).await.is_none());
    call
}

async fn holding(script: &Script) -> (Authenticator, Calls, reauth::store::MemoryStore) {
    let (store, mut calls) = Gated::new();
    let memory = store.kept.clone();
    memory.save(&Entry::new(good(1))).await.unwrap();
    let (auth, _) = with_store(script.clone(), store);
    let caller = tokio::spawn({
        let auth = auth.clone();
        async move { token(&auth).await.unwrap() }
    });
    allow(&mut calls, Call::Load).await;
    assert_eq!(caller.await.unwrap(), "at-1");
    (auth, calls, memory)
}

#[tokio::test(start_paused = true)]
async fn r18_f117_a_log_out_that_nobody_polls_again_happens_whole_and_blocks_nobody() {
    for leave in LEAVES {
        let script = Script::new().then_ok(good(2));
        let (auth, mut calls, memory) = holding(&script).await;
        leave(polled(log_out(&auth)).await);
        allow(&mut calls, Call::Clear).await;
        quiet().await;
        assert_eq!(kept(&memory).await, None);
        let caller = tokio::spawn(async move { token(&auth).await });
        allow(&mut calls, Call::Load).await;
        allow(&mut calls, save("at-2")).await;
        assert_eq!(caller.await.unwrap().unwrap(), "at-2");
        assert_eq!(kept(&memory).await, tokens("at-2", "rt-2"));
    }
}

#[tokio::test(start_paused = true)]
async fn r18_f117_credentials_whose_future_nobody_polls_again_are_stored() {
    for leave in LEAVES {
        let (auth, mut calls, memory) = holding(&Script::new()).await;
        leave(polled(set(&auth)).await);
        allow(&mut calls, save("at-5")).await;
        quiet().await;
        assert_eq!(kept(&memory).await, tokens("at-5", "rt-5"));
        assert_eq!(token(&auth).await.unwrap(), "at-5");
    }
}

#[tokio::test(start_paused = true)]
async fn r18_f117_a_future_that_is_held_does_not_keep_the_store_from_a_refresh() {
    let script = Script::new().then_ok(good(6));
    let (auth, mut calls, memory) = holding(&script).await;
    let held = polled(set(&auth)).await;
    let refreshing = tokio::spawn({
        let auth = auth.clone();
        async move { auth.refresh().await }
    });
    allow(&mut calls, save("at-5")).await;
    let begun = tokio::time::Instant::now();
    allow(&mut calls, save("at-6")).await;
    assert_eq!(refreshing.await.unwrap().unwrap().access_token(), "at-6");
    assert!(begun.elapsed().is_zero());
    assert_eq!(kept(&memory).await, tokens("at-6", "rt-6"));
    held.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn r18_f117_a_hung_store_costs_a_log_out_its_time_limit_and_the_next_log_in_tries_again() {
    for leave in LEAVES {
        let script = Script::new().then_ok(good(2));
        let (auth, mut calls, _) = holding(&script).await;
        leave(polled(log_out(&auth)).await);
        let hung = next(&mut calls, Call::Clear).await;
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        quiet().await;
        assert!(hung.is_dropped());
        let caller = tokio::spawn(async move { token(&auth).await });
        allow(&mut calls, Call::Clear).await;
        allow(&mut calls, save("at-2")).await;
        assert_eq!(caller.await.unwrap().unwrap(), "at-2");
    }
}

#[tokio::test(start_paused = true)]
async fn r07_f135_a_store_that_panics_is_an_error_of_the_call() {
    let (auth, mut calls, _) = holding(&Script::new()).await;
    let setting = tokio::spawn({
        let auth = auth.clone();
        async move { auth.set_credentials(good(5)).await }
    });
    next(&mut calls, save("at-5")).await.panic();
    assert_eq!(setting.await.unwrap().unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(token(&auth).await.unwrap(), "at-5", "they are used all the same");
    let leaving = tokio::spawn(async move { auth.log_out().await });
    next(&mut calls, Call::Clear).await.panic();
    assert_eq!(leaving.await.unwrap().unwrap_err().kind(), ErrorKind::Store);
}

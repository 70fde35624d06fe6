//! After a log-out the source is asked to revoke what was held. A failure does not disturb the log-out or the next log-in.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use reauth::{Authenticator, CredentialSource, Credentials, Error, ErrorKind, Timing, TokenEndpoint};
use tokio::time::{Instant, advance, timeout};

use super::{Recorder, at_once, millis, quiet, seconds, token, token_at_once, until, waiting};
use crate::support::clock::TestClock;
use crate::support::revoker::{Revocations, Revoker, asked};
use crate::support::source::{Respond, Script, credentials};

fn good(n: u32) -> Credentials {
    credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300))
}

fn observed(source: impl CredentialSource) -> (Authenticator, Recorder) {
    let recorder = Recorder::default();
    let builder = Authenticator::builder(source).clock(TestClock::new()).observer(recorder.observer());
    (builder.timing(Timing::default().without_jitter()).build(), recorder)
}

fn revoking(script: &Script) -> (Authenticator, Revocations, Recorder) {
    let (revoker, calls) = Revoker::new(script.clone());
    let (auth, recorder) = observed(revoker);
    (auth, calls, recorder)
}

#[tokio::test(start_paused = true)]
async fn r17_a_log_out_has_what_was_held_revoked() {
    for (held, token) in [(good(1), "rt-1"), (credentials("at-1", None, None), "at-1")] {
        let (auth, mut calls, recorder) = revoking(&Script::new().holding(held));
        let mut clearing = pin!(auth.log_out());
        assert!(at_once(clearing.as_mut()).await.is_none());
        assert_eq!(recorder.take(), ["cleared"], "the memory comes first");
        asked(&mut calls, token).done();
        clearing.await.unwrap();
        assert!(recorder.take().is_empty(), "a success has nothing to tell");
        assert!(calls.try_recv().is_err(), "once");
    }
}

#[tokio::test(start_paused = true)]
async fn r17_where_nothing_was_held_nothing_is_revoked() {
    let script = Script::new().then_err(Error::login_required("no")).then_ok(good(1));
    let (auth, mut calls, _) = revoking(&script);
    auth.log_out().await.unwrap();
    token(&auth).await.unwrap_err();
    auth.log_out().await.unwrap();
    token(&auth).await.unwrap();
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    // Another log-out finds nothing to revoke, and does not wait for the first one.
    at_once(pin!(auth.log_out())).await.expect("at once").unwrap();
    asked(&mut calls, "rt-1").done();
    clearing.await.unwrap();
    auth.log_out().await.unwrap();
    assert!(calls.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn r17_what_has_expired_or_was_refused_is_revoked_all_the_same() {
    let script = Script::new().without_login().holding(good(1)).then_err(Error::login_required("revoked"));
    let (auth, mut calls, _) = revoking(&script);
    auth.refresh().await.unwrap_err();
    advance(seconds(300)).await;
    assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::LoginRequired);
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    asked(&mut calls, "rt-1").done();
    clearing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn r17_a_revocation_that_fails_is_an_event_and_not_an_error_of_the_log_out() {
    let (auth, mut calls, recorder) = revoking(&Script::new().holding(good(1)).without_login());
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    asked(&mut calls, "rt-1").fail(Error::transient("503"));
    clearing.await.unwrap();
    assert_eq!(recorder.take(), ["cleared", "not revoked: 503"]);
    auth.log_out().await.unwrap();
    assert!(calls.try_recv().is_err(), "one attempt");
}

#[tokio::test(start_paused = true)]
async fn r17_a_revocation_that_hangs_holds_the_log_out_up_for_its_time_limit_and_no_longer() {
    let (auth, mut calls, recorder) = revoking(&Script::new().holding(good(1)));
    let begun = Instant::now();
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    let call = asked(&mut calls, "rt-1");
    timeout(seconds(3600), clearing).await.expect("a limit").unwrap();
    let took = begun.elapsed();
    assert!(
        took >= TokenEndpoint::DEFAULT_TIMEOUT && took < TokenEndpoint::DEFAULT_TIMEOUT + millis(20),
        "{took:?}"
    );
    assert!(call.is_dropped());
    let expected = "not revoked: the identity provider did not respond to the revocation in time; the tokens may still be valid there";
    assert_eq!(recorder.take(), ["cleared", expected]);
}

#[tokio::test(start_paused = true)]
async fn r17_r07_a_panic_in_a_revocation_counts_as_a_failure() {
    let (auth, mut calls, recorder) = revoking(&Script::new().holding(good(1)).then_ok(good(2)));
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    asked(&mut calls, "rt-1").panic();
    clearing.await.unwrap();
    let panicked =
        "not revoked: the credential source panicked during the revocation; report it to the source's author";
    assert_eq!(recorder.take(), ["cleared", panicked]);
    assert_eq!(token(&auth).await.unwrap(), "at-2", "the panic changes nothing");

    /// Panics before there is a future.
    struct AtOnce;

    impl CredentialSource for AtOnce {
        async fn login(&self) -> Result<Credentials, Error> {
            Ok(good(1))
        }

        fn revoke(&self, _: &Credentials) -> impl Future<Output = Result<(), Error>> + Send {
            if true {
                panic!("the source panics, as the test says");
            }
            std::future::ready(Ok(()))
        }
    }

    let (auth, recorder) = observed(AtOnce);
    token(&auth).await.unwrap();
    recorder.take();
    auth.log_out().await.unwrap();
    assert_eq!(recorder.take(), ["cleared", panicked]);
}

#[tokio::test(start_paused = true)]
async fn r17_a_log_out_during_a_refresh_revokes_the_refresh_token_that_was_sent() {
    let script = Script::new().holding(good(1)).without_login();
    let refresh = script.then_when();
    let (auth, mut calls, _) = revoking(&script);
    advance(seconds(290)).await;
    let caller = waiting(&auth).await;
    until(|| script.requests() == 1).await;
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired, "before the revocation");
    quiet().await;
    asked(&mut calls, "rt-1").done();
    clearing.await.unwrap();
    // F125: the request is let finish. What it brings is revoked and not kept.
    assert!(calls.try_recv().is_err());
    refresh.send(Ok(good(2))).unwrap();
    quiet().await;
    asked(&mut calls, "rt-2").done();
    assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::LoginRequired);
    assert!(calls.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn r17_r18_a_log_out_that_is_dropped_does_everything() {
    let (auth, mut calls, recorder) = revoking(&Script::new().holding(good(1)).then_ok(good(2)));
    let call = {
        let mut clearing = pin!(auth.log_out());
        assert!(at_once(clearing.as_mut()).await.is_none());
        asked(&mut calls, "rt-1")
    };
    call.done();
    assert_eq!(recorder.take(), ["cleared"]);
    assert_eq!(token(&auth).await.unwrap(), "at-2", "what was held does not come back");
    assert!(calls.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn r17_r44_a_new_log_in_neither_waits_for_the_revocation_nor_suffers_from_it() {
    let script = Script::new().holding(good(1)).then_ok(good(2));
    let (auth, mut calls, recorder) = revoking(&script);
    let mut clearing = pin!(auth.log_out());
    assert!(at_once(clearing.as_mut()).await.is_none());
    let call = asked(&mut calls, "rt-1");
    let begun = Instant::now();
    assert_eq!(token(&auth).await.unwrap(), "at-2");
    assert!(begun.elapsed().is_zero());
    call.fail(Error::transient("503"));
    clearing.await.unwrap();
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-2");
    assert_eq!(recorder.take().last().unwrap(), "not revoked: 503");
    assert!(calls.try_recv().is_err(), "what the new log-in brought is not revoked");
}

#[tokio::test(start_paused = true)]
async fn r17_what_other_credentials_replace_is_not_revoked() {
    let script = Script::new().holding(good(1));
    script.push(Respond::Now(Ok(good(2))));
    let (auth, mut calls, _) = revoking(&script);
    auth.refresh().await.unwrap();
    auth.set_credentials(good(3)).await.unwrap();
    assert!(calls.try_recv().is_err());
}

#[test]
fn r17_r18_a_source_without_revocation_costs_a_log_out_no_timer() {
    // Without a time driver, a timer panics.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let auth = Authenticator::new(good(1));
        at_once(pin!(auth.log_out())).await.expect("at once").unwrap();
    });
}

#[test]
fn r17_r18_without_a_tokio_runtime_a_log_out_waits_without_a_limit_and_does_not_panic() {
    let (revoker, mut calls) = Revoker::new(Script::new().holding(good(1)));
    let auth = Authenticator::new(revoker);
    let mut clearing = pin!(auth.log_out());
    let mut poll = || match clearing.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(cleared) => Some(cleared),
        Poll::Pending => None,
    };
    assert!(poll().is_none());
    let call = asked(&mut calls, "rt-1");
    assert!(poll().is_none());
    call.done();
    poll().expect("it is over").unwrap();
}

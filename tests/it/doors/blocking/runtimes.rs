//! Calls that block a thread of a runtime: the refresh runs elsewhere, so it does not wait for that thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use reauth::blocking::block_on;
use reauth::{Authenticator, ClientAuth, Credentials, Event, oauth2};
use tokio::runtime::{Builder, Runtime};

use super::{get, token, with_clock};
use crate::doors::api::{ORIGIN, of_authenticator};
use crate::reqwest_middleware::server::Server;
use crate::support::clock::StillClock;
use crate::support::source::Script;
use crate::tower_layer::api::{Broken, nth};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What this thread is to do within a limit that no test should ever need.
pub(super) fn within_a_minute(what: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let thread = thread::spawn(move || {
        what();
        done.send(()).unwrap();
    });
    match is_done.recv_timeout(Duration::from_secs(60)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread.join().unwrap(),
    }
}

#[test]
fn r74_a_call_may_block_the_only_thread_of_a_runtime() {
    within_a_minute(|| {
        current_thread().block_on(async {
            let auth = Authenticator::new(Script::new().then_ok(nth(1)).then_ok(nth(2)));
            assert_eq!(token(&auth), "at-1");
            block_on(auth.log_out()).unwrap().unwrap();
            let api = of_authenticator(auth);
            let reply = api.send_blocking(get(), |request| {
                assert_eq!(request.headers()["authorization"], "Bearer at-2");
                Ok::<_, Broken>(http::Response::new(()))
            });
            assert!(reply.is_ok());
        });
    });
}

#[test]
fn r74_a_call_may_come_from_spawn_blocking_and_from_a_worker() {
    within_a_minute(|| {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let auth = Authenticator::new(Script::new().then_ok(nth(1)).then_ok(nth(2)).then_ok(nth(3)));
            let blocked = auth.clone();
            assert_eq!(tokio::task::spawn_blocking(move || token(&blocked)).await.unwrap(), "at-1");
            auth.log_out().await.unwrap();
            let blocked = auth.clone();
            assert_eq!(tokio::spawn(async move { token(&blocked) }).await.unwrap(), "at-2");
        });
    });
}

#[test]
fn r74_an_early_refresh_of_a_call_in_a_runtime_goes_on_while_that_stands_still() {
    within_a_minute(|| {
        let (clock, script) = (StillClock::default(), Script::new().then_ok(nth(1)));
        let auth = with_clock(&script, &clock);
        let runtime = current_thread();
        runtime.block_on(async { assert_eq!(token(&auth), "at-1") });
        clock.advance(Duration::from_secs(250));
        let refresh = script.then_when();
        runtime.block_on(async { assert_eq!(token(&auth), "at-1") });
        refresh.send(Ok(nth(2))).unwrap();
        // Nothing drives the runtime.
        while auth.peek().unwrap().access_token() == "at-1" {
            thread::yield_now();
        }
    });
}

/// Tokio lets a task do only so much before it has to yield. A call that blocks can't yield, so this must not end it.
#[test]
fn r74_f137_a_call_in_a_task_that_has_used_up_its_budget_comes_to_its_end() {
    within_a_minute(|| {
        current_thread().block_on(async {
            tokio::spawn(async {
                let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
                for _ in 0..1000 {
                    sender.send(()).unwrap();
                }
                // As much as the budget of one poll allows, without a yield.
                while futures_poll(&mut receiver) {}
                // A timer that is over, and asks for the budget.
                block_on(async { tokio::time::sleep(Duration::ZERO).await }).unwrap();
                let auth = Authenticator::new(Script::new().then_ok(nth(1)));
                assert_eq!(token(&auth), "at-1");
            })
            .await
            .unwrap();
        });
    });
}

/// Receives once. `false` if the task should yield first.
fn futures_poll(receiver: &mut tokio::sync::mpsc::UnboundedReceiver<()>) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    receiver.poll_recv(&mut context).is_ready()
}

/// The default transport has its connections on the runtime that opened them. Here that stands still.
#[test]
fn r74_f138_a_call_needs_no_connection_of_a_runtime_that_stands_still() {
    let provider = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = provider.block_on(Server::start(|_| {
        let body = r#"{"access_token":"at-1","token_type":"Bearer","expires_in":300}"#;
        http::Response::new(Full::new(Bytes::from_static(body.as_bytes())))
    }));
    let url = server.url("/token");
    within_a_minute(move || {
        let client_auth = ClientAuth::basic("my-tool", "s3cret").unwrap();
        let source = oauth2::ClientCredentials::new(url, client_auth).unwrap();
        let failed = Arc::new(AtomicUsize::new(0));
        let count = failed.clone();
        let auth = Authenticator::builder(source).observer(move |event| {
            count.fetch_add(usize::from(matches!(event, Event::AttemptFailed { .. })), Ordering::SeqCst);
        });
        let auth = auth.build();
        current_thread().block_on(async {
            auth.credentials().await.unwrap();
            auth.log_out().await.unwrap();
            assert_eq!(token(&auth), "at-1");
        });
        assert_eq!(failed.load(Ordering::SeqCst), 0, "an attempt waited in vain");
    });
    assert_eq!(server.arrived().len(), 2);
}

#[test]
fn r74_what_a_program_holds_is_used_without_a_runtime() {
    let auth = Authenticator::new(Credentials::new("at-1").unwrap());
    let api = reauth::Authorizer::for_origin(ORIGIN, auth).unwrap();
    let (mut headers, url) = (http::HeaderMap::new(), format!("{ORIGIN}/x").parse::<http::Uri>().unwrap());
    let mut authorized = api.authorize_blocking(&url, &mut headers).unwrap();
    assert_eq!(headers["authorization"], "Bearer at-1");
    assert!(authorized.renew_blocking(&mut headers).is_err(), "they can't be renewed");
}

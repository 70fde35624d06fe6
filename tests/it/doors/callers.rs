//! Many callers, and callers that go away.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::StatusCode;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

use super::api::{Api, authenticator, authorizer, get, holding_first, nth, of_authenticator};
use super::ways;
use crate::support::source::Script;
use crate::tower_layer::api::idle;

#[tokio::test(start_paused = true)]
async fn r45_r05_fifty_callers_without_a_token_make_one_token_request() {
    for way in ways::all() {
        let (script, api) = (Script::new(), Api::taking("at-1"));
        let login = script.then_when();
        let (auth, name) = (authorizer(&script), way.traits().name);
        let mut calls = JoinSet::new();
        for _ in 0..50 {
            calls.spawn(way.send(&auth, &api, get("/x")));
        }
        // Threads that block keep paused time from going on, so this is no sleep.
        while script.requests() == 0 {
            yield_now().await;
        }
        for _ in 0..100 {
            yield_now().await;
        }
        login.send(Ok(nth(1))).unwrap();
        while let Some(response) = calls.join_next().await {
            assert_eq!(response.unwrap().unwrap().status(), StatusCode::OK, "{name}");
        }
        assert_eq!((script.requests(), api.seen().len()), (1, 50), "{name}");
    }
}

/// A caller that is dropped while its request waits, for its first token or after a 401.
#[tokio::test(start_paused = true)]
async fn r45_r06_a_refresh_goes_on_without_the_caller_that_started_it() {
    for way in ways::with(|traits| traits.is_async) {
        for (script, before, after) in [(Script::new(), 0, "at-1"), (holding_first(), 1, "at-2")] {
            let (refresh, name) = (script.then_when(), way.traits().name);
            let auth = authenticator(&script);
            let (authorizer, api) = (of_authenticator(auth.clone()), Api::taking(after));
            let mut call = way.send(&authorizer, &api, get("/x"));
            while script.requests() == 0 {
                assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                idle().await;
            }
            drop(call);
            assert_eq!(api.seen().len(), before, "{name}");
            refresh.send(Ok(nth(before + 1))).unwrap();
            timeout(std::time::Duration::from_secs(60), auth.settled()).await.expect(name);
            assert_eq!(way.send(&authorizer, &api, get("/x")).await.unwrap().status(), StatusCode::OK);
            assert_eq!(script.requests(), 1, "{name}");
        }
    }
}

/// A warm token is used without a wait: neither a runtime nor another thread takes part.
#[test]
fn r45_a_request_with_a_good_token_needs_no_runtime() {
    for way in ways::with(|traits| traits.is_async) {
        let (script, api) = (holding_first(), Api::taking("at-1"));
        let mut call = pin!(way.send(&authorizer(&script), &api, get("/x")));
        let mut context = Context::from_waker(Waker::noop());
        let response = (0..5).find_map(|_| match call.as_mut().poll(&mut context) {
            Poll::Ready(response) => Some(response),
            Poll::Pending => None,
        });
        assert!(response.is_some_and(|response| response.unwrap().status() == StatusCode::OK));
    }
}

//! What a 401 starts, and what it doesn't start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use reauth::{AuthError, AuthLayer, Error, ErrorKind, RenewalError, Timing};
use tower::{Layer, ServiceExt};
use tower_test::mock;

use super::api::{Api, ORIGIN, bearer, get, holding_first, idle, layer, next, nth, send, status};
use crate::support::clock::in_paused_time;
use crate::support::source::{Asked, Script};

type MockApi = mock::Handle<Request<String>, Response<String>>;
type MockError = Box<dyn std::error::Error + Send + Sync>;
type Call = tokio::task::JoinHandle<Result<Response<String>, AuthError<MockError>>>;

#[tokio::test(start_paused = true)]
async fn f17_a_server_that_always_says_401_is_asked_exactly_twice() {
    let script = holding_first().then_ok(nth(2));
    // Without the interval of R26, only the rule under test limits the attempts.
    let timing = Timing::default().rejection_interval(Duration::ZERO);
    let auth = in_paused_time(script.clone()).timing(timing).build();
    let layer = AuthLayer::for_origin(ORIGIN, auth).unwrap();
    let api = Api::new(|seen| {
        let mut response = status(StatusCode::UNAUTHORIZED);
        *response.body_mut() = format!("not with {}", seen.token().unwrap());
        Ok(response)
    });
    let response = send(&layer.layer(api.clone()), get("/x")).await.unwrap();
    assert_eq!(api.tokens(), ["at-1", "at-2"]);
    // R23: the caller gets the second 401 as it is.
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.extensions().get::<RenewalError>().is_none(), "the renewal did not fail");
    assert_eq!(response.into_body(), "not with at-2");
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn f20_the_caller_sees_the_200_of_the_renewed_credentials() {
    let script = holding_first().then_ok(nth(2));
    let (layer, _auth) = layer(&script);
    let api = Api::taking(&["at-2"]);
    let response = send(&layer.layer(api.clone()), get("/x")).await.unwrap();
    assert_eq!((response.status(), response.body().as_str()), (StatusCode::OK, "at-2"));
    assert_eq!(script.asked(), [Asked::Refresh("rt-1".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn f21_a_403_never_refreshes() {
    let script = holding_first();
    let (layer, auth) = layer(&script);
    let api = Api::saying(StatusCode::FORBIDDEN);
    let response = send(&layer.layer(api.clone()), get("/x")).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!((api.seen().len(), script.requests()), (1, 0));
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
}

#[tokio::test(start_paused = true)]
async fn r23_other_errors_of_the_server_never_refresh() {
    let script = holding_first();
    let (layer, _auth) = layer(&script);
    for code in [302, 400, 404, 407, 419, 429, 500, 503].map(|code| StatusCode::from_u16(code).unwrap()) {
        let api = Api::saying(code);
        assert_eq!(send(&layer.layer(api.clone()), get("/x")).await.unwrap().status(), code);
        assert_eq!(api.seen().len(), 1);
    }
    assert_eq!(script.requests(), 0);
}

/// Two requests with `at-1` that have arrived; the test sends their responses.
async fn two_in_flight(script: &Script) -> (Flying, Flying, MockApi) {
    let (layer, _auth) = layer(script);
    let (mock, mut api) = mock::pair();
    let service = layer.layer(mock);
    let mut fly = async |path: &str| {
        let call = tokio::spawn(service.clone().oneshot(get(path)));
        let (request, reply) = next(&mut api).await;
        assert_eq!(request.headers()["authorization"], bearer("at-1"));
        Flying { call, reply }
    };
    (fly("/a").await, fly("/b").await, api)
}

struct Flying {
    call: Call,
    reply: mock::SendResponse<Response<String>>,
}

/// The next request is this one with `at-2`, and gets a 200.
async fn takes_replay(api: &mut MockApi, path: &str) {
    let (request, reply) = next(api).await;
    assert_eq!(request.uri().path(), path);
    assert_eq!(request.headers()["authorization"], bearer("at-2"));
    reply.send_response(status(StatusCode::OK));
}

#[tokio::test(start_paused = true)]
async fn f03_a_late_401_for_the_old_token_is_replayed_and_refreshes_nothing() {
    let script = holding_first().then_ok(nth(2));
    let (a, b, mut api) = two_in_flight(&script).await;
    a.reply.send_response(status(StatusCode::UNAUTHORIZED));
    takes_replay(&mut api, "/a").await;
    assert_eq!(a.call.await.unwrap().unwrap().status(), StatusCode::OK);
    // The refresh is over. Now the request that was sent before it gets its 401.
    b.reply.send_response(status(StatusCode::UNAUTHORIZED));
    takes_replay(&mut api, "/b").await;
    assert_eq!(b.call.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r24_a_401_during_the_refresh_joins_it() {
    let script = holding_first();
    let refresh = script.then_when();
    let (a, b, mut api) = two_in_flight(&script).await;
    a.reply.send_response(status(StatusCode::UNAUTHORIZED));
    idle().await;
    b.reply.send_response(status(StatusCode::UNAUTHORIZED));
    idle().await;
    assert!(api.poll_request().is_pending(), "a request went out before its new token was there");
    refresh.send(Ok(nth(2))).ok().unwrap();
    takes_replay(&mut api, "/a").await;
    takes_replay(&mut api, "/b").await;
    assert_eq!(a.call.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(b.call.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn f09_the_same_request_is_not_sent_again_with_the_token_that_was_just_rejected() {
    // The provider issues the same access token again.
    let script = holding_first().then_ok(nth(1));
    let (layer, _auth) = layer(&script);
    let api = Api::taking(&[]);
    let service = layer.layer(api.clone());
    // R24: the token is in use again for the next request, whose 401 has the reason as well.
    for sent in 1..=2 {
        let response = send(&service, get("/x")).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let reason = response.extensions().get::<RenewalError>().unwrap();
        assert_eq!(reason.error().kind(), ErrorKind::InvalidResponse);
        assert_eq!(api.tokens(), vec!["at-1"; sent]);
    }
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn f122_one_false_401_while_the_provider_is_away_costs_that_call_alone() {
    let away = || Error::transient("the provider is away").not_processed();
    let script = (0..1000).fold(holding_first(), |script, _| script.then_err(away()));
    let (layer, _auth) = layer(&script);
    let wrong = Arc::new(AtomicBool::new(true));
    let once = wrong.clone();
    let api = Api::new(move |_| {
        let is_false = once.swap(false, Ordering::SeqCst);
        Ok(status(if is_false { StatusCode::UNAUTHORIZED } else { StatusCode::OK }))
    });
    let service = layer.layer(api.clone());
    let response = send(&service, get("/x")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let renewal = response.extensions().get::<RenewalError>().unwrap();
    assert_eq!(renewal.error().kind(), ErrorKind::Transient);
    for _ in 0..100 {
        assert_eq!(send(&service, get("/x")).await.unwrap().status(), StatusCode::OK);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(api.tokens(), ["at-1"; 101]);
}

#[tokio::test(start_paused = true)]
async fn r26_a_server_that_rejects_everything_costs_one_token_request_an_interval() {
    let script = (2..20).fold(holding_first(), |script, n| script.then_ok(nth(n)));
    let (layer, _auth) = layer(&script);
    let api = Api::taking(&[]);
    let service = layer.layer(api.clone());
    let second = Duration::from_secs(1);
    for at in 0..=60 {
        let response = send(&service, get("/x")).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        match response.extensions().get::<RenewalError>() {
            // Renewed, sent again, and rejected again.
            None => assert_eq!(at % 10, 0, "a refresh after {at} s"),
            Some(renewal) => {
                let error = renewal.error();
                assert_eq!(error.kind(), ErrorKind::Transient);
                assert_eq!(error.retry_after(), Some(second * (10 - at % 10)));
            }
        }
        tokio::time::sleep(second).await;
    }
    assert_eq!(script.requests(), 7, "one at 0, 10, … 60 s");
    assert_eq!(api.seen().len(), 61 + 7);
    // After a quiet time, the first rejection refreshes at once.
    tokio::time::sleep(60 * second).await;
    send(&service, get("/x")).await.unwrap();
    assert_eq!(script.requests(), 8);
}

//! What a 401 starts, and what it doesn't start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use reauth::{AuthMiddleware, Authenticator, Error, ErrorKind, Event, RenewalError, Timing};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::server::{Server, unauthorized};
use super::{client, client_of, in_memory, with};
use crate::support::clock::StillClock;
use crate::support::clock::in_paused_time;
use crate::support::source::{Asked, Script};
use crate::tower_layer::api::{Api, ORIGIN, holding_first, nth, status};

#[tokio::test]
async fn f17_a_server_that_always_says_401_is_asked_exactly_twice() {
    let script = holding_first().then_ok(nth(2));
    let server = Server::start(|arrived| {
        let body = format!("not with {}", arrived.token().unwrap());
        Response::builder().status(401).body(Full::from(body)).unwrap()
    })
    .await;
    // Without the interval of R26, only the rule under test limits the attempts.
    let timing = Timing::default().rejection_interval(Duration::ZERO);
    let auth = Authenticator::builder(script.clone()).timing(timing).build();
    let response = client_of(&server, auth).get(server.url("/x")).send().await.unwrap();
    assert_eq!(server.tokens(), ["at-1", "at-2"]);
    // R23: the caller gets the second 401 as it is.
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.extensions().get::<RenewalError>().is_none(), "the renewal did not fail");
    assert_eq!(response.text().await.unwrap(), "not with at-2");
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn f20_the_caller_sees_the_200_of_the_renewed_credentials() {
    // With a token at hand, and after waiting for one.
    for script in [holding_first().then_ok(nth(2)), Script::new().then_ok(nth(1)).then_ok(nth(2))] {
        let server = Server::taking("at-2").await;
        let response = client(&server, &script).get(server.url("/x")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.text().await.unwrap(), "at-2");
        assert_eq!(server.tokens(), ["at-1", "at-2"]);
        assert_eq!(script.asked().last(), Some(&Asked::Refresh("rt-1".to_owned())));
    }
}

#[tokio::test]
async fn f21_a_403_never_refreshes() {
    let script = holding_first();
    let server = Server::start(|_| Response::builder().status(403).body(Full::default()).unwrap()).await;
    let response = client(&server, &script).get(server.url("/x")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!((server.tokens(), script.requests()), (vec!["at-1".to_owned()], 0));
}

#[tokio::test]
async fn r29_a_classifier_adds_rejections() {
    let script = holding_first().then_ok(nth(2));
    let server = Server::start(|arrived| {
        let grpc = if arrived.token() == Some("at-2") { "0" } else { "16" };
        Response::builder().header("grpc-status", grpc).body(Full::<Bytes>::default()).unwrap()
    })
    .await;
    let auth = Authenticator::new(script.clone());
    let middleware = AuthMiddleware::for_origin(server.origin(), auth)
        .unwrap()
        .also_rejected_when(|head| head.is_grpc_unauthenticated());
    let response = with(middleware).get(server.url("/x")).send().await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "0");
    assert_eq!(server.tokens(), ["at-1", "at-2"]);
}

/// Two gates of a server: one reports that a request has arrived, the other lets its response go.
#[derive(Clone)]
struct Gates {
    arrived: Arc<Semaphore>,
    released: Arc<Semaphore>,
}

impl Gates {
    fn shut() -> Self {
        Self { arrived: Arc::new(Semaphore::new(0)), released: Arc::new(Semaphore::new(0)) }
    }

    async fn pass(&self) {
        self.arrived.add_permits(1);
        self.released.acquire().await.unwrap().forget();
    }
}

#[tokio::test]
async fn f03_a_late_401_for_the_old_token_is_replayed_and_refreshes_nothing() {
    let script = holding_first().then_ok(nth(2));
    let gates = Gates::shut();
    let of_server = gates.clone();
    let server = Server::start_slow(move |arrived| {
        let gates = of_server.clone();
        async move {
            if arrived.token() == Some("at-2") {
                return Response::new(Full::default());
            }
            if arrived.path == "/late" {
                gates.pass().await;
            }
            unauthorized()
        }
    })
    .await;
    let client = client(&server, &script);
    let late = tokio::spawn(client.get(server.url("/late")).send());
    gates.arrived.acquire().await.unwrap().forget();
    assert_eq!(client.get(server.url("/prompt")).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(script.requests(), 1);
    // The refresh is over. Now the request that was sent before it gets its 401.
    gates.released.add_permits(1);
    assert_eq!(late.await.unwrap().unwrap().status(), StatusCode::OK);
    let sent: Vec<_> =
        server.arrived().into_iter().map(|a| (a.path.clone(), a.token().unwrap().to_owned())).collect();
    let expected = [("/late", "at-1"), ("/prompt", "at-1"), ("/prompt", "at-2"), ("/late", "at-2")];
    assert_eq!(sent, expected.map(|(path, token)| (path.to_owned(), token.to_owned())));
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn r26_a_server_that_rejects_everything_costs_one_token_request_an_interval() {
    let script = (2..20).fold(holding_first(), |script, n| script.then_ok(nth(n)));
    let server = Server::start(|_| unauthorized()).await;
    let clock = StillClock::default();
    let auth = Authenticator::builder(script.clone()).clock(clock.clone()).build();
    let client = client_of(&server, auth);
    for at in 0..=60 {
        let response = client.get(server.url("/x")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        match response.extensions().get::<RenewalError>() {
            // Renewed, sent again, and rejected again.
            None => assert_eq!(at % 10, 0, "a refresh after {at} s"),
            Some(renewal) => assert_eq!(renewal.error().kind(), ErrorKind::Transient),
        }
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(script.requests(), 7, "one at 0, 10, … 60 s");
    assert_eq!(server.arrived().len(), 61 + 7);
    // After a quiet time, the first rejection refreshes at once.
    clock.advance(Duration::from_secs(60));
    client.get(server.url("/x")).send().await.unwrap();
    assert_eq!(script.requests(), 8);
}

#[tokio::test]
async fn f10_no_request_goes_out_with_a_token_known_to_be_bad() {
    let script = holding_first();
    let refresh = script.then_when();
    let started = Arc::new(Semaphore::new(0));
    let observed = started.clone();
    let auth = Authenticator::builder(script.clone())
        .observer(move |event| {
            if matches!(event, Event::RefreshStarted { .. }) {
                observed.add_permits(1);
            }
        })
        .build();
    let server = Server::taking("at-2").await;
    let client = client_of(&server, auth);
    let mut calls = JoinSet::new();
    calls.spawn(client.get(server.url("/rejected")).send());
    started.acquire().await.unwrap().forget();
    for n in 0..50 {
        // Polled once, so that each has asked for its token, and would be sent by now with the old one.
        let mut call = Box::pin(client.get(server.url(&format!("/{n}"))).send());
        assert!(std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await.is_pending());
        calls.spawn(call);
    }
    refresh.send(Ok(nth(2))).ok().unwrap();
    while let Some(response) = calls.join_next().await {
        assert_eq!(response.unwrap().unwrap().status(), StatusCode::OK);
    }
    let mut tokens = server.tokens();
    assert_eq!(tokens.remove(0), "at-1");
    assert_eq!(tokens, ["at-2"; 51]);
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn f122_one_false_401_while_the_provider_is_away_costs_that_call_alone() {
    let away = || Error::transient("the provider is away").not_processed();
    let script = (0..1000).fold(holding_first(), |script, _| script.then_err(away()));
    let wrong = AtomicBool::new(true);
    let api = Api::new(move |_| {
        let is_false = wrong.swap(false, Ordering::SeqCst);
        Ok(status(if is_false { StatusCode::UNAUTHORIZED } else { StatusCode::OK }))
    });
    let auth = AuthMiddleware::for_origin(ORIGIN, in_paused_time(script).build()).unwrap();
    let client = in_memory::client(auth, api.clone());
    let call = || client.get(format!("{ORIGIN}/x")).send();
    let response = call().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let renewal = response.extensions().get::<RenewalError>().unwrap();
    assert_eq!(renewal.error().kind(), ErrorKind::Transient);
    for _ in 0..100 {
        assert_eq!(call().await.unwrap().status(), StatusCode::OK);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(api.tokens(), ["at-1"; 101]);
}

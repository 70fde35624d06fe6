//! A retry above the layer, and below it.

use std::future::{Ready, ready};
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::retry::{Policy, Retry};
use tower::{Layer, ServiceBuilder};

use super::super::{BOTH, Body, World};
use crate::reqwest_middleware::server::{Server, unauthorized};
use crate::tower_layer::api::send;

/// Retries this many times after a 503.
#[derive(Clone)]
pub(super) struct OnUnavailable(pub(super) u32);

/// Retries this many times after any status that is not a success.
#[derive(Clone)]
struct OnAnything(u32);

impl<R, E> Policy<Request<Body>, Response<R>, E> for OnUnavailable {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<Body>, result: &mut Result<Response<R>, E>) -> Option<Ready<()>> {
        again(&mut self.0, result.as_ref().is_ok_and(|response| response.status() == 503))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        Some(request.clone())
    }
}

impl<R, E> Policy<Request<Body>, Response<R>, E> for OnAnything {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<Body>, result: &mut Result<Response<R>, E>) -> Option<Ready<()>> {
        again(&mut self.0, result.as_ref().is_ok_and(|response| !response.status().is_success()))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        Some(request.clone())
    }
}

fn again(left: &mut u32, wanted: bool) -> Option<Ready<()>> {
    *left = left.checked_sub(u32::from(wanted))?;
    wanted.then(|| ready(()))
}

/// 503 to the first request, whatever its token; then only `at-2` is good.
async fn unavailable_at_first() -> Server {
    let asked = AtomicBool::new(false);
    Server::start(move |arrived| match (asked.swap(true, Ordering::SeqCst), arrived.token()) {
        (false, _) => empty(503),
        (true, Some("at-2")) => Response::new(Full::from("at-2")),
        _ => unauthorized(),
    })
    .await
}

fn empty(code: u16) -> Response<Full<Bytes>> {
    Response::builder().status(code).body(Full::default()).unwrap()
}

#[tokio::test]
async fn r31_a_retry_above_asks_for_a_token_at_each_attempt() {
    for version in BOTH {
        let world = World::with(version, unavailable_at_first().await);
        let auth = world.auth.clone();
        // The token is replaced between the two attempts.
        let service = ServiceBuilder::new()
            .retry(OnUnavailable(2))
            .layer(world.layer())
            .and_then(move |response: Response<hyper::body::Incoming>| async move {
                if response.status() == 503 {
                    auth.refresh().await.unwrap();
                }
                Ok::<_, hyper_util::client::legacy::Error>(response)
            })
            .service(world.hyper());
        let response = send(&service, world.post("x")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(world.server.tokens(), ["at-1", "at-2"], "there was no 401");
    }
}

/// Why the order matters: below the layer, every attempt has the token of the first.
#[tokio::test]
async fn r31_a_retry_below_sends_a_replaced_token_again() {
    for version in BOTH {
        let world = World::with(version, unavailable_at_first().await);
        let auth = world.auth.clone();
        let service = ServiceBuilder::new()
            .layer(world.layer())
            .retry(OnUnavailable(2))
            .and_then(move |response: Response<hyper::body::Incoming>| async move {
                if response.status() == 503 {
                    auth.refresh().await.unwrap();
                }
                Ok::<_, hyper_util::client::legacy::Error>(response)
            })
            .service(world.hyper());
        let response = send(&service, world.post("x")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(world.server.tokens(), ["at-1", "at-1", "at-2"]);
    }
}

#[tokio::test]
async fn r26_a_retry_that_retries_401s_too_costs_one_token_request() {
    for version in BOTH {
        let world = World::with(version, Server::start(|_| unauthorized()).await);
        let service = Retry::new(OnAnything(3), world.layer().layer(world.hyper()));
        let response = send(&service, world.post("x")).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        // Four attempts; the first is sent twice.
        assert_eq!(world.server.tokens(), ["at-1", "at-2", "at-2", "at-2", "at-2"]);
        assert_eq!(world.script.requests(), 1);
    }
}

#[tokio::test]
async fn r23_a_retry_above_does_not_retry_a_401_that_the_layer_has_retried() {
    for version in BOTH {
        let world = World::with(version, Server::start(|_| unauthorized()).await);
        let service = Retry::new(OnUnavailable(3), world.layer().layer(world.hyper()));
        let response = send(&service, world.post("x")).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(world.server.tokens(), ["at-1", "at-2"]);
    }
}

//! reqwest-retry outside of the middleware, which is right, and inside.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use reauth::{Authenticator, Error, ErrorKind};
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{RetryError, RetryTransientMiddleware};

use super::*;
use crate::reqwest_middleware::server::{Server, unauthorized};
use crate::support::source::Script;
use crate::tower_layer::api::{authenticator, holding_first, nth};

fn retry() -> RetryTransientMiddleware<ExponentialBackoff> {
    let moment = Duration::from_millis(1);
    let policy = ExponentialBackoff::builder().retry_bounds(moment, moment).build_with_max_retries(3);
    RetryTransientMiddleware::new_with_policy(policy)
}

/// 503 to the first request, after `then` has run. Later only `at-2` is good.
async fn down_at_first<F>(version: Version, script: Script, then: fn(Authenticator) -> F) -> World
where
    F: Future<Output = ()> + Send + 'static,
{
    let auth = authenticator(&script);
    let (asked, of) = (AtomicBool::new(false), auth.clone());
    let server = Server::start_slow(move |arrived| {
        let (first, auth) = (!asked.swap(true, Ordering::SeqCst), of.clone());
        async move {
            if first {
                then(auth).await;
                return Response::builder().status(503).body(Full::default()).unwrap();
            }
            match arrived.token() {
                Some("at-2") => Response::new(Full::from("at-2")),
                _ => unauthorized(),
            }
        }
    });
    World { version, server: server.await, script, auth }
}

async fn renewed_meanwhile(version: Version) -> World {
    let script = holding_first().then_ok(nth(2));
    down_at_first(version, script, |auth| async move { drop(auth.refresh().await.unwrap()) }).await
}

#[tokio::test]
async fn r31_with_retry_on_either_side_the_middleware_renews() {
    for version in BOTH {
        let world = World::new(version).await;
        assert_renews(&world, &client_of(version, retry(), auth(&world))).await;
        let world = World::new(version).await;
        assert_renews(&world, &client_of(version, auth(&world), retry())).await;
    }
}

#[tokio::test]
async fn r31_retry_outside_asks_for_a_token_at_each_attempt() {
    for version in BOTH {
        let world = renewed_meanwhile(version).await;
        let client = client_of(version, retry(), auth(&world));
        let response = client.get(world.server.url("/x")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(world.server.tokens(), ["at-1", "at-2"], "there was no 401");
    }
}

/// Why the order matters: inside, every attempt has the token of the first, which may have expired or have been
/// replaced while the retry waited.
#[tokio::test]
async fn r31_retry_inside_sends_a_replaced_token_again() {
    for version in BOTH {
        let world = renewed_meanwhile(version).await;
        let client = client_of(version, auth(&world), retry());
        let response = client.get(world.server.url("/x")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(world.server.tokens(), ["at-1", "at-1", "at-2"]);
    }
}

#[tokio::test]
async fn r23_retry_outside_does_not_retry_a_401() {
    for version in BOTH {
        let world = World::with(version, Server::start(|_| unauthorized()).await);
        let client = client_of(version, retry(), auth(&world));
        let response = client.get(world.server.url("/x")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!((world.server.tokens(), world.script.requests()), (vec!["at-1".into(), "at-2".into()], 1));
    }
}

/// It doesn't retry a failed log-in either: the flight has retried it already.
#[tokio::test]
async fn r10_retry_outside_does_not_retry_a_failed_log_in_and_its_error_is_found_inside() {
    for version in BOTH {
        let mut world = World::new(version).await;
        world.script = Script::new().then_err(Error::login_required("the password is wrong"));
        world.auth = authenticator(&world.script);
        let client = client_of(version, retry(), auth(&world));
        let error = client.get(world.server.url("/x")).send().await.unwrap_err();
        assert_eq!(kind(&error), Some(ErrorKind::LoginRequired));
        assert_eq!((world.server.tokens().len(), world.script.requests()), (0, 1));
    }
}

/// The kind of our error, which may be inside an error of reqwest-retry.
fn kind(error: &reqwest_middleware::Error) -> Option<ErrorKind> {
    let reqwest_middleware::Error::Middleware(error) = error else { return None };
    if let Some(error) = error.downcast_ref::<Error>() {
        return Some(error.kind());
    }
    match error.downcast_ref()? {
        RetryError::Error(error) | RetryError::WithRetries { err: error, .. } => kind(error),
    }
}

#[tokio::test]
async fn r10_the_error_is_found_after_a_retry_too() {
    for version in BOTH {
        let script = holding_first().without_login();
        let log_out = |auth: Authenticator| async move { auth.log_out().await.unwrap() };
        let world = down_at_first(version, script, log_out).await;
        let client = client_of(version, retry(), auth(&world));
        let error = client.get(world.server.url("/x")).send().await.unwrap_err();
        assert_eq!(kind(&error), Some(ErrorKind::LoginRequired), "{error:?}");
        assert_eq!(world.server.tokens(), ["at-1"]);
    }
}

/// With reqwest-retry on either side, a streaming body is an error before it is sent.
#[tokio::test]
async fn r27_reqwest_retry_does_not_send_streaming_bodies() {
    let body = || reqwest::Body::wrap_stream(Full::new(Bytes::from("streamed")).into_data_stream());
    for version in BOTH {
        let world = World::new(version).await;
        for client in [client_of(version, retry(), auth(&world)), client_of(version, auth(&world), retry())] {
            let error = client.post(world.server.url("/x")).body(body()).send().await.unwrap_err();
            assert!(error.to_string().contains("not cloneable"), "{error}");
        }
        assert!(world.server.tokens().is_empty());
    }
}

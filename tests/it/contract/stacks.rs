//! tower's middlewares above and below the layer: the stacks compile, and each request succeeds after a 401 and its
//! replay.

use std::future::{Ready, ready};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use reauth::{AuthError, Timing};
use tokio::task::JoinSet;
use tower::buffer::Buffer;
use tower::load_shed::error::Overloaded;
use tower::retry::{Policy, Retry};
use tower::timeout::error::Elapsed;
use tower::util::{BoxCloneService, BoxCloneSyncService, BoxService};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

use crate::support::source::Script;
use crate::tower_layer::api::{Api, Broken, get, holding_first, idle, layer, next, nth, send, status};

/// A source that holds a token that the API rejects, and gets one that it accepts.
fn renewing() -> Script {
    holding_first().then_ok(nth(2))
}

fn api() -> Api {
    Api::taking(&["at-2"])
}

/// Ten requests at once all succeed, with one refresh.
async fn assert_works<S>(service: S, script: &Script)
where
    S: Service<Request<String>, Response = Response<String>, Error: std::fmt::Debug + Send + 'static>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let mut calls = JoinSet::new();
    for n in 0..10 {
        let service = service.clone();
        calls.spawn(async move { send(&service, get(&format!("/{n}"))).await.unwrap().status() });
    }
    assert_eq!(calls.join_all().await, [StatusCode::OK; 10]);
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r31_a_concurrency_limit_of_one_inside_and_outside() {
    let script = renewing();
    let (layer, _auth) = layer(&script);
    let inside = ServiceBuilder::new().layer(layer).concurrency_limit(1).service(api());
    assert_works(inside, &script).await;

    let script = renewing();
    let (layer, _auth) = crate::tower_layer::api::layer(&script);
    let outside = ServiceBuilder::new().concurrency_limit(1).layer(layer).service(api());
    assert_works(outside, &script).await;
}

#[tokio::test(start_paused = true)]
async fn r31_the_only_slot_is_free_while_a_401_is_renewed() {
    let script = holding_first();
    let refresh = script.then_when();
    let (layer, _auth) = layer(&script);
    let service = ServiceBuilder::new().layer(layer).concurrency_limit(1).service(api());
    let renewed = service.clone();
    let renewed = tokio::spawn(async move { send(&renewed, get("/renewed")).await.unwrap().status() });
    idle().await;
    let other = send(&service, get("https://other.test/")).await.unwrap();
    assert_eq!(other.status(), StatusCode::UNAUTHORIZED);
    refresh.send(Ok(nth(2))).ok().unwrap();
    assert_eq!(renewed.await.unwrap(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn r31_a_buffer_inside_and_outside() {
    let script = renewing();
    let (layer, _auth) = layer(&script);
    assert_works(layer.layer(Buffer::new(api(), 4)), &script).await;

    let script = renewing();
    let (layer, _auth) = crate::tower_layer::api::layer(&script);
    let outside = ServiceBuilder::new().buffer(4).layer(layer).service(api());
    assert_works(outside, &script).await;
}

#[tokio::test(start_paused = true)]
async fn r31_load_shed_below_sheds_with_its_error_and_does_not_shed_the_replay_because_of_the_first_attempt()
{
    let script = renewing();
    let (layer, _auth) = layer(&script);
    let (mock, mut below) = tower_test::mock::pair::<Request<String>, Response<String>>();
    let service = ServiceBuilder::new().layer(layer).load_shed().service(mock);
    below.allow(0);
    let AuthError::Service(shed) = send(&service, get("/x")).await.unwrap_err() else { panic!("shed below") };
    assert!(shed.is::<Overloaded>());

    below.allow(2);
    let call = tokio::spawn(async move { send(&service, get("/x")).await.map(|r| r.status()) });
    for (token, code) in [("Bearer at-1", StatusCode::UNAUTHORIZED), ("Bearer at-2", StatusCode::OK)] {
        let (request, reply) = next(&mut below).await;
        assert_eq!(request.headers()["authorization"], token);
        reply.send_response(status(code));
    }
    assert_eq!(call.await.unwrap().unwrap(), StatusCode::OK);
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r06_a_timeout_outside_ends_that_callers_wait_and_not_the_flight() {
    let script = Script::new();
    let login = script.then_when();
    let (layer, auth) = layer(&script);
    let service =
        ServiceBuilder::new().timeout(Duration::from_secs(1)).layer(layer).service(Api::taking(&["at-1"]));
    let error = send(&service, get("/x")).await.unwrap_err();
    assert!(error.is::<Elapsed>());
    login.send(Ok(nth(1))).ok().unwrap();
    idle().await;
    assert_eq!(send(&service, get("/x")).await.unwrap().status(), StatusCode::OK);
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r31_a_timeout_inside_is_the_apis_alone() {
    // The wait for credentials is longer than the API's time limit.
    let script = Script::new();
    let login = script.then_when();
    let (layer, _auth) = layer(&script);
    let limit = Duration::from_secs(1);
    let service = ServiceBuilder::new().layer(layer).timeout(limit).service(Api::taking(&["at-1"]));
    let call = tokio::spawn(async move { send(&service, get("/x")).await.map(|r| r.status()) });
    tokio::time::sleep(Timing::FLIGHT_DEADLINE / 2).await;
    login.send(Ok(nth(1))).ok().unwrap();
    assert_eq!(call.await.unwrap().unwrap(), StatusCode::OK);
}

/// Retries this many times after a 503.
#[derive(Clone)]
struct Unavailable(u32);

impl<E> Policy<Request<String>, Response<String>, E> for Unavailable {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<String>,
        result: &mut Result<Response<String>, E>,
    ) -> Option<Ready<()>> {
        let again =
            result.as_ref().is_ok_and(|r| r.status() == StatusCode::SERVICE_UNAVAILABLE) && self.0 > 0;
        self.0 -= u32::from(again);
        again.then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<String>) -> Option<Request<String>> {
        Some(request.clone())
    }
}

/// 503 to the first request with a good token.
fn moody() -> Api {
    let asked = std::sync::atomic::AtomicBool::new(false);
    Api::new(move |seen| {
        Ok(status(match seen.token() {
            Some("at-2") if asked.swap(true, std::sync::atomic::Ordering::SeqCst) => StatusCode::OK,
            Some("at-2") => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNAUTHORIZED,
        }))
    })
}

#[tokio::test(start_paused = true)]
async fn r31_a_retry_outside_gives_each_attempt_a_good_token() {
    let script = renewing();
    let (layer, _auth) = layer(&script);
    let api = moody();
    let service = Retry::new(Unavailable(2), layer.layer(api.clone()));
    assert_eq!(send(&service, get("/x")).await.unwrap().status(), StatusCode::OK);
    assert_eq!(api.tokens(), ["at-1", "at-2", "at-2"]);
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r31_a_retry_inside_is_part_of_one_attempt() {
    let script = renewing();
    let (layer, _auth) = layer(&script);
    let api = moody();
    let service = layer.layer(Retry::new(Unavailable(2), api.clone()));
    assert_eq!(send(&service, get("/x")).await.unwrap().status(), StatusCode::OK);
    assert_eq!(api.tokens(), ["at-1", "at-2", "at-2"]);
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r31_boxed_services_work() {
    let script = renewing();
    let (layer, _auth) = layer(&script);
    assert_works(BoxCloneService::new(layer.layer(api())), &script).await;

    let script = renewing();
    let (layer, _auth) = crate::tower_layer::api::layer(&script);
    assert_works(BoxCloneSyncService::new(layer.layer(api())), &script).await;
    let mut boxed: BoxService<Request<String>, Response<String>, AuthError<Broken>> =
        BoxService::new(layer.layer(api()));
    let response = boxed.ready().await.unwrap().call(get("/x")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn r31_all_of_them_in_one_stack() {
    let script = renewing();
    let (layer, _auth) = layer(&script);
    let service = ServiceBuilder::new()
        .load_shed()
        .buffer(16)
        .timeout(Duration::from_secs(10))
        .concurrency_limit(2)
        .retry(Unavailable(2))
        // `AuthError` around a boxed error does not implement `Error`, because the box does not: so it is unwrapped.
        .map_err(AuthError::into_boxed)
        .layer(layer)
        .timeout(Duration::from_secs(10))
        .concurrency_limit(1)
        .service(api());
    assert_works(BoxCloneService::new(service.map_err(|error| error.to_string())), &script).await;
}

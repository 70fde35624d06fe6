//! Which clone is made ready, and which is called.
//!
//! [`Api`] panics if a clone is called that was not made ready, so every test of the layer checks this part of the
//! contract. The tests here also check which clone is made ready, and when.

use http::{Request, StatusCode};
use tower::{Layer, Service};

use super::make_ready;
use crate::support::source::Script;
use crate::tower_layer::api::Moment::{Called, Ready};
use crate::tower_layer::api::{Api, get, holding_first, idle, layer, next, nth};

/// Makes the service itself ready, calls it, and drops nothing in between.
async fn ready_and_call<S: Service<Request<String>>>(
    service: &mut S,
    request: Request<String>,
) -> Result<S::Response, S::Error> {
    make_ready(service).await?;
    service.call(request).await
}

#[tokio::test(start_paused = true)]
async fn r31_warm_the_service_made_ready_is_the_one_called() {
    let (layer, _auth) = layer(&holding_first());
    let api = Api::saying(StatusCode::OK);
    let mut service = layer.layer(api.clone());
    let made = service.get_ref().clone_number();
    for _ in 0..3 {
        assert!(ready_and_call(&mut service, get("/x")).await.is_ok());
    }
    assert_eq!(api.moments(), [Ready(made), Called(made)].repeat(3));
}

#[tokio::test(start_paused = true)]
async fn r31_passing_through_the_service_made_ready_is_the_one_called() {
    let (layer, _auth) = layer(&Script::new());
    let api = Api::saying(StatusCode::OK);
    let mut service = layer.layer(api.clone());
    let made = service.get_ref().clone_number();
    assert!(ready_and_call(&mut service, get("https://other.test/")).await.is_ok());
    assert_eq!(api.moments(), [Ready(made), Called(made)]);
}

#[tokio::test(start_paused = true)]
async fn r32_waiting_the_service_made_ready_is_dropped_and_another_one_is_made_ready_and_called() {
    let script = Script::new();
    let login = script.then_when();
    let (layer, _auth) = layer(&script);
    let api = Api::taking(&["at-1"]);
    let mut service = layer.layer(api.clone());
    let made = service.get_ref().clone_number();
    make_ready(&mut service).await.unwrap();
    let waiting = tokio::spawn(service.call(get("/x")));
    idle().await;
    // The service now has a clone inside, which the next caller has to make ready.
    let next = service.get_ref().clone_number();
    assert_ne!(next, made);
    assert_eq!(api.moments(), [Ready(made)]);
    login.send(Ok(nth(1))).ok().unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().status(), StatusCode::OK);
    let [Ready(first), Ready(ready), Called(called)] = api.moments()[..] else {
        panic!("{:?}", api.moments())
    };
    assert_eq!((first, ready), (made, called));
    assert!(![made, next].contains(&called));
    assert!(ready_and_call(&mut service, get("/x")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn f51_readiness_is_polled_again_before_the_replay() {
    // With a token at hand, and after waiting for one.
    for script in [holding_first().then_ok(nth(2)), Script::new().then_ok(nth(1)).then_ok(nth(2))] {
        let (layer, _auth) = layer(&script);
        let api = Api::taking(&["at-2"]);
        let mut service = layer.layer(api.clone());
        let made = service.get_ref().clone_number();
        let response = ready_and_call(&mut service, get("/x")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let moments = api.moments();
        assert_eq!(moments[0], Ready(made));
        let [Called(first), Ready(ready), Called(called)] = moments[moments.len() - 3..] else {
            panic!("{moments:?}")
        };
        assert_ne!(first, called);
        assert_eq!(ready, called);
    }
}

#[tokio::test(start_paused = true)]
async fn r31_a_replay_waits_until_the_service_is_ready() {
    let (layer, _auth) = layer(&holding_first().then_ok(nth(2)));
    let (mock, mut api) = tower_test::mock::pair::<Request<String>, http::Response<String>>();
    let mut service = layer.layer(mock);
    let call = tokio::spawn(async move { ready_and_call(&mut service, get("/x")).await.map(|r| r.status()) });
    let (_, reply) = next(&mut api).await;
    api.allow(0);
    reply.send_response(crate::tower_layer::api::status(StatusCode::UNAUTHORIZED));
    idle().await;
    assert!(api.poll_request().is_pending(), "the replay went to a service that was not ready");
    api.allow(1);
    let (request, reply) = next(&mut api).await;
    assert_eq!(request.headers()["authorization"], "Bearer at-2");
    reply.send_response(crate::tower_layer::api::status(StatusCode::OK));
    assert_eq!(call.await.unwrap().unwrap(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn r31_backpressure_of_the_service_reaches_the_caller() {
    let (layer, _auth) = layer(&holding_first());
    let (mut service, mut api) =
        tower_test::mock::spawn_layer::<Request<String>, http::Response<String>, _>(layer);
    api.allow(0);
    assert!(service.poll_ready().is_pending());
    api.allow(1);
    assert!(service.is_woken());
    assert!(service.poll_ready().is_ready());
}

//! The inner service's error keeps its type, wherever it occurs.

use std::error::Error as _;

use http::StatusCode;
use reauth::{AuthError, Error, ErrorKind};
use tower::{Layer, Service, ServiceBuilder};

use super::make_ready;
use crate::support::source::Script;
use crate::tower_layer::api::{Api, Broken, get, holding_first, layer, nth, send, status};

const TORN: Broken = Broken("torn");

fn inner<T>(result: Result<T, AuthError<Broken>>) -> Broken {
    match result {
        Err(AuthError::Service(error)) => error,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it went well"),
    }
}

#[tokio::test(start_paused = true)]
async fn r31_errors_of_readiness_and_of_the_first_attempt_keep_their_type() {
    let (layer, _auth) = layer(&holding_first());
    let api = Api::new(|_| Err(TORN));
    let mut service = layer.layer(api.clone());
    assert_eq!(inner(send(&service, get("/x")).await), TORN);
    assert_eq!(inner(send(&service, get("https://other.test/x")).await), TORN);
    api.unready_with(Broken("closed"));
    assert_eq!(inner(make_ready(&mut service).await), Broken("closed"));
}

#[tokio::test(start_paused = true)]
async fn r31_errors_after_a_wait_keep_their_type() {
    let (layer, _auth) = layer(&Script::new().then_ok(nth(1)));
    let service = layer.layer(Api::new(|_| Err(TORN)));
    assert_eq!(inner(send(&service, get("/x")).await), TORN);
}

#[tokio::test(start_paused = true)]
async fn r31_errors_of_the_replay_keep_their_type() {
    let (layer, _auth) = layer(&holding_first().then_ok(nth(2)));
    let api = Api::new(|seen| match seen.token() {
        Some("at-1") => Ok(status(StatusCode::UNAUTHORIZED)),
        _ => Err(TORN),
    });
    assert_eq!(inner(send(&layer.layer(api), get("/x")).await), TORN);
}

#[tokio::test(start_paused = true)]
async fn r31_an_error_of_the_readiness_before_the_replay_keeps_its_type() {
    let (layer, _auth) = layer(&holding_first().then_ok(nth(2)));
    let api = Api::taking(&["at-2"]);
    let mut service = layer.layer(api.clone());
    make_ready(&mut service).await.unwrap();
    api.unready_with(Broken("closed"));
    assert_eq!(inner(service.call(get("/x")).await), Broken("closed"));
    assert_eq!(api.tokens(), ["at-1"]);
}

#[tokio::test(start_paused = true)]
async fn r31_an_error_of_the_api_does_not_reject_the_token() {
    let script = holding_first();
    let (layer, auth) = layer(&script);
    let service = layer.layer(Api::new(|_| Err(TORN)));
    send(&service, get("/x")).await.unwrap_err();
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    assert_eq!(script.requests(), 0);
}

#[test]
fn r31_the_layer_does_not_change_how_an_inner_error_reads() {
    let service = AuthError::Service(TORN);
    assert_eq!(service.to_string(), "torn");
    assert!(service.source().is_none(), "the error would be printed twice");
    let credentials = AuthError::<Broken>::Credentials(Error::login_required("who are you?"));
    assert_eq!(credentials.to_string(), "no credentials for the request");
    assert_eq!(credentials.source().unwrap().to_string(), "who are you?");
}

#[tokio::test(start_paused = true)]
async fn r31_boxed_the_errors_are_found_by_downcast() {
    let (layer, _auth) = layer(&holding_first());
    let service =
        ServiceBuilder::new().map_err(AuthError::into_boxed).layer(layer).service(Api::new(|_| Err(TORN)));
    let error = send(&service, get("/x")).await.unwrap_err();
    assert_eq!(error.downcast_ref::<Broken>(), Some(&TORN));

    let (layer, _auth) = crate::tower_layer::api::layer(&Script::new().then_err(Error::login_required("no")));
    let service = ServiceBuilder::new()
        .map_err(AuthError::into_boxed)
        .layer(layer)
        .service(Api::saying(StatusCode::OK));
    let error = send(&service, get("/x")).await.unwrap_err();
    assert_eq!(error.downcast_ref::<Error>().unwrap().kind(), ErrorKind::LoginRequired);
}

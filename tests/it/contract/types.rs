//! The traits that the public types of both adapters implement.

use std::fmt::Debug;

use http_body_util::Full;
use reauth::layer::{Auth, ResponseFuture};
use reauth::replay::Superseded;
use reauth::{
    AuthError, AuthLayer, AuthMiddleware, Origins, PassedKind, PassedReason, RenewalError, ResponseHead,
};
use tower::Layer;

use crate::tower_layer::api::{Api, Broken, holding_first, layer};

type HyperClient = hyper_util::client::legacy::Client<
    hyper_util::client::legacy::connect::HttpConnector,
    Full<bytes::Bytes>,
>;

#[test]
fn r18_handles_are_send_sync_clone_and_debug() {
    fn handle<T: Send + Sync + Clone + Debug + 'static>() {}
    handle::<AuthLayer>();
    handle::<Auth<Api>>();
    handle::<Auth<HyperClient>>();
    handle::<AuthMiddleware>();
    handle::<AuthError<Broken>>();
    handle::<RenewalError>();
    handle::<PassedReason>();
    handle::<PassedKind>();
    handle::<Origins>();
    fn error<T: std::error::Error + Send + Sync + 'static>() {}
    error::<AuthError<Broken>>();
    error::<RenewalError>();
    error::<Superseded>();
    fn value<T: Send + Sync + Debug>() {}
    value::<ResponseHead<'_>>();
}

/// A path that is not documented any more, and in use.
#[test]
fn the_error_of_the_layer_is_the_error_of_all_ways_in() {
    let _: fn(reauth::layer::AuthError<Broken>) -> AuthError<Broken> = |error| error;
}

#[test]
fn r31_the_response_future_is_send_and_debug() {
    fn future<T: Future + Send + Debug + 'static>() {}
    future::<ResponseFuture<Api, String, String>>();
    future::<ResponseFuture<HyperClient, Full<bytes::Bytes>, hyper::body::Incoming>>();
}

#[test]
fn r40_debug_of_the_adapters_shows_the_origins_and_no_secret() {
    let (layer, auth) = layer(&holding_first());
    let middleware = AuthMiddleware::for_origin("https://api.example.com", auth).unwrap();
    let service = layer.layer(Api::taking(&[]));
    for text in [format!("{layer:?}"), format!("{service:?}"), format!("{middleware:?}")] {
        assert!(text.contains("https://api.example.com:443"), "{text}");
        assert!(!text.contains("at-1") && !text.contains("rt-1"), "{text}");
    }
}

#[tokio::test]
async fn r31_the_service_inside_can_be_reached() {
    let (layer, _auth) = layer(&holding_first());
    let api = Api::taking(&[]);
    let number = api.clone_number();
    let service = layer.layer(api);
    assert_eq!(service.get_ref().clone_number(), number);
    assert_eq!(service.into_inner().clone_number(), number);
}

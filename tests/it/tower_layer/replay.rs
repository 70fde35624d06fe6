//! Which bodies are sent twice, and what happens on a 401 if a body is not.

use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Version};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use reauth::replay::{Replay, ReplayableBody};
use reauth::{AuthLayer, RenewalError};
use tower::{Layer, Service};

use super::api::{Api, ORIGIN, get, holding_first, layer, next, nth, send};

#[tokio::test(start_paused = true)]
async fn r27_a_body_that_cannot_be_copied_is_sent_once_and_its_401_still_refreshes() {
    #[derive(Debug)]
    struct Stream;
    sent_once(|| Stream).await;
    sent_once(|| BoxBody::new(Full::new(Bytes::from_static(b"x")))).await;
}

async fn sent_once<B: Debug + 'static>(body: impl Fn() -> B) {
    let request = || Request::post(format!("{ORIGIN}/x")).body(body()).unwrap();
    let script = holding_first().then_ok(nth(2));
    let (layer, _auth) = layer(&script);
    let api = Api::taking(&["at-2"]);
    let service = layer.layer(api.clone());
    let response = send(&service, request()).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.extensions().get::<RenewalError>().is_none(), "the renewal did not fail");
    assert_eq!((api.tokens(), script.requests()), (vec!["at-1".to_owned()], 1));
    assert_eq!(send(&service, request()).await.unwrap().status(), StatusCode::OK);
    assert_eq!((api.tokens().len(), script.requests()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn f49_the_replay_sends_the_same_body() {
    sent_twice(Full::new(Bytes::from_static(b"full"))).await;
    sent_twice(Empty::<Bytes>::new()).await;
    sent_twice(Bytes::from_static(b"bytes")).await;
    sent_twice(String::from("string")).await;
    sent_twice("str").await;
    sent_twice(()).await;
}

async fn sent_twice<B: Debug + 'static>(body: B) {
    let script = holding_first().then_ok(nth(2));
    let (layer, _auth) = layer(&script);
    let api = Api::taking(&["at-2"]);
    let expected = format!("{body:?}");
    let request = Request::post(format!("{ORIGIN}/x?y=z")).header("x-mine", "1").body(body).unwrap();
    assert_eq!(send(&layer.layer(api.clone()), request).await.unwrap().status(), StatusCode::OK);
    let seen = api.seen();
    assert_eq!(seen.len(), 2, "{expected} was not sent again");
    for seen in seen {
        assert_eq!((seen.body.as_str(), seen.headers["x-mine"].as_bytes()), (expected.as_str(), &b"1"[..]));
        assert_eq!(seen.uri.path_and_query().unwrap(), "/x?y=z");
    }
}

#[tokio::test(start_paused = true)]
async fn f49_the_replay_is_the_whole_request() {
    #[derive(Clone, Debug, PartialEq)]
    struct Mark(u8);
    let script = holding_first().then_ok(nth(2));
    let (layer, _auth) = layer(&script);
    let (mock, mut api) = tower_test::mock::pair::<Request<String>, http::Response<String>>();
    let mut request = get("/x");
    *request.method_mut() = Method::PUT;
    *request.version_mut() = Version::HTTP_2;
    request.extensions_mut().insert(Mark(7));
    let service = layer.layer(mock);
    let call = tokio::spawn(async move { send(&service, request).await.map(|r| r.status()) });
    for code in [StatusCode::UNAUTHORIZED, StatusCode::OK] {
        let (request, reply) = next(&mut api).await;
        assert_eq!((request.method(), request.version()), (&Method::PUT, Version::HTTP_2));
        assert_eq!(request.extensions().get::<Mark>(), Some(&Mark(7)));
        assert_eq!(request.body(), "body");
        reply.send_response(super::api::status(code));
    }
    assert_eq!(call.await.unwrap().unwrap(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn r27_a_big_body_is_not_copied_byte_by_byte_for_the_replay() {
    let script = holding_first().then_ok(nth(2));
    let (layer, _auth) = layer(&script);
    let (mock, mut api) = tower_test::mock::pair::<Request<Full<Bytes>>, http::Response<String>>();
    let body = Bytes::from(vec![7; 1 << 20]);
    let at = body.as_ptr();
    let request = Request::post(ORIGIN).body(Full::new(body)).unwrap();
    let service = layer.layer(mock);
    let call = tokio::spawn(async move { send(&service, request).await.map(|r| r.status()) });
    for code in [StatusCode::UNAUTHORIZED, StatusCode::OK] {
        let (request, reply) = next(&mut api).await;
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!((body.as_ptr(), body.len()), (at, 1 << 20));
        reply.send_response(super::api::status(code));
    }
    assert_eq!(call.await.unwrap().unwrap(), StatusCode::OK);
}

/// A body that only a layer that was given the type can send again.
#[derive(Clone, Debug)]
struct Mine<const N: usize>;

impl<const N: usize> ReplayableBody for Mine<N> {
    fn replay(&mut self) -> Replay<Self> {
        Replay::Copy(self.clone())
    }
}

/// How often a layer sends this body, if its first token is rejected.
async fn sends<B: Debug + 'static>(add: fn(AuthLayer) -> AuthLayer, body: B) -> usize {
    let script = holding_first().then_ok(nth(2));
    let layer = add(layer(&script).0);
    let api = Api::taking(&["at-2"]);
    let expected = format!("{body:?}");
    send(&layer.layer(api.clone()), Request::post(ORIGIN).body(body).unwrap()).await.unwrap();
    assert_eq!(script.requests(), 1);
    assert!(api.seen().iter().all(|seen| seen.body == expected));
    api.seen().len()
}

#[tokio::test(start_paused = true)]
async fn r27_a_body_type_that_was_added_to_the_layer_is_sent_again() {
    assert_eq!(sends(|layer| layer, Mine::<1>).await, 1);
    assert_eq!(sends(|layer| layer.replays::<Mine<1>>(), Mine::<1>).await, 2);
    assert_eq!(sends(|layer| layer.replays::<Mine<1>>(), Mine::<2>).await, 1);
}

#[tokio::test(start_paused = true)]
async fn r27_body_types_that_are_added_to_the_layer_add_up() {
    let add = |layer: AuthLayer| layer.replays::<Mine<1>>().replays::<Mine<2>>().replays::<Mine<3>>();
    assert_eq!(
        [sends(add, Mine::<1>).await, sends(add, Mine::<2>).await, sends(add, Mine::<3>).await],
        [2; 3]
    );
    assert_eq!((sends(add, Mine::<4>).await, sends(add, "common").await), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn r27_once_a_response_is_there_nothing_is_kept_of_the_request_even_if_its_future_is() {
    #[derive(Debug)]
    struct Tracked(Arc<()>);
    impl ReplayableBody for Tracked {
        fn replay(&mut self) -> Replay<Self> {
            let kept = self.0.clone();
            Replay::Kept(Box::new(move || Some(Self(kept))))
        }
    }
    let (layer, _auth) = layer(&holding_first());
    let mut service = layer.replays::<Tracked>().layer(Api::taking(&["at-1"]));
    let tracked = Arc::new(());
    let request = Request::post(format!("{ORIGIN}/x")).body(Tracked(tracked.clone())).unwrap();
    poll_fn(|context| Service::<Request<Tracked>>::poll_ready(&mut service, context)).await.unwrap();
    let mut future = pin!(service.call(request));
    assert_eq!(format!("{future:?}"), "ResponseFuture { .. }");
    assert_eq!(Arc::strong_count(&tracked), 2);
    assert_eq!(future.as_mut().await.unwrap().status(), StatusCode::OK);
    assert_eq!(Arc::strong_count(&tracked), 1);
}

#[test]
fn r27_a_replay_can_be_shown() {
    let kept = Replay::Kept(Box::new(|| None));
    assert_eq!(format!("{:?}", [Replay::Copy(()), kept, Replay::Never]), "[Copy, Kept, Never]");
}

//! Streaming bodies through hyper-util's client, HTTP/1.1 and HTTP/2.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use reauth::{AuthLayer, ReplayBody};
use tower::{Layer, ServiceExt};

use super::scripted::{Part, Scripted};
use super::uploads::Uploads;
use crate::support::source::Script;
use crate::tower_layer::api::{authenticator, holding_first, nth};

/// Posts a body with a token that is rejected.
async fn post(server: &Uploads, script: &Script, http2: bool, body: ReplayBody) -> Response<Incoming> {
    let client = Client::builder(TokioExecutor::new()).http2_only(http2).build_http::<ReplayBody>();
    let layer = AuthLayer::for_origin(&server.origin, authenticator(script)).unwrap();
    let request = Request::post(&server.origin).header("trailer", "etag").body(body).unwrap();
    layer.layer(client).oneshot(request).await.unwrap()
}

#[tokio::test]
async fn f49_an_upload_that_was_rejected_half_way_arrives_whole_the_second_time() {
    for http2 in [false, true] {
        for read in [0, 3, 4, 11] {
            let script = holding_first().then_ok(nth(2));
            let body = Scripted::rejected_after(read);
            let server = Uploads::reading(read, body.gate.clone()).await;
            let response = post(&server, &script, http2, ReplayBody::new(body)).await;
            assert_eq!(response.status(), StatusCode::OK, "{read} bytes read, HTTP/2: {http2}");
            let uploads = server.uploads();
            assert_eq!(uploads.len(), 2);
            assert!(uploads[0].data.len() >= read);
            assert_eq!(uploads[1].data, "onetwothree");
            assert_eq!(script.requests(), 1);
        }
    }
}

#[tokio::test]
async fn f49_the_second_upload_has_the_length_and_the_trailers_of_the_first() {
    let trailers = HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static("x"))]);
    for http2 in [false, true] {
        let script = holding_first().then_ok(nth(2));
        let body = Scripted::data([b"one", b"two"]);
        let server = Uploads::reading(6, body.gate.clone()).await;
        let response = post(&server, &script, http2, ReplayBody::new(body.clone().sized())).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(server.uploads().iter().map(|upload| upload.length).collect::<Vec<_>>(), [Some(6); 2]);

        let script = holding_first().then_ok(nth(2));
        let body = body.then(Part::Trailers(trailers.clone()));
        let server = Uploads::reading(usize::MAX, body.gate.clone()).await;
        let response = post(&server, &script, http2, ReplayBody::new(body)).await;
        assert_eq!(response.status(), StatusCode::OK);
        let received: Vec<_> = server.uploads().into_iter().map(|upload| upload.trailers).collect();
        assert_eq!(received, [Some(trailers.clone()), Some(trailers.clone())]);
    }
}

#[tokio::test]
async fn r27_an_upload_beyond_the_limit_is_sent_once_and_its_401_refreshes() {
    for http2 in [false, true] {
        let script = holding_first().then_ok(nth(2));
        let body = Scripted::data([b"one", b"two"]);
        let server = Uploads::reading(6, body.gate.clone()).await;
        let response = post(&server, &script, http2, ReplayBody::with_limit(body, 5)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), Bytes::from("401"));
        assert_eq!((server.uploads().len(), script.requests()), (1, 1));
    }
}

/// On HTTP/1.1 only: on HTTP/2 hyper resets the stream, and its caller gets an error about the reset.
#[tokio::test]
async fn f49_an_error_of_the_stream_reaches_the_caller() {
    let script = holding_first();
    let body = Scripted::data([b"one"]).then(Part::Fails("the disk"));
    let server = Uploads::reading(usize::MAX, body.gate.clone()).await;
    let client = Client::builder(TokioExecutor::new()).build_http::<ReplayBody>();
    let layer = AuthLayer::for_origin(&server.origin, authenticator(&script)).unwrap();
    let request = Request::post(&server.origin).body(ReplayBody::new(body)).unwrap();
    let error = layer.layer(client).oneshot(request).await.unwrap_err();
    let mut chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let found = chain.find_map(|error| error.downcast_ref::<std::io::Error>()).expect("the stream's error");
    assert_eq!(found.to_string(), "the disk");
    assert_eq!(script.requests(), 0);
}

//! Streaming bodies through reqwest: `wrap_stream` and multipart forms need no wrapper.

use http::StatusCode;
use http_body_util::BodyExt;
use reauth::AuthMiddleware;
use reqwest::{Body, Response, multipart};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};

use super::scripted::{Part, Scripted};
use super::uploads::Uploads;
use crate::support::source::Script;
use crate::tower_layer::api::{authenticator, holding_first, nth};

fn middleware(server: &Uploads, script: &Script) -> AuthMiddleware {
    AuthMiddleware::for_origin(&server.origin, authenticator(script)).unwrap()
}

fn client(middleware: AuthMiddleware, http2: bool) -> ClientWithMiddleware {
    let client = reqwest::Client::builder();
    let client = if http2 { client.http2_prior_knowledge() } else { client };
    ClientBuilder::new(client.build().unwrap()).with(middleware).build()
}

fn streamed(body: Scripted) -> Body {
    Body::wrap_stream(body.into_data_stream())
}

/// Posts with a token that is rejected.
async fn post(
    server: &Uploads,
    script: &Script,
    http2: bool,
    body: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> Response {
    body(client(middleware(server, script), http2).post(&server.origin)).send().await.unwrap()
}

#[tokio::test]
async fn f49_a_stream_that_was_rejected_half_way_arrives_whole_the_second_time() {
    for http2 in [false, true] {
        for read in [0, 3, 4, 11] {
            let script = holding_first().then_ok(nth(2));
            let body = Scripted::rejected_after(read);
            let server = Uploads::reading(read, body.gate.clone()).await;
            let response = post(&server, &script, http2, |request| request.body(streamed(body))).await;
            assert_eq!(response.status(), StatusCode::OK, "{read} bytes read, HTTP/2: {http2}");
            let uploads = server.uploads();
            assert_eq!((uploads.len(), &uploads[1].data[..]), (2, &b"onetwothree"[..]));
            assert_eq!(script.requests(), 1);
        }
    }
}

#[tokio::test]
async fn f49_a_multipart_form_is_sent_again() {
    for http2 in [false, true] {
        let script = holding_first().then_ok(nth(2));
        let server = Uploads::reading(usize::MAX, Default::default()).await;
        let file = multipart::Part::stream(streamed(Scripted::data([b"one", b"two"])));
        let form = multipart::Form::new().text("name", "value").part("file", file);
        let response = post(&server, &script, http2, |request| request.multipart(form)).await;
        assert_eq!(response.status(), StatusCode::OK);
        let uploads = server.uploads();
        assert_eq!(uploads.len(), 2);
        assert_eq!(uploads[0].data, uploads[1].data);
        assert_eq!(uploads[0].content_type, uploads[1].content_type);
        let text = String::from_utf8(uploads[1].data.to_vec()).unwrap();
        assert!(text.contains("value") && text.contains("onetwo"), "{text}");
    }
}

#[tokio::test]
async fn f49_a_form_of_known_length_keeps_its_length() {
    for http2 in [false, true] {
        let script = holding_first().then_ok(nth(2));
        let server = Uploads::reading(usize::MAX, Default::default()).await;
        let form = multipart::Form::new().text("name", "value");
        let response = post(&server, &script, http2, |request| request.multipart(form)).await;
        assert_eq!(response.status(), StatusCode::OK);
        let uploads = server.uploads();
        let length = uploads[0].data.len() as u64;
        assert!(uploads.iter().all(|upload| upload.length == Some(length)), "{uploads:?}");
    }
}

#[tokio::test]
async fn r27_a_stream_beyond_the_limit_is_sent_once_and_its_401_refreshes() {
    for (http2, limit) in [(false, 5), (true, 5), (false, 0)] {
        let script = holding_first().then_ok(nth(2));
        let server = Uploads::reading(6, Default::default()).await;
        let client = client(middleware(&server, &script).replay_limit(limit), http2);
        let body = streamed(Scripted::data([b"one", b"two"]));
        let response = client.post(&server.origin).body(body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.text().await.unwrap(), "401");
        assert_eq!((server.uploads().len(), script.requests()), (1, 1));
    }
}

/// The limit is for streams: bytes are in memory anyway, and sharing them costs nothing.
#[tokio::test]
async fn r27_a_body_of_bytes_is_sent_again_whatever_its_size() {
    let script = holding_first().then_ok(nth(2));
    let server = Uploads::reading(0, Default::default()).await;
    let client = client(middleware(&server, &script).replay_limit(0), false);
    let response = client.post(&server.origin).body(vec![7; 1 << 20]).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(server.uploads()[1].data.len(), 1 << 20);
}

#[tokio::test]
async fn f49_an_error_of_the_stream_reaches_the_caller() {
    let script = holding_first();
    let server = Uploads::reading(usize::MAX, Default::default()).await;
    let body = streamed(Scripted::data([b"one"]).then(Part::Fails("the disk")));
    let client = client(middleware(&server, &script), false);
    let error = client.post(&server.origin).body(body).send().await.unwrap_err();
    let mut chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let found = chain.find_map(|error| error.downcast_ref::<std::io::Error>()).expect("the stream's error");
    assert_eq!(found.to_string(), "the disk");
}

//! Bodies that are sent twice, and what happens to the 401 and to its connection.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, StatusCode};
use reauth::AuthMiddleware;
use reqwest::Body;

use super::server::Server;
use super::{client, in_memory};
use crate::tower_layer::api::{ORIGIN, authenticator, holding_first, idle, nth};

#[tokio::test]
async fn f49_the_replay_is_the_whole_request() {
    for body in ["a body", ""] {
        let script = holding_first().then_ok(nth(2));
        let server = Server::taking("at-2").await;
        let request = client(&server, &script).put(server.url("/x")).header("x-mine", "1").body(body);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
        let arrived = server.arrived();
        assert_eq!(arrived.len(), 2);
        for arrived in arrived {
            assert_eq!((arrived.method, arrived.path.as_str()), (Method::PUT, "/x"));
            assert_eq!((arrived.headers["x-mine"].as_bytes(), arrived.body), (&b"1"[..], Bytes::from(body)));
        }
    }
}

/// The body of the 401 is not read.
#[tokio::test]
async fn r28_the_replay_reuses_the_connection_of_the_401() {
    let script = holding_first().then_ok(nth(2));
    let server = Server::taking("at-2").await;
    let client = client(&server, &script);
    for _ in 0..3 {
        let response = client.get(server.url("/x")).send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), "at-2");
    }
    assert_eq!(server.tokens(), ["at-1", "at-2", "at-2", "at-2"]);
    let connections: Vec<_> = server.arrived().iter().map(|arrived| arrived.connection).collect();
    assert_eq!(connections, [0; 4]);
}

/// A body that never ends, and records that it was dropped.
struct Recorded(Arc<AtomicBool>);

impl Drop for Recorded {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl hyper::body::Body for Recorded {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn r28_the_401_is_dropped_before_the_request_is_sent_again_and_not_earlier() {
    let script = holding_first();
    let refresh = script.then_when();
    let dropped = Arc::new(AtomicBool::new(false));
    let seen = dropped.clone();
    let auth = AuthMiddleware::for_origin(ORIGIN, authenticator(&script)).unwrap();
    let client = in_memory::client_of(auth, move |request| {
        let first = request.headers()["authorization"] == "Bearer at-1";
        let code = match (first, seen.load(Ordering::SeqCst)) {
            (true, _) => StatusCode::UNAUTHORIZED,
            (false, true) => StatusCode::OK,
            (false, false) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let body = if first { Body::wrap(Recorded(seen.clone())) } else { Body::default() };
        let mut response = in_memory::response_to(&request, body);
        *response.status_mut() = code;
        std::future::ready(Ok(response.into()))
    });
    let call = tokio::spawn(client.get(ORIGIN).send());
    idle().await;
    // Until there is a new token, the caller may still get the 401.
    assert!(!dropped.load(Ordering::SeqCst));
    refresh.send(Ok(nth(2))).ok().unwrap();
    let code = call.await.unwrap().unwrap().status();
    assert_eq!(code, StatusCode::OK, "the 401 was held while the request was sent again");
}

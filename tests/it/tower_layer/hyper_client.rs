//! The layer on hyper-util's client, over a real connection.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Frame;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use reauth::{AuthLayer, Authenticator};
use tower::Layer;

use super::api::{holding_first, nth, send};
use crate::reqwest_middleware::server::Server;

#[tokio::test]
async fn f20_hyper_posts_again_with_the_whole_body_on_the_same_connection() {
    let script = holding_first().then_ok(nth(2));
    let server = Server::taking("at-2").await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let auth = Authenticator::new(script.clone()).unwrap();
    let service = AuthLayer::for_origin(server.origin(), auth).unwrap().layer(client);
    let request = Request::post(server.url("/x")).body(Full::from("the body")).unwrap();
    let response = send(&service, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "at-2");
    assert_eq!(server.tokens(), ["at-1", "at-2"]);
    for arrived in server.arrived() {
        assert_eq!((arrived.path.as_str(), &arrived.body[..]), ("/x", &b"the body"[..]));
        assert_eq!(arrived.connection, 0, "R28: the 401's connection was not reused");
    }
}

#[tokio::test]
async fn r27_hyper_sends_a_streaming_body_once_and_gets_the_401() {
    let script = holding_first().then_ok(nth(2));
    let server = Server::taking("at-2").await;
    let stream = || {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
        for part in ["a ", "body ", "in parts"] {
            sender.send(Bytes::from(part)).unwrap();
        }
        Parts(receiver)
    };
    let client = Client::builder(TokioExecutor::new()).build_http::<Parts>();
    let auth = Authenticator::new(script.clone()).unwrap();
    let service = AuthLayer::for_origin(server.origin(), auth).unwrap().layer(client);
    let post = || Request::post(server.url("/x")).body(stream()).unwrap();
    assert_eq!(send(&service, post()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!((server.tokens(), script.requests()), (vec!["at-1".to_owned()], 1));
    assert_eq!(send(&service, post()).await.unwrap().status(), StatusCode::OK);
    assert!(server.arrived().iter().all(|arrived| arrived.body == "a body in parts"));
    assert_eq!(script.requests(), 1);
}

/// A body of unknown length: hyper sends it in chunks.
struct Parts(tokio::sync::mpsc::UnboundedReceiver<Bytes>);

impl hyper::body::Body for Parts {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}

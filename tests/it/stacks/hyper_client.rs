//! The layer around hyper-util's client.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Frame;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tower::Layer;

use super::{BOTH, World, hyper_client};
use crate::tower_layer::api::send;

#[tokio::test]
async fn r31_hyper_renews_over_both_versions() {
    for version in BOTH {
        let world = World::new(version).await;
        world.assert_renews_through(&world.layer().layer(world.hyper())).await;
    }
}

#[tokio::test]
async fn f20_hyper_posts_again_with_the_whole_body_on_the_same_connection() {
    for version in BOTH {
        let world = World::new(version).await;
        let service = world.layer().layer(world.hyper());
        let response = send(&service, world.post("the-body")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "at-2");
        assert_eq!(world.server.tokens(), ["at-1", "at-2"]);
        for arrived in world.server.arrived() {
            assert_eq!((arrived.path.as_str(), &arrived.body[..]), ("/the-body", &b"the-body"[..]));
            assert_eq!(arrived.connection, 0, "R28: the 401's connection was not reused ({version:?})");
        }
    }
}

#[tokio::test]
async fn r27_hyper_sends_a_streaming_body_once_and_gets_the_401() {
    for version in BOTH {
        let world = World::new(version).await;
        let service = world.layer().layer(hyper_client::<Parts>(version));
        let post =
            || Request::post(world.server.url("/x")).body(Parts::of(["a ", "body ", "in parts"])).unwrap();
        assert_eq!(send(&service, post()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
        assert_eq!((world.server.tokens(), world.script.requests()), (vec!["at-1".to_owned()], 1));
        assert_eq!(send(&service, post()).await.unwrap().status(), StatusCode::OK);
        assert!(world.server.arrived().iter().all(|arrived| arrived.body == "a body in parts"));
        assert_eq!(world.script.requests(), 1);
    }
}

/// A body of unknown length.
struct Parts(UnboundedReceiver<Bytes>);

impl Parts {
    fn of<const N: usize>(parts: [&'static str; N]) -> Self {
        let (sender, receiver) = unbounded_channel();
        for part in parts {
            sender.send(Bytes::from(part)).unwrap();
        }
        Self(receiver)
    }
}

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}

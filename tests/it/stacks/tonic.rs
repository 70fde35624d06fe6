//! tonic's channel below the layer: the calls of a gRPC client, streams too, succeed after a token was rejected.

#[path = "../../../examples/tonic/raw.rs"]
mod raw;
mod server;

use bytes::Bytes;
use http::uri::PathAndQuery;
use reauth::per_request::{NoReplay, WithAuthenticator};
use reauth::replay::REPLAY_LIMIT;
use reauth::{AuthError, AuthLayer, Authenticator, Error, ErrorKind, ReplayBody};
use tokio::sync::mpsc::unbounded_channel;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::transport::{self, Endpoint};
use tonic::{Code, Request};

use crate::support::source::{Script, credentials};
use crate::tower_layer::api::{authenticator, holding_first, nth};
use raw::Raw;
use server::{GrpcServer, Judges};

const UNARY: PathAndQuery = PathAndQuery::from_static("/echo.Echo/Unary");
const JOIN: PathAndQuery = PathAndQuery::from_static("/echo.Echo/Join");
const EACH: PathAndQuery = PathAndQuery::from_static("/echo.Echo/Each");

type Guarded =
    tower::util::BoxCloneSyncService<http::Request<Body>, http::Response<Body>, AuthError<transport::Error>>;

/// A server, and an authenticator that holds `at-1` and can be renewed once.
struct World {
    server: GrpcServer,
    script: Script,
    auth: Authenticator,
}

impl World {
    async fn new(judges: Judges) -> Self {
        Self::with(judges, holding_first().then_ok(nth(2))).await
    }

    async fn with(judges: Judges, script: Script) -> Self {
        let auth = authenticator(&script);
        Self { server: GrpcServer::start(judges).await, script, auth }
    }

    /// The stack of the README.
    fn service(&self) -> Guarded {
        let channel = Endpoint::from_shared(self.server.origin.clone()).unwrap().connect_lazy();
        let layer = AuthLayer::for_origin(&self.server.origin, self.auth.clone()).unwrap();
        let service = tower::ServiceBuilder::new()
            .map_request(|request: http::Request<Body>| request.map(ReplayBody::new))
            .layer(layer.also_rejected_when(|head| head.is_grpc_unauthenticated()))
            .map_request(|request: http::Request<ReplayBody>| request.map(Body::new))
            .service(channel);
        Guarded::new(service)
    }

    /// What is inside a generated client, which has a `with_origin` too.
    async fn client(&self) -> Grpc<Guarded> {
        let mut client = Grpc::with_origin(self.service(), self.server.origin.parse().unwrap());
        client.ready().await.unwrap();
        client
    }
}

#[tokio::test]
async fn f20_a_unary_call_is_sent_again() {
    for judges in [Judges::First, Judges::Last] {
        let world = World::new(judges).await;
        for _ in 0..2 {
            let call = Request::new(Bytes::from("hello"));
            let response = world.client().await.unary(call, UNARY, Raw).await.unwrap();
            assert_eq!(response.into_inner(), "hello");
        }
        assert_eq!((world.server.tokens(), world.script.requests()), (strings(["at-1", "at-2", "at-2"]), 1));
    }
}

#[tokio::test]
async fn r27_a_client_stream_is_sent_again_from_its_first_message() {
    for judges in [Judges::First, Judges::Last] {
        let world = World::new(judges).await;
        let call =
            Request::new(tokio_stream::iter(["a ", "stream ", "of four ", "messages"].map(Bytes::from)));
        let response = world.client().await.client_streaming(call, JOIN, Raw).await.unwrap();
        assert_eq!(response.into_inner(), "a stream of four messages");
        assert_eq!((world.server.tokens(), world.script.requests()), (strings(["at-1", "at-2"]), 1));
    }
}

#[tokio::test]
async fn r27_a_conversation_goes_on_after_its_first_message_was_sent_again() {
    let world = World::new(Judges::First).await;
    let (say, said) = unbounded_channel();
    say.send(Bytes::from("one")).unwrap();
    let call = Request::new(UnboundedReceiverStream::new(said));
    let mut responses = world.client().await.streaming(call, EACH, Raw).await.unwrap().into_inner();
    assert_eq!(responses.message().await.unwrap().unwrap(), "one");
    // Each message is sent only after the second attempt has responded to the one before.
    for message in ["two", "three"] {
        say.send(Bytes::from(message)).unwrap();
        assert_eq!(responses.message().await.unwrap().unwrap(), message);
    }
    drop(say);
    assert_eq!(responses.message().await.unwrap(), None);
    assert_eq!((world.server.tokens(), world.script.requests()), (strings(["at-1", "at-2"]), 1));
}

#[tokio::test]
async fn r27_a_stream_over_the_limit_gets_the_servers_status_and_the_token_is_refreshed() {
    let world = World::new(Judges::Last).await;
    let chunk = Bytes::from(vec![b'x'; REPLAY_LIMIT / 2]);
    let stream = || Request::new(tokio_stream::iter([chunk.clone(), chunk.clone(), chunk.clone()]));
    let status = world.client().await.client_streaming(stream(), JOIN, Raw).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "the token is not valid"));
    assert_eq!((world.server.tokens(), world.script.requests()), (strings(["at-1"]), 1));
    let response = world.client().await.client_streaming(stream(), JOIN, Raw).await.unwrap();
    assert_eq!(response.into_inner().len(), 3 * chunk.len());
    assert_eq!(world.script.requests(), 1);
}

/// After a part of the response, the call can't be sent again: the caller gets the status.
#[tokio::test]
async fn r23_a_status_that_comes_after_messages_rejects_nothing() {
    let world = World::with(Judges::Midway, holding_first()).await;
    let call = Request::new(tokio_stream::once(Bytes::from("x")));
    let mut responses = world.client().await.streaming(call, EACH, Raw).await.unwrap().into_inner();
    assert_eq!(responses.message().await.unwrap().unwrap(), "half");
    assert_eq!(responses.message().await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!((world.server.tokens(), world.script.requests()), (strings(["at-1"]), 0));
}

/// Why `with_origin` is needed.
#[tokio::test]
async fn r20_a_client_without_an_origin_sends_no_token() {
    let world = World::with(Judges::First, holding_first()).await;
    let mut client = Grpc::new(world.service());
    client.ready().await.unwrap();
    let status = client.unary(Request::new(Bytes::new()), UNARY, Raw).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!((world.server.tokens(), world.script.requests()), (strings(["-"]), 0));
}

#[tokio::test]
async fn r44_the_settings_of_a_call_are_in_its_extensions() {
    let world = World::with(Judges::First, holding_first()).await;
    let other = Script::new().holding(credentials("at-2", None, None));
    let mut call = Request::new(Bytes::from("mine"));
    call.extensions_mut().insert(WithAuthenticator(authenticator(&other)));
    let response = world.client().await.unary(call, UNARY, Raw).await.unwrap();
    assert_eq!(response.into_inner(), "mine");
    assert_eq!((world.server.tokens(), world.script.requests()), (strings(["at-2"]), 0));
}

#[tokio::test]
async fn f19_a_call_marked_no_replay_is_sent_once_and_its_status_still_refreshes() {
    let world = World::new(Judges::First).await;
    let mut call = Request::new(Bytes::from("pay"));
    call.extensions_mut().insert(NoReplay);
    let status = world.client().await.unary(call, UNARY, Raw).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!((world.server.tokens(), world.script.requests()), (strings(["at-1"]), 1));
}

/// tonic turns the error into a status, whose source is the reason.
#[tokio::test]
async fn r08_without_credentials_the_status_has_the_reason() {
    let script = Script::new().then_err(Error::login_required("the password is wrong"));
    let world = World::with(Judges::First, script).await;
    let status = world.client().await.unary(Request::new(Bytes::new()), UNARY, Raw).await.unwrap_err();
    let mut cause = std::error::Error::source(&status);
    while let Some(error) = cause.filter(|error| !error.is::<Error>()) {
        cause = error.source();
    }
    let error = cause.and_then(|error| error.downcast_ref::<Error>()).expect("the reason");
    assert_eq!((error.kind(), status.code()), (ErrorKind::LoginRequired, Code::Unknown));
    assert!(world.server.tokens().is_empty());
}

fn strings<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).into()
}

//! A gRPC server that echoes.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::body::Body;
use tonic::server::{ClientStreamingService, Grpc, StreamingService, UnaryService};
use tonic::{Request, Response, Status, Streaming};

use super::raw::Raw;

type HttpRequest = http::Request<Incoming>;
type HttpResponse = http::Response<Body>;

/// When the server looks at the token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Judges {
    /// Before it reads anything.
    First,
    /// After it has read the whole request.
    Last,
    /// Never: the method fails in the middle of its response.
    Midway,
}

/// Accepts `at-2`, and responds to all else with `UNAUTHENTICATED`. It ends, with its connections, when it is dropped.
pub struct GrpcServer {
    pub origin: String,
    tokens: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl GrpcServer {
    pub async fn start(judges: Judges) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let tokens = Arc::new(Mutex::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, judges, tokens.clone()));
        Self { origin, tokens, _tasks: tasks }
    }

    /// The token of each call so far; `-` for none.
    pub fn tokens(&self) -> Vec<String> {
        self.tokens.lock().unwrap().clone()
    }
}

async fn accept(listener: TcpListener, judges: Judges, tokens: Arc<Mutex<Vec<String>>>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let tokens = tokens.clone();
        let service = hyper::service::service_fn(move |request: HttpRequest| {
            let token = request.headers().get("authorization").map(|value| value.to_str().unwrap());
            let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or("-").to_owned();
            tokens.lock().unwrap().push(token.clone());
            async move { Ok::<_, Infallible>(respond(request, judges, token == "at-2").await) }
        });
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        connections.spawn(async move { drop(server.serve_connection(TokioIo::new(stream), service).await) });
    }
}

async fn respond(request: HttpRequest, judges: Judges, good: bool) -> HttpResponse {
    if good {
        return call(request).await;
    }
    match judges {
        Judges::First => {}
        Judges::Last => drop(request.into_body().collect().await),
        Judges::Midway => return Grpc::new(Raw).streaming(Fails, request).await,
    }
    // Trailers only: the status is among the headers.
    Status::unauthenticated("the token is not valid").into_http()
}

async fn call(request: HttpRequest) -> HttpResponse {
    match request.uri().path() {
        "/echo.Echo/Unary" => Grpc::new(Raw).unary(Echo, request).await,
        "/echo.Echo/Join" => Grpc::new(Raw).client_streaming(Echo, request).await,
        "/echo.Echo/Each" => Grpc::new(Raw).streaming(Echo, request).await,
        path => Status::unimplemented(path).into_http(),
    }
}

struct Echo;

impl UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future = Ready<Result<Response<Bytes>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        ready(Ok(Response::new(request.into_inner())))
    }
}

/// All messages in one.
impl ClientStreamingService<Bytes> for Echo {
    type Response = Bytes;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        Box::pin(async move {
            let (mut messages, mut all) = (request.into_inner(), BytesMut::new());
            while let Some(message) = messages.message().await? {
                all.put(message);
            }
            Ok(Response::new(all.freeze()))
        })
    }
}

/// Each message by itself, as it arrives.
impl StreamingService<Bytes> for Echo {
    type Response = Bytes;
    type ResponseStream = Streaming<Bytes>;
    type Future = Ready<Result<Response<Streaming<Bytes>>, Status>>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        ready(Ok(Response::new(request.into_inner())))
    }
}

/// One message, and then the status among the trailers.
struct Fails;

impl StreamingService<Bytes> for Fails {
    type Response = Bytes;
    type ResponseStream = tokio_stream::Iter<std::array::IntoIter<Result<Bytes, Status>, 2>>;
    type Future = Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, _: Request<Streaming<Bytes>>) -> Self::Future {
        let failed = Status::unauthenticated("the session ended midway");
        ready(Ok(Response::new(tokio_stream::iter([Ok(Bytes::from("half")), Err(failed)]))))
    }
}

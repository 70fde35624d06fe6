//! A gRPC service that sends back what it gets. Its messages are bytes. In your program generated code does all of this.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::server::{Grpc, StreamingService, UnaryService};
use tonic::{Request, Response, Status, Streaming};

use crate::raw::Raw;

#[derive(Default)]
struct State {
    seen: BTreeSet<String>,
    revoked: BTreeSet<String>,
    rejected: usize,
}

/// Accepts every token until `reject_what_it_has_seen`. Clones are the same server.
#[derive(Clone)]
pub(crate) struct EchoServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl EchoServer {
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let server = Self { address: listener.local_addr()?, state: Arc::default() };
        tokio::spawn(server.clone().accept(listener));
        Ok(server)
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn reject_what_it_has_seen(&self) {
        let mut state = self.lock();
        state.revoked = state.seen.clone();
    }

    pub(crate) fn rejected(&self) -> usize {
        self.lock().rejected
    }

    async fn accept(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let server = self.clone();
            let service = service_fn(move |request| {
                let server = server.clone();
                async move { Ok::<_, Infallible>(server.respond(request).await) }
            });
            let connection = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    }

    async fn respond(&self, request: http::Request<Incoming>) -> http::Response<Body> {
        let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if !token.is_some_and(|token| self.accepts(token)) {
            return Status::unauthenticated("the token is not valid").into_http();
        }
        match request.uri().path() {
            "/echo.Echo/Unary" => Grpc::new(Raw).unary(Echo, request).await,
            "/echo.Echo/Each" => Grpc::new(Raw).streaming(Echo, request).await,
            path => Status::unimplemented(path).into_http(),
        }
    }

    fn accepts(&self, token: &str) -> bool {
        let mut state = self.lock();
        let good = !state.revoked.contains(token);
        state.seen.insert(token.to_owned());
        state.rejected += usize::from(!good);
        good
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

impl StreamingService<Bytes> for Echo {
    type Response = Bytes;
    type ResponseStream = Streaming<Bytes>;
    type Future = Ready<Result<Response<Streaming<Bytes>>, Status>>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        ready(Ok(Response::new(request.into_inner())))
    }
}

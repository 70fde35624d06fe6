//! An HTTP server on loopback: the test decides its responses, and it records its requests and their connections.
//!
//! It speaks HTTP/1.1, and HTTP/2 to a client that knows it in advance, because there is no TLS.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// The connections are numbered from 0.
    pub connection: usize,
    pub version: Version,
    pub method: http::Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Arrived {
    pub fn token(&self) -> Option<&str> {
        self.headers.get(AUTHORIZATION)?.to_str().unwrap().strip_prefix("Bearer ")
    }
}

type Respond = dyn Fn(Arrived) -> Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>> + Send + Sync;

/// A running server. It ends, with its connections, when it is dropped.
pub struct Server {
    origin: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub async fn start(respond: impl Fn(&Arrived) -> Response<Full<Bytes>> + Send + Sync + 'static) -> Self {
        Self::start_slow(move |arrived| std::future::ready(respond(&arrived))).await
    }

    /// The same, with responses that may wait for something.
    pub async fn start_slow<F>(respond: impl Fn(Arrived) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let arrived = Arc::new(Mutex::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::new(move |arrived| Box::pin(respond(arrived))), arrived.clone()));
        Self { origin, arrived, _tasks: tasks }
    }

    /// 200 to this token, with the token for a body; 401 to anything else.
    pub async fn taking(token: &'static str) -> Self {
        Self::start(move |arrived| match arrived.token() {
            Some(sent) if sent == token => Response::new(Full::from(token)),
            _ => unauthorized(),
        })
        .await
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    /// The token of each request so far; `-` for none.
    pub fn tokens(&self) -> Vec<String> {
        self.arrived().iter().map(|arrived| arrived.token().unwrap_or("-").to_owned()).collect()
    }
}

async fn accept(listener: TcpListener, respond: Arc<Respond>, seen: Arc<Mutex<Vec<Arrived>>>) {
    let mut connections = JoinSet::new();
    for connection in 0.. {
        let (stream, _) = listener.accept().await.unwrap();
        let (respond, seen) = (respond.clone(), seen.clone());
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let (respond, seen) = (respond.clone(), seen.clone());
            async move {
                let (head, body) = request.into_parts();
                let arrived = Arrived {
                    connection,
                    version: head.version,
                    method: head.method,
                    path: head.uri.path().to_owned(),
                    headers: head.headers,
                    body: body.collect().await.unwrap().to_bytes(),
                };
                seen.lock().unwrap().push(arrived.clone());
                Ok::<_, Infallible>(respond(arrived).await)
            }
        });
        connections.spawn(async move {
            // An error here means that the client has closed the connection: that is not the server's failure.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// A 401 with a short body, as most APIs send it.
pub fn unauthorized() -> Response<Full<Bytes>> {
    let body = Full::from(r#"{"error":"the token is not valid"}"#);
    Response::builder().status(StatusCode::UNAUTHORIZED).body(body).unwrap()
}

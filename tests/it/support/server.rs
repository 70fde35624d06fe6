//! A token server for one test: it responds as the test says and records what it gets. In memory for
//! tests with paused time, over a socket for those of an HTTP stack.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use reauth::TokenTransport;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tower::Service;

mod body;
mod reply;

pub use reply::Reply;

type Body = UnsyncBoxBody<Bytes, io::Error>;
type Pending = std::pin::Pin<Box<dyn Future<Output = Result<Response<Body>, io::Error>> + Send>>;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a request in UTF-8")
    }

    /// The fields of a form, in order.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// One field of a form.
    pub fn field(&self, name: &str) -> Option<String> {
        self.form().into_iter().find_map(|(field, value)| (field == name).then_some(value))
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON request")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header in ASCII"))
    }
}

/// The server. Clones are one server.
#[derive(Clone)]
pub struct TokenServer {
    shared: Arc<Shared>,
}

struct Shared {
    response: Box<dyn Fn(&Seen) -> Reply + Send + Sync>,
    seen: Mutex<Vec<Seen>>,
}

impl TokenServer {
    pub fn new(response: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self { shared: Arc::new(Shared { response: Box::new(response), seen: Mutex::default() }) }
    }

    pub fn always(reply: Reply) -> Self {
        Self::new(move |_| reply.clone())
    }

    /// Responds in this order, then always with the last one.
    pub fn script(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: Vec<_> = replies.into_iter().collect();
        replies.reverse();
        let replies = Mutex::new(replies);
        Self::new(move |_| {
            let mut replies = replies.lock().unwrap();
            let next = if replies.len() > 1 { replies.pop() } else { replies.last().cloned() };
            next.expect("a script has at least one response")
        })
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// How many requests there were.
    pub fn requests(&self) -> usize {
        self.shared.seen.lock().unwrap().len()
    }

    /// The only request.
    pub fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "one request was expected: {seen:?}");
        seen[0].clone()
    }

    /// A transport to the server without a socket.
    pub fn transport(&self) -> TokenTransport {
        TokenTransport::new(self.clone())
    }

    /// Serves on a free loopback port until the value is dropped.
    pub async fn listen(&self) -> Listening {
        self.listen_with(None).await
    }

    /// The same over TLS.
    pub async fn listen_tls(&self, acceptor: TlsAcceptor) -> Listening {
        self.listen_with(Some(acceptor)).await
    }

    async fn listen_with(&self, acceptor: Option<TlsAcceptor>) -> Listening {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let accepting = tokio::spawn(accept(listener, self.clone(), acceptor));
        Listening { address, accepting }
    }

    async fn respond<B>(self, request: Request<B>) -> Result<Response<Body>, io::Error>
    where
        B: http_body::Body,
        B::Error: std::fmt::Debug,
    {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.expect("a whole request").to_bytes();
        let seen = Seen { method: parts.method, uri: parts.uri, headers: parts.headers, body };
        let reply = (self.shared.response)(&seen);
        self.shared.seen.lock().unwrap().push(seen);
        reply.into_response().await
    }
}

impl Service<Request<Full<Bytes>>> for TokenServer {
    type Response = Response<Body>;
    type Error = io::Error;
    type Future = Pending;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Pending {
        Box::pin(self.clone().respond(request))
    }
}

/// A server on a port. It and its connections end with the value.
pub struct Listening {
    address: SocketAddr,
    accepting: JoinHandle<Infallible>,
}

impl Listening {
    /// `http://127.0.0.1:port` and this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, server: TokenServer, acceptor: Option<TlsAcceptor>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("a connection");
                let (server, acceptor) = (server.clone(), acceptor.clone());
                connections.spawn(async move {
                    let Some(acceptor) = acceptor else { return serve(stream, server).await };
                    // A client that does not trust the certificate closes the connection here.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, server).await;
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, server: TokenServer) {
    let service = hyper::service::service_fn(move |request| server.clone().respond(request));
    // An error is a response that the test breaks, or a client that closes the connection.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// A transport over hyper-util's client.
pub fn hyper_transport() -> TokenTransport {
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
    TokenTransport::new(client.build_http::<Full<Bytes>>())
}

/// A transport over hyper-util's client with rustls, which trusts nobody.
pub fn hyper_transport_with_tls() -> TokenTransport {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only()
        .enable_http1()
        .build();
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
    TokenTransport::new(client.build::<_, Full<Bytes>>(connector))
}

/// A transport over reqwest with its defaults, but without the machine's proxies.
pub fn reqwest_transport() -> TokenTransport {
    TokenTransport::reqwest(reqwest::Client::builder().no_proxy()).unwrap()
}

//! A token endpoint and an API on loopback, for examples that need no server of yours. It runs on a thread of its own. Not for
//! production: its tokens are easy to guess.

#![allow(dead_code, reason = "each example uses a part")]

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

/// The tokens that the server has issued: `at-1`, `at-2` and so on. Clones are the same tokens.
#[derive(Clone, Default)]
pub(crate) struct Tokens {
    issued: Arc<AtomicU64>,
    revoked: Arc<AtomicU64>,
}

impl Tokens {
    fn issue(&self) -> String {
        format!("at-{}", self.issued.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// Revokes all tokens so far.
    pub(crate) fn revoke(&self) {
        self.revoked.store(self.issued.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Whether a request has a good token.
    pub(crate) fn are_good(&self, headers: &HeaderMap) -> bool {
        let token =
            headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer at-"));
        token.and_then(|number| number.parse().ok()).is_some_and(|number: u64| {
            number > self.revoked.load(Ordering::SeqCst) && number <= self.issued.load(Ordering::SeqCst)
        })
    }
}

/// A running server. It ends with the program.
pub(crate) struct Server {
    address: SocketAddr,
    pub(crate) tokens: Tokens,
}

impl Server {
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let (address, tokens) = (listener.local_addr()?, Tokens::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let served = tokens.clone();
        thread::spawn(move || runtime.block_on(serve(listener, served)));
        Ok(Self { address, tokens })
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What to POST to for a token.
    pub(crate) fn token_url(&self) -> String {
        format!("{}/token", self.origin())
    }

    /// What to GET with a token.
    pub(crate) fn api_url(&self) -> String {
        format!("{}/orders", self.origin())
    }
}

async fn serve(listener: TcpListener, tokens: Tokens) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let tokens = tokens.clone();
        let service = service_fn(move |request| {
            let response = respond(&request, &tokens);
            async { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn respond(request: &Request<Incoming>, tokens: &Tokens) -> Response<Full<Bytes>> {
    let (status, body) = match request.uri().path() {
        "/token" => {
            let token = tokens.issue();
            (
                StatusCode::OK,
                format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":300}}"#),
            )
        }
        _ if tokens.are_good(request.headers()) => (StatusCode::OK, r#"{"orders":3}"#.to_owned()),
        _ => (StatusCode::UNAUTHORIZED, r#"{"error":"the token is not good"}"#.to_owned()),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

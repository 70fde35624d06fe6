//! The token endpoint: counts, waits, and answers a token with a number, until it is told to take none of those back. On
//! loopback, and in memory for those that take a transport of ours.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use reauth_benches::stampede::{ANSWER, LIFETIME};
use tokio::net::TcpListener;

/// A token endpoint.
#[derive(Clone, Debug)]
pub struct Provider {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    /// The lifetime of the first token.
    first: Duration,
    requests: AtomicUsize,
    /// Tokens up to this number are refused.
    revoked: AtomicUsize,
}

/// The digits that a token begins with.
const DIGITS: usize = 8;

impl Provider {
    /// Starts one whose first token lives so long, and all others for an hour.
    ///
    /// # Errors
    ///
    /// There is no port left.
    pub async fn start(first: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let state = State { first, requests: AtomicUsize::new(0), revoked: AtomicUsize::new(0) };
        let provider = Self { address: listener.local_addr()?, state: Arc::new(state) };
        tokio::spawn(provider.clone().listen(listener));
        Ok(provider)
    }

    /// The same, for whoever needs no more than a token that is good.
    ///
    /// # Errors
    ///
    /// There is no port left.
    pub async fn lasting() -> std::io::Result<Self> {
        Self::start(LIFETIME).await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URI.
    pub fn uri(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// How often it was asked.
    pub fn requests(&self) -> usize {
        self.state.requests.load(Relaxed)
    }

    /// From now on every token that there is, is refused.
    pub fn revoke(&self) {
        self.state.revoked.store(self.requests(), Relaxed);
    }

    /// Whether a token is one of ours, and not revoked.
    pub fn accepts(&self, token: &str) -> bool {
        let number = token.get(..DIGITS).and_then(|digits| digits.parse::<usize>().ok());
        number.is_some_and(|number| number > self.state.revoked.load(Relaxed))
    }

    /// Counts a request, takes as long as an answer does, and gives a token and its lifetime.
    pub async fn issue(&self) -> (String, Duration) {
        let number = self.state.requests.fetch_add(1, Relaxed) + 1;
        tokio::time::sleep(ANSWER).await;
        let token = format!("{number:0DIGITS$}{}", &reauth_benches::token()[DIGITS..]);
        (token, if number == 1 { self.state.first } else { LIFETIME })
    }

    /// The same as a token response.
    pub async fn answer(&self) -> String {
        let (token, lifetime) = self.issue().await;
        let seconds = lifetime.as_secs();
        serde_json::json!({
            "access_token": token, "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds,
        })
        .to_string()
    }

    async fn listen(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(self.clone().serve(TokioIo::new(stream)));
        }
    }

    /// Answers whoever is at the other end, until it hangs up.
    pub async fn serve(self, stream: impl Read + Write + Unpin + Send + 'static) {
        let service = service_fn(move |request: Request<Incoming>| {
            let provider = self.clone();
            async move {
                let _ = request.into_body().collect().await;
                let body = Full::new(Bytes::from(provider.answer().await));
                let response = Response::builder().header("content-type", "application/json").body(body);
                Ok::<_, Infallible>(response.expect("a response"))
            }
        });
        // A client that hangs up in the middle is no business of the endpoint's.
        let _ = http1::Builder::new().serve_connection(stream, service).await;
    }
}

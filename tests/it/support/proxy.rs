//! A proxy that breaks the connection to a server in every way a network or a gateway does.
//!
//! It stands in front of any `http://127.0.0.1:port`. A closure says which [`Fault`] each request meets. The proxy
//! records of every token request whether the server saw it and whether the client got a response: these two
//! facts decide whether a single-use refresh token is still good.
//!
//! The client's side is HTTP/1.1 written by hand (`wire`), because an HTTP library cannot send half a response.

#![allow(dead_code, reason = "one vocabulary for all tests; each uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failure here fails the test")]

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

mod serve;
mod wire;

use serve::Shared;

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The connection closes, and the server never gets the request.
    DropBefore,
    /// The server acts on the request, then the connection closes without a byte of its response.
    DropAfterCommit,
    /// The server acts on the request; its head arrives, half of its body does, and the connection closes.
    Truncate,
    /// The request waits this long before it is forwarded; its response arrives.
    Delay(Duration),
    /// 429 in place of the server, with this `Retry-After`: seconds, a date, or nonsense.
    RateLimited {
        retry_after: String,
    },
    /// 503 in place of the server.
    Unavailable,
    /// 502 with a gateway's HTML page in place of the server.
    HtmlBadGateway,
    /// 200, said to be JSON, that isn't, in place of the server.
    Garbage,
    /// Bytes that aren't HTTP, in place of the server.
    RawGarbage,
    /// The server's response arrives whole, with this long a pause before each byte of its body.
    SlowDrip(Duration),
}

impl Fault {
    /// The fault's name in [`Proxy::counts`].
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::DropBefore => "drop_before",
            Self::DropAfterCommit => "drop_after_commit",
            Self::Truncate => "truncate",
            Self::Delay(_) => "delay",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::HtmlBadGateway => "html_bad_gateway",
            Self::Garbage => "garbage",
            Self::RawGarbage => "raw_garbage",
            Self::SlowDrip(_) => "slow_drip",
        }
    }
}

/// What the closure that chooses a fault gets.
#[derive(Clone, Debug)]
pub(crate) struct RequestInfo {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Bytes,
}

impl RequestInfo {
    /// Whether this asks for a token: an RFC 6749 token endpoint, or PILOT's login and refresh.
    pub(crate) fn is_token_request(&self) -> bool {
        let last = self.path.rsplit('/').next();
        self.method == Method::POST && matches!(last, Some("token" | "auth" | "refresh"))
    }

    /// A field of the body, which is a form or a JSON object.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        if let Ok(json) = serde_json::from_slice::<Value>(&self.body) {
            return json[name].as_str().map(str::to_owned);
        }
        let mut fields = form_urlencoded::parse(&self.body);
        fields.find_map(|(field, value)| (field == name).then(|| value.into_owned()))
    }

    /// The refresh token that this request spends, if it reaches the server.
    pub(crate) fn refresh_token(&self) -> Option<String> {
        self.field("refresh_token").or_else(|| self.field("refreshtoken"))
    }
}

/// What happened to one token request.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) request: RequestInfo,
    pub(crate) fault: Fault,
    /// The server may have acted on it.
    pub(crate) forwarded: bool,
    /// The server's status, once it has responded.
    pub(crate) status: Option<u16>,
    /// The server's response was handed whole to a connection that the client was not seen to have closed. Set
    /// before the last byte is sent, so that a client that has the response finds it set.
    pub(crate) delivered: bool,
}

/// A running proxy. It and every connection of it end with the value.
pub(crate) struct Proxy {
    address: SocketAddr,
    upstream: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts in front of `upstream`, an `http://host:port` with or without a path, without any fault.
    pub(crate) async fn start(upstream: &str) -> Self {
        let authority = upstream.strip_prefix("http://").expect("plain http upstream");
        let authority = authority.split('/').next().unwrap_or(authority);
        let upstream = format!("http://{authority}");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared::new(upstream.clone()));
        let accepting = tokio::spawn(serve::accept(listener, shared.clone()));
        Self { address, upstream, shared, accepting }
    }

    /// Where the proxy listens, `http://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A URL of the server, made to go through the proxy.
    pub(crate) fn rewrite(&self, url: &str) -> String {
        let path = url.strip_prefix(&self.upstream).expect("a URL of the upstream");
        format!("{}{path}", self.url())
    }

    /// Chooses the fault of every request from now on; requests under way keep theirs.
    pub(crate) fn set(&self, choose: impl Fn(&RequestInfo) -> Fault + Send + Sync + 'static) {
        *self.shared.choose.lock().unwrap() = Arc::new(choose);
    }

    /// How many requests met each fault, by [`Fault::name`]. Those without a fault are under `none`.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.shared.seen.lock().unwrap().faults.clone()
    }

    /// How many requests met a fault of this kind, whatever its parameter.
    pub(crate) fn applied(&self, kind: &Fault) -> u64 {
        self.counts().get(kind.name()).copied().unwrap_or(0)
    }

    /// How many requests went on to the server.
    pub(crate) fn forwarded(&self) -> u64 {
        self.shared.seen.lock().unwrap().forwarded
    }

    /// Every [token request](RequestInfo::is_token_request), in order of arrival, those under way included.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.shared.seen.lock().unwrap().records.clone()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("url", &self.url()).field("counts", &self.counts()).finish()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[cfg(test)]
mod tests;

//! What each client sends to the token endpoint, compared with what it may send.
//!
//! It is in the place of the client's transport, so it knows which responses were received whole. Neither the
//! proxy nor the provider knows that.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use serde_json::Value;
use tower::Service;

use super::client::{ATTEMPT, FLIGHT_DEADLINE, HyperClient};
use crate::support::proxy::RequestInfo;

/// The books of all clients. Refresh tokens are known by the fingerprints that the provider's log has.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<Books>>);

#[derive(Default)]
struct Books {
    clients: HashMap<usize, Book>,
    /// How many whole responses were received to each refresh token.
    responses: HashMap<String, usize>,
    wrongs: Vec<String>,
}

#[derive(Default)]
struct Book {
    /// The refresh token that it has to use: of the last whole response, unless it was refused.
    live: Option<String>,
    in_the_air: bool,
    flight_began: Option<Instant>,
    tokens: Vec<String>,
    requests: u64,
    /// A refresh was refused without a reason.
    may_log_in: bool,
}

#[derive(Clone)]
enum Sent {
    Login,
    Refresh(String),
}

impl Ledger {
    /// The client starts with this refresh token, or is given it.
    pub fn given(&self, client: usize, refresh_token: &str) {
        self.books().clients.entry(client).or_default().hold(fingerprint(refresh_token));
    }

    /// The client is about to ask for a token, perhaps several times.
    pub fn flight_begins(&self, client: usize) {
        self.books().clients.entry(client).or_default().flight_began = Some(Instant::now());
    }

    /// What clients did that they may not do.
    pub fn wrongs(&self) -> Vec<String> {
        self.books().wrongs.clone()
    }

    pub fn wrong(&self, what: String) {
        self.books().wrongs.push(what);
    }

    /// Every refresh token that the client has held.
    pub fn tokens_of(&self, client: usize) -> Vec<String> {
        self.books().clients[&client].tokens.clone()
    }

    pub fn requests_of(&self, client: usize) -> u64 {
        self.books().clients[&client].requests
    }

    pub fn responses_to(&self, token: &str) -> usize {
        self.books().responses.get(token).copied().unwrap_or(0)
    }

    /// R5, R14, R15: one request at a time, with the newest refresh token that arrived, and no log-in while
    /// there is one.
    fn sent(&self, client: usize, sent: &Sent) -> InTheAir {
        let mut books = self.books();
        let book = books.clients.entry(client).or_default();
        book.requests += 1;
        let two = std::mem::replace(&mut book.in_the_air, true);
        let wrong = match (sent, &book.live) {
            (Sent::Refresh(token), live) if live.as_ref() != Some(token) => {
                Some(format!("sent the refresh token {token}, having {live:?}"))
            }
            (Sent::Login, Some(live)) if !book.may_log_in => Some(format!("logged in, having {live}")),
            _ => None,
        };
        let two = two.then(|| "two requests at a time".to_owned());
        books.wrongs.extend(wrong.into_iter().chain(two).map(|wrong| format!("client {client}: {wrong}")));
        InTheAir { ledger: self.clone(), client, since: Instant::now(), over: false }
    }

    /// A whole response. If it is not a JSON object, it is not from the provider.
    fn received(&self, client: usize, sent: &Sent, status: StatusCode, body: &[u8]) {
        let Ok(response @ Value::Object(_)) = serde_json::from_slice::<Value>(body) else { return };
        if status.is_server_error() {
            // PILOT's 500 does not say what became of the refresh token. A source that can log in does so. The token is
            // kept, and tried again (R9).
            self.books().clients.entry(client).or_default().may_log_in |= matches!(sent, Sent::Refresh(_));
            return;
        }
        let mut books = self.books();
        if let Sent::Refresh(token) = sent {
            *books.responses.entry(token.clone()).or_default() += 1;
        }
        // In PILOT's envelope, or bare.
        let tokens = if response["result"].is_object() { &response["result"] } else { &response };
        let book = books.clients.entry(client).or_default();
        match (tokens["refresh_token"].as_str(), sent) {
            (Some(token), _) => book.hold(fingerprint(token)),
            (None, Sent::Refresh(_)) => book.live = None,
            (None, Sent::Login) => {
                books.wrongs.push(format!("client {client}: its log-in got {status}"));
            }
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap()
    }
}

impl Book {
    fn hold(&mut self, token: String) {
        self.tokens.push(token.clone());
        self.live = Some(token);
        self.may_log_in = false;
    }
}

/// A request that is under way.
struct InTheAir {
    ledger: Ledger,
    client: usize,
    since: Instant,
    over: bool,
}

/// R6: a request is not dropped because a caller went away; only a time limit drops it. Callers go away within
/// milliseconds; half of the limit leaves room for a busy machine, on which the two clocks start apart.
impl Drop for InTheAir {
    fn drop(&mut self) {
        let mut books = self.ledger.books();
        let book = books.clients.entry(self.client).or_default();
        book.in_the_air = false;
        let out_of_time = self.since.elapsed() >= ATTEMPT / 2
            || book.flight_began.is_some_and(|began| began.elapsed() >= FLIGHT_DEADLINE);
        if !self.over && !out_of_time {
            books.wrongs.push(format!("client {}: dropped a request that was in time", self.client));
        }
    }
}

/// The transport of a client to the token endpoint.
#[derive(Clone)]
pub struct Watched {
    pub http: HyperClient,
    pub ledger: Ledger,
    pub client: usize,
}

impl Service<Request<Full<Bytes>>> for Watched {
    type Response = Response<Full<Bytes>>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let Self { http, ledger, client } = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let info = RequestInfo {
                method: head.method.clone(),
                path: head.uri.path().to_owned(),
                body: body.clone(),
            };
            let sent = info.refresh_token().map_or(Sent::Login, |token| Sent::Refresh(fingerprint(&token)));

            let mut in_the_air = ledger.sent(client, &sent);
            let response = async {
                let (head, body) =
                    http.request(Request::from_parts(head, Full::new(body))).await?.into_parts();
                Ok::<_, Self::Error>((head, body.collect().await?.to_bytes()))
            };
            let response = response.await;
            in_the_air.over = true;
            let (head, body) = response?;
            ledger.received(client, &sent, head.status, &body);
            Ok(Response::from_parts(head, Full::new(body)))
        })
    }
}

/// As `fingerprint` of `tests/idp/server.mjs`. The TLS library is the only dependency with SHA-256.
fn fingerprint(token: &str) -> String {
    let suite = TLS13_AES_128_GCM_SHA256.tls13().unwrap();
    let hash = suite.common.hash_provider.hash(token.as_bytes());
    hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

//! The server: a token endpoint and an API that wants a token, on a free port of loopback. It counts and traces the
//! requests, and is as strict as a server can be. Not for production: its tokens are easy to guess.

mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::trace::Trace;
use tokens::{Issued, Tokens};

pub(crate) use tokens::LIFETIME;

pub(crate) const USERNAME: &str = "ada";
pub(crate) const PASSWORD: &str = "analytical-engine";

/// The header that says when the caller began its call, in microseconds since the start of the run.
pub(crate) const BEGAN: &str = "x-began";

/// What the API saw of one stack.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) requests: u64,
    pub(crate) unauthorized: u64,
    /// The requests that came a second time.
    pub(crate) replays: u64,
    pub(crate) ok: u64,
}

/// What the server counted.
#[derive(Clone, Default)]
pub(crate) struct Counts {
    pub(crate) api: BTreeMap<String, Seen>,
    pub(crate) password_grants: u64,
    pub(crate) refresh_grants: u64,
    pub(crate) other_grants: u64,
    /// The refresh tokens that came a second time. Each one cost its whole family of tokens.
    pub(crate) reused: u64,
    /// The requests with a token that had expired before their caller began.
    pub(crate) expired: u64,
}

impl Counts {
    pub(crate) fn unauthorized(&self) -> u64 {
        self.api.values().map(|seen| seen.unauthorized).sum()
    }
}

#[derive(Default)]
struct State {
    tokens: Tokens,
    calls: BTreeSet<String>,
    counts: Counts,
}

/// A running server. Clones are the same server.
#[derive(Clone)]
pub(crate) struct Server {
    address: SocketAddr,
    trace: Arc<Trace>,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) async fn start(trace: Arc<Trace>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let server = Self { address: listener.local_addr()?, trace, state: Arc::default() };
        tokio::spawn(server.clone().accept(listener));
        Ok(server)
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn token_url(&self) -> String {
        format!("{}/token", self.origin())
    }

    pub(crate) fn api_url(&self) -> String {
        format!("{}/api", self.origin())
    }

    /// Revokes every access token. Refresh tokens stay valid.
    pub(crate) fn revoke_access_tokens(&self) {
        self.lock().tokens.revoke_access();
        self.trace.line("server", "revokes all access tokens");
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    async fn accept(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let server = self.clone();
            let service = service_fn(move |request| {
                let server = server.clone();
                async move { Ok::<_, Infallible>(server.respond(request).await) }
            });
            // An error ends the connection, and the client notices it.
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    }

    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        match head.uri.path() {
            "/token" => self.token(&body),
            "/api" => self.api(&head.headers, &body),
            _ => empty(StatusCode::NOT_FOUND),
        }
    }

    /// The token endpoint: RFC 6749 sections 4.3 and 6.
    fn token(&self, form: &[u8]) -> Response<Full<Bytes>> {
        let form: BTreeMap<_, _> = form_urlencoded::parse(form).collect();
        let field = |name: &str| form.get(name).map_or("", |value| &**value);
        let now = self.trace.elapsed();
        let mut state = self.lock();
        let State { tokens, counts, .. } = &mut *state;
        let issued = match field("grant_type") {
            "password" => {
                counts.password_grants += 1;
                let known = (field("username"), field("password")) == (USERNAME, PASSWORD);
                known.then(|| tokens.log_in(now))
            }
            "refresh_token" => {
                counts.refresh_grants += 1;
                let issued = tokens.rotate(field("refresh_token"), now);
                counts.reused = tokens.reused;
                issued
            }
            _ => {
                counts.other_grants += 1;
                None
            }
        };
        drop(state);
        match issued {
            Some(issued) => json(StatusCode::OK, token_response(&issued)),
            None => json(StatusCode::BAD_REQUEST, serde_json::json!({ "error": "invalid_grant" })),
        }
    }

    /// The API. The body is the name of the call, `stack/task/number`: it shows whether a replay was complete.
    fn api(&self, headers: &HeaderMap, body: &[u8]) -> Response<Full<Bytes>> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let token = text(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
        let began = text(BEGAN).and_then(|micros| micros.parse().ok()).map(Duration::from_micros);
        let call = std::str::from_utf8(body).ok().and_then(|call| Some((call, call.rsplit_once('/')?.0)));
        let (Some((call, caller)), Some(began)) = (call, began) else {
            return empty(StatusCode::BAD_REQUEST);
        };
        let stack = caller.split('/').next().unwrap_or(caller);

        let mut state = self.lock();
        let State { tokens, calls, counts } = &mut *state;
        let verdict = tokens.judge(token, began);
        let number = token.and_then(|token| tokens.number(token));
        counts.expired += u64::from(verdict == Err("expired"));
        let is_replay = !calls.insert(call.to_owned());
        let seen = counts.api.entry(stack.to_owned()).or_default();
        seen.requests += 1;
        seen.replays += u64::from(is_replay);
        seen.ok += u64::from(verdict.is_ok());
        seen.unauthorized += u64::from(verdict.is_err());
        drop(state);

        let token = number.map_or("the token".to_owned(), |number| format!("token {number}"));
        match verdict {
            Ok(()) if is_replay => self.trace.line(caller, format_args!("200 for the replay with {token}")),
            Ok(()) => self.trace.once(stack, format_args!("200 with {token}")),
            Err(why) => {
                self.trace.line(caller, format_args!("401: {token} is {why}"));
                return unauthorized(why);
            }
        }
        empty(StatusCode::OK)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A successful response: RFC 6749 section 5.1.
fn token_response(issued: &Issued) -> serde_json::Value {
    serde_json::json!({
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "expires_in": LIFETIME.as_secs(),
        "token_type": "Bearer",
    })
}

/// A 401: RFC 6750 section 3.
fn unauthorized(why: &str) -> Response<Full<Bytes>> {
    let challenge = format!(r#"Bearer realm="quickstart", error="invalid_token", error_description="{why}""#);
    let mut response = empty(StatusCode::UNAUTHORIZED);
    if let Ok(challenge) = challenge.parse() {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn json(status: StatusCode, body: serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

//! An API in memory, as a tower service: the test decides its responses, and it records its requests.
//!
//! It checks that its callers keep tower's contract: a clone is not ready before it was polled, nor at its first
//! poll, and `call` panics if the clone is not ready.

use std::fmt;
use std::future::{Ready, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use reauth::{AuthLayer, Authenticator, CredentialSource as _, Credentials};
use tower::{Service, ServiceExt};
use tower_test::mock;

use crate::support::source::{Script, credentials};

pub const ORIGIN: &str = "https://api.example.com";

/// One request as the API received it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub uri: Uri,
    pub headers: HeaderMap,
    /// `Debug` of the body.
    pub body: String,
}

impl Seen {
    pub fn token(&self) -> Option<&str> {
        let mut values = self.headers.get_all(AUTHORIZATION).iter();
        let token = values.next()?.to_str().unwrap().strip_prefix("Bearer ");
        assert_eq!(values.next(), None, "two Authorization headers in one request");
        token
    }
}

/// The error of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Broken {}

type Outcome = Result<Response<String>, Broken>;

/// What happened to one of the clones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Ready(usize),
    Called(usize),
}

/// The service. Clones share everything but their readiness.
pub struct Api {
    shared: Arc<Shared>,
    clone: usize,
    readiness: Readiness,
}

#[derive(Clone, Copy)]
enum Readiness {
    Unasked,
    AskedOnce,
    Ready,
}

struct Shared {
    respond: Box<dyn Fn(&Seen) -> Outcome + Send + Sync>,
    seen: Mutex<Vec<Seen>>,
    moments: Mutex<Vec<Moment>>,
    clones: Mutex<usize>,
    unready_with: Mutex<Option<Broken>>,
}

impl Api {
    pub fn new(respond: impl Fn(&Seen) -> Outcome + Send + Sync + 'static) -> Self {
        let shared = Shared {
            respond: Box::new(respond),
            seen: Mutex::default(),
            moments: Mutex::default(),
            clones: Mutex::default(),
            unready_with: Mutex::default(),
        };
        Self { shared: Arc::new(shared), clone: 0, readiness: Readiness::Unasked }
    }

    /// 200 to these tokens, with the token for a body; 401 to anything else.
    pub fn taking(tokens: &'static [&'static str]) -> Self {
        Self::new(move |seen| match seen.token() {
            Some(token) if tokens.contains(&token) => Ok(Response::new(token.to_owned())),
            _ => Ok(status(StatusCode::UNAUTHORIZED)),
        })
    }

    /// This status to every request.
    pub fn saying(code: StatusCode) -> Self {
        Self::new(move |_| Ok(status(code)))
    }

    pub fn respond(&self, seen: Seen) -> Outcome {
        let outcome = (self.shared.respond)(&seen);
        self.shared.seen.lock().unwrap().push(seen);
        outcome
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The token of each request so far; `-` for none.
    pub fn tokens(&self) -> Vec<String> {
        self.seen().iter().map(|seen| seen.token().unwrap_or("-").to_owned()).collect()
    }

    pub fn clone_number(&self) -> usize {
        self.clone
    }

    pub fn moments(&self) -> Vec<Moment> {
        self.shared.moments.lock().unwrap().clone()
    }

    /// Makes the next poll of the readiness fail with this error.
    pub fn unready_with(&self, error: Broken) {
        *self.shared.unready_with.lock().unwrap() = Some(error);
    }

    fn note(&self, moment: Moment) {
        self.shared.moments.lock().unwrap().push(moment);
    }
}

impl<B: fmt::Debug> Service<Request<B>> for Api {
    type Response = Response<String>;
    type Error = Broken;
    type Future = Ready<Outcome>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        match self.readiness {
            Readiness::Unasked => {
                self.readiness = Readiness::AskedOnce;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Readiness::AskedOnce => {
                if let Some(error) = self.shared.unready_with.lock().unwrap().take() {
                    return Poll::Ready(Err(error));
                }
                self.readiness = Readiness::Ready;
                self.note(Moment::Ready(self.clone));
            }
            Readiness::Ready => {}
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        assert!(matches!(self.readiness, Readiness::Ready), "clone {} was called unready", self.clone);
        self.readiness = Readiness::Unasked;
        self.note(Moment::Called(self.clone));
        let (head, body) = request.into_parts();
        ready(self.respond(Seen { uri: head.uri, headers: head.headers, body: format!("{body:?}") }))
    }
}

impl Clone for Api {
    fn clone(&self) -> Self {
        let mut clones = self.shared.clones.lock().unwrap();
        *clones += 1;
        Self { shared: self.shared.clone(), clone: *clones, readiness: Readiness::Unasked }
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("clone", &self.clone).finish_non_exhaustive()
    }
}

pub fn status(code: StatusCode) -> Response<String> {
    let mut response = Response::new(format!("the API says {code}"));
    *response.status_mut() = code;
    response
}

/// `at-{n}` with `rt-{n}`, for five minutes.
pub fn nth(n: usize) -> Credentials {
    credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300))
}

/// A source that holds `at-1` and `rt-1`.
pub fn holding_first() -> Script {
    Script::new().holding(nth(1))
}

/// An authenticator of the script. If the script holds credentials, an adapter gets them without waiting.
pub fn authenticator(script: &Script) -> Authenticator {
    let auth = Authenticator::new(script.clone());
    if script.initial().is_some() {
        let first = pin!(auth.credentials()).poll(&mut Context::from_waker(Waker::noop()));
        assert!(first.is_ready(), "what is held had to be waited for");
    }
    auth
}

/// The authenticator, and the layer for [`ORIGIN`].
pub fn layer(script: &Script) -> (AuthLayer, Authenticator) {
    let auth = authenticator(script);
    (AuthLayer::for_origin(ORIGIN, auth.clone()).unwrap(), auth)
}

/// A request for a path of [`ORIGIN`], or for another URL.
pub fn get(uri: &str) -> Request<String> {
    let uri = if uri.starts_with('/') { format!("{ORIGIN}{uri}") } else { uri.to_owned() };
    Request::get(uri).body("body".to_owned()).unwrap()
}

/// Sends one request through a clone of the service. If no response comes, the test fails and doesn't wait for ever.
pub fn send<S, B>(
    service: &S,
    request: Request<B>,
) -> impl Future<Output = Result<S::Response, S::Error>> + use<S, B>
where
    S: Service<Request<B>> + Clone,
{
    let response = tokio::time::timeout(Duration::from_secs(300), service.clone().oneshot(request));
    async { response.await.expect("no response comes") }
}

/// The next request at a mock. If none comes, the test fails. Needs paused time.
pub async fn next<T, U>(api: &mut mock::Handle<T, U>) -> (T, mock::SendResponse<U>) {
    let next = tokio::time::timeout(Duration::from_secs(300), api.next_request());
    next.await.expect("no request comes").expect("the client is gone")
}

/// Returns when all other tasks wait for something. Needs paused time.
pub async fn idle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

pub fn bearer(token: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Bearer {token}")).unwrap()
}

//! An API in memory for all ways in, and authorizers for it.

use std::sync::{Arc, Mutex};

use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode, Uri};
use reauth::{
    Authenticator, Authorizer, CredentialSource as _, Error, PassedKind, PassedReason, RenewalError,
};

use crate::support::clock::StillClock;
use crate::support::source::Script;
use crate::tower_layer::api::Broken;

pub use crate::tower_layer::api::{ORIGIN, holding_first, nth, status};

/// One attempt as the API received it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: String,
    /// The `ResendCount` of the attempt, where a way in can show it.
    pub resends: Option<u32>,
}

impl Seen {
    pub fn token(&self) -> Option<&str> {
        self.headers.get("authorization")?.to_str().unwrap().strip_prefix("Bearer ")
    }

    pub fn path(&self) -> &str {
        self.url.strip_prefix(ORIGIN).unwrap_or(&self.url)
    }
}

pub type Outcome = Result<Response<String>, Broken>;

#[derive(Clone)]
pub struct Api {
    respond: Arc<dyn Fn(&Seen) -> Outcome + Send + Sync>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Api {
    pub fn new(respond: impl Fn(&Seen) -> Outcome + Send + Sync + 'static) -> Self {
        Self { respond: Arc::new(respond), seen: Arc::default() }
    }

    /// 200 to this token, and 401 to anything else.
    pub fn taking(token: &'static str) -> Self {
        Self::new(move |seen| {
            Ok(status(if seen.token() == Some(token) { StatusCode::OK } else { StatusCode::UNAUTHORIZED }))
        })
    }

    /// An API that loses the token on the way from `/link` to `to`, as HTTP clients do at a detour over another origin.
    pub fn linking(to: &'static str, good: &'static str) -> Self {
        Self::new(move |seen| {
            let is_link = seen.path() == "/link";
            let is_good = !is_link && seen.token() == Some(good);
            let mut response = status(if is_good { StatusCode::OK } else { StatusCode::UNAUTHORIZED });
            if is_link {
                response.extensions_mut().insert(CameFrom(Uri::from_static(to)));
            }
            Ok(response)
        })
    }

    pub fn call(&self, seen: Seen) -> Outcome {
        let outcome = (self.respond)(&seen);
        self.seen.lock().unwrap().push(seen);
        outcome
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The token of each attempt so far; `-` for none.
    pub fn tokens(&self) -> Vec<String> {
        self.seen().iter().map(|seen| seen.token().unwrap_or("-").to_owned()).collect()
    }

    /// The path of each attempt so far.
    pub fn paths(&self) -> Vec<String> {
        self.seen().iter().map(|seen| seen.path().to_owned()).collect()
    }
}

/// Where a response came from, if it was not the URL of the request.
#[derive(Clone)]
pub struct CameFrom(pub Uri);

pub fn came_from(extensions: &Extensions) -> Option<Uri> {
    Some(extensions.get::<CameFrom>()?.0.clone())
}

/// A body that can be sent again, or one that can be sent once.
pub enum Body {
    Text(&'static str),
    Once,
}

pub fn get(path: &str) -> Request<Body> {
    request(Method::GET, path, Body::Text(""))
}

pub fn post(path: &str) -> Request<Body> {
    request(Method::POST, path, Body::Text("body"))
}

pub fn request(method: Method, path: &str, body: Body) -> Request<Body> {
    let url = if path.starts_with('/') { format!("{ORIGIN}{path}") } else { path.to_owned() };
    Request::builder().method(method).uri(url).body(body).unwrap()
}

/// An authenticator of the script. If the script holds credentials, a request gets them without waiting.
pub fn authenticator(script: &Script) -> Authenticator {
    let auth = Authenticator::builder(script.clone()).clock(StillClock::default()).build();
    if script.initial().is_some() {
        assert!(auth.credentials_blocking().is_ok());
    }
    auth
}

/// An authorizer for [`ORIGIN`] that knows where responses come from.
pub fn authorizer(script: &Script) -> Authorizer {
    of_authenticator(authenticator(script))
}

pub fn of_authenticator(auth: Authenticator) -> Authorizer {
    // A stream can be sent once.
    Authorizer::for_origin(ORIGIN, auth).unwrap().response_uri(came_from).replay_limit(0)
}

/// Why there was no newer token: in the extensions, or returned by the step `renew`.
pub fn renewal_error<B>(response: &Response<B>) -> Option<Error> {
    let extensions = response.extensions();
    let returned = || extensions.get::<Error>().cloned();
    extensions.get::<RenewalError>().map(|renewal| renewal.error().clone()).or_else(returned)
}

pub fn passed<B>(response: &Response<B>) -> Option<PassedKind> {
    response.extensions().get::<PassedReason>().map(PassedReason::kind)
}

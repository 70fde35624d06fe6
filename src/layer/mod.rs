//! The tower adapter: [`AuthLayer`] for a stack of `http::Request` services.
//!
//! ```
//! # fn example() -> Result<(), reauth::Error> {
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! use reauth::{AuthLayer, Authenticator, Credentials};
//! use tower::ServiceBuilder;
//!
//! let auth = Authenticator::new(Credentials::new("at-1")?);
//! let hyper = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
//! let api = ServiceBuilder::new()
//!     .layer(AuthLayer::for_origin("https://api.example.com", auth)?)
//!     .service(hyper);
//! # let _ = api;
//! # Ok(())
//! # }
//! ```

mod attempt;
mod error;
mod future;
mod saved_request;
mod service;

pub use error::AuthError;
pub use future::ResponseFuture;
pub use service::Auth;

use std::fmt;

use http::{Extensions, Uri};
use tower_layer::Layer;

use crate::bearer::{Applies, Bearer, ResponseHead};
use crate::replay::{KnownBodies, ReplayableBody};
use crate::{Authenticator, Error, Origins};

/// Puts [`Auth`] around a service.
///
/// Stack it *inside* a retry, timeout, load-shed or redirect layer (each attempt then has a good token, no replay is
/// shed, and the scope is checked hop by hop), and *outside* what opens connections. A request has to name its
/// origin: one whose URI is a path alone, as tonic's are unless its client is made `with_origin`, passes untouched.
///
/// Where the inner service's error is a box, add `.map_err(AuthError::into_boxed)` outside, so that the next layer
/// finds an error type that it knows.
#[derive(Clone)]
pub struct AuthLayer {
    settings: Settings,
}

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) bearer: Bearer,
    response_uri: Option<fn(&Extensions) -> Option<Uri>>,
    known: KnownBodies,
}

impl AuthLayer {
    /// A layer that authorizes requests to the origins in `scope`. All others pass through untouched.
    pub fn new(scope: Origins, authenticator: Authenticator) -> Self {
        let bearer = Bearer::new(scope, authenticator);
        Self { settings: Settings { bearer, response_uri: None, known: KnownBodies::default() } }
    }

    /// A layer for one origin, such as `https://api.example.com`.
    ///
    /// # Errors
    ///
    /// As [`Origins::new`].
    pub fn for_origin(origin: &str, authenticator: Authenticator) -> Result<Self, Error> {
        Ok(Self::new(Origins::new(origin)?, authenticator))
    }

    /// What else counts as "this token is no good", beside a 401. A 403 does not by itself: too little scope
    /// is not mended by a refresh. Default: nothing else. For gRPC:
    /// `.also_rejected_when(|head| head.is_grpc_unauthenticated())`.
    #[must_use]
    pub fn also_rejected_when(
        mut self,
        classifier: impl Fn(&ResponseHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.settings.bearer.classify(classifier);
        self
    }

    /// Adds a body type that can be sent again, beside the [common ones](crate::replay). Calls add up.
    #[must_use]
    pub fn replays<B: ReplayableBody>(mut self) -> Self {
        self.settings.known.add::<B>();
        self
    }

    /// How to read from an answer's extensions the URI that it came from, where a layer *below* this one
    /// follows redirects: a 401 of another origin than the request's says nothing about the token.
    ///
    /// With tower-http's `FollowRedirect` below:
    /// `.response_uri(|extensions| Some(extensions.get::<RequestUri>()?.0.clone()))`.
    #[must_use]
    pub fn response_uri(mut self, read: fn(&Extensions) -> Option<Uri>) -> Self {
        self.settings.response_uri = Some(read);
        self
    }
}

impl Settings {
    /// Whether an answer came from where its request was sent, as far as can be known (R30).
    fn is_from(&self, extensions: &Extensions, terms: &Applies) -> bool {
        let from = self.response_uri.and_then(|read| read(extensions));
        from.is_none_or(|from| self.bearer.is_from(terms, |scope| scope.find(&from)))
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth::new(inner, self.settings.clone())
    }
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuthLayer").field(&self.settings.bearer).finish()
    }
}

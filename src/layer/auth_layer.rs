//! The layer, which is also the settings of its services.

use std::fmt;
use std::sync::Arc;

use http::{Extensions, Uri};
use tower_layer::Layer;

use super::service::Auth;
use crate::authenticator::Authenticator;
use crate::authorizer::{Authorizer, ResponseHead};
use crate::error::Error;
use crate::origins::Origins;
use crate::per_thread::PerThread;
use crate::replay::ReplayableBody;

/// A tower layer that adds the bearer header and, on a 401, refreshes the token and sends the request again, once.
///
/// Put it *inside* a retry, timeout, load-shed or redirect layer: then each attempt has a good token, the second
/// attempt is not shed, and each hop is checked against the origins. Put it *outside* what opens connections.
///
/// The URI of a request has to contain the origin. A request whose URI is only a path passes through without
/// credentials, unless you set [`authorize_paths`](Self::authorize_paths). The requests of a tonic client have only a path, unless you create the client `with_origin`. Why a request
/// passed is an [`Event::Passed`](crate::Event::Passed), and in the extensions of its 401.
///
/// While a request waits for a token, it holds no inner service that is ready, and so no permit of a limit below. Token
/// requests may use the same limit.
///
/// If the inner service's error is a box, add `.map_err(AuthError::into_boxed)` outside. The next layer then gets an
/// error type that it knows.
#[derive(Clone)]
pub struct AuthLayer {
    authorizer: Authorizer,
}

impl AuthLayer {
    /// A layer that authorizes requests to these origins. All other requests pass through unchanged.
    pub fn new(origins: Origins, authenticator: Authenticator) -> Self {
        Self { authorizer: Authorizer::new(origins, authenticator) }
    }

    /// A layer for one origin, such as `https://api.example.com`.
    ///
    /// # Errors
    ///
    /// As [`Origins::new`].
    pub fn for_origin(origin: &str, authenticator: Authenticator) -> Result<Self, Error> {
        Ok(Self { authorizer: Authorizer::for_origin(origin, authenticator)? })
    }

    /// A layer without an identity of its own, for servers that call an API on behalf of their users. Only requests to these
    /// origins that are marked [`WithAuthenticator`](crate::per_request::WithAuthenticator) get a token. All others pass
    /// unchanged.
    ///
    /// So a forgotten mark, or one that is lost at a redirect, never sends another identity's token. Such a request has a
    /// [`PassedReason`](crate::PassedReason) in the extensions of its 401. With the feature `tracing` it is also recorded;
    /// there is no observer that could be told.
    pub fn per_request(origins: Origins) -> Self {
        Self { authorizer: Authorizer::per_request(origins) }
    }

    /// Sets which other responses, beside a 401, reject the token that the request carried. Default: none.
    ///
    /// A 403 alone should not: if the token lacks a scope, a new token lacks it as well. For gRPC:
    /// `.also_rejected_when(|head| head.is_grpc_unauthenticated())`.
    #[must_use]
    pub fn also_rejected_when(
        self,
        classifier: impl Fn(&ResponseHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.authorizer.also_rejected_when(classifier).into()
    }

    /// Adds a body type that can be sent again, beside the [common ones](crate::replay). Calls add up.
    #[must_use]
    pub fn replays<B: ReplayableBody>(self) -> Self {
        self.authorizer.replays::<B>().into()
    }

    /// Sends each request only once. After a 401 the token is still replaced, and the caller gets the 401.
    ///
    /// This is as if each request were marked [`NoReplay`](crate::per_request::NoReplay), and costs less.
    #[must_use]
    pub fn never_replay(self) -> Self {
        self.authorizer.never_replay().into()
    }

    /// Authorizes also requests whose URI is only a path, such as `/orders`. It is for clients where a layer below adds the origin.
    /// Such a request gets the token wherever that layer sends it, and each of its 401s counts, also after a redirect, because
    /// nobody knows where it was sent. Default: they pass without a token.
    #[must_use]
    pub fn authorize_paths(self) -> Self {
        self.authorizer.authorize_paths().into()
    }

    /// Sets how to read from a response's extensions the URI that it came from. It is for a layer *below* this one that
    /// follows redirects. On the way such a layer removes the token where the origin changes, so a 401 after a redirect
    /// rejects nothing by itself. A GET, HEAD or OPTIONS without a body is sent once more, with the token, straight to where
    /// the redirect led, if that is one of the origins. The response to that counts. Otherwise the caller gets the 401, with a
    /// [`PassedReason`](crate::PassedReason) in its extensions.
    ///
    /// Without this setting every 401 counts, and one after a redirect may cost a refresh.
    ///
    /// With tower-http's `FollowRedirect` below:
    /// `.response_uri(|extensions| Some(extensions.get::<RequestUri>()?.0.clone()))`.
    #[must_use]
    pub fn response_uri(self, read: fn(&Extensions) -> Option<Uri>) -> Self {
        self.authorizer.response_uri(read).into()
    }
}

/// A layer with the settings and marks of an authorizer.
impl From<Authorizer> for AuthLayer {
    fn from(authorizer: Authorizer) -> Self {
        Self { authorizer }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        let settings = self.authorizer.clone().into_settings();
        Auth { inner, settings: Arc::new(PerThread::new(Arc::new(settings))) }
    }
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuthLayer").field(&self.authorizer).finish()
    }
}

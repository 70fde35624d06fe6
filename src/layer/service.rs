//! The service: authorizes a request, or lets it pass.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::attempt::Attempt;
use super::future::ResponseFuture;
use super::{AuthError, Settings};
use crate::Scope;
use crate::bearer::Bearer;
use crate::per_request::own_authenticator;
use crate::shard::Shards;

/// Injects the bearer header, and on a 401 refreshes and sends the request again, once.
///
/// Made by [`AuthLayer`](super::AuthLayer).
///
/// # Cancel safety
///
/// Dropping the response future drops the request; a refresh that it started goes on.
#[derive(Clone)]
pub struct Auth<S> {
    inner: S,
    shared: Arc<Shared>,
}

/// What the clones of a service share.
struct Shared {
    settings: Settings,
    /// What their requests hold of it, until they are answered.
    local: Shards<Arc<Settings>>,
}

impl Shared {
    #[inline]
    fn local(&self) -> Arc<Settings> {
        self.local.local(|_| Arc::new(self.settings.clone())).clone()
    }
}

impl<S> Auth<S> {
    pub(super) fn new(inner: S, settings: Settings) -> Self {
        Self { inner, shared: Arc::new(Shared { settings, local: Shards::new() }) }
    }

    /// The service inside.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, R> Service<Request<B>> for Auth<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    B: 'static,
{
    type Response = Response<R>;
    type Error = AuthError<S::Error>;
    type Future = ResponseFuture<S, B, R>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(AuthError::Service)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let settings = &self.shared.settings;
        let in_scope = |scope: &Scope| scope.contains(request.uri());
        if !settings.bearer.applies(in_scope, request.extensions()) {
            return ResponseFuture::passing(self.inner.call(request));
        }
        let own = own_authenticator(request.extensions());
        let warm = settings.bearer.authenticator(&own).warm_header();
        let settings = self.shared.local();
        match warm {
            Some(warm) => match Attempt::first(&mut self.inner, request, warm, own, settings) {
                Ok((future, Some(attempt))) => ResponseFuture::sending(future, attempt),
                Ok((future, None)) => ResponseFuture::passing(future),
                Err(error) => ResponseFuture::refusing(error),
            },
            None if Bearer::has_own(request.headers()) => ResponseFuture::passing(self.inner.call(request)),
            None => {
                // The service that was made ready is the one called; its clone is made ready again.
                let spare = self.inner.clone();
                let ready = mem::replace(&mut self.inner, spare);
                ResponseFuture::waiting(ready, request, own, settings)
            }
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Auth<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("inner", &self.inner)
            .field("bearer", &self.shared.settings.bearer)
            .finish()
    }
}

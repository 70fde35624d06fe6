//! The service: authorizes a request, or lets it pass.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::attempt::Attempt;
use super::auth_layer::AuthLayer;
use super::error::AuthError;
use super::future::ResponseFuture;
use crate::authenticator::Ticket;
use crate::bearer::{authorize, has_callers_header};
use crate::per_thread::PerThread;

/// A service that adds the bearer header and, on a 401, refreshes the token and sends the request again, once.
///
/// [`AuthLayer`](crate::AuthLayer) makes it.
///
/// # Cancel safety
///
/// Dropping the response future drops the request. A refresh that it started goes on.
#[derive(Clone)]
pub struct Auth<S> {
    pub(super) inner: S,
    /// Each request holds a clone of the inner `Arc` until its response is there.
    pub(super) settings: Arc<PerThread<Arc<AuthLayer>>>,
}

impl<S> Auth<S> {
    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns the inner service, and drops the rest.
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

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let settings = self.settings.local(|original| Arc::new(AuthLayer::clone(original)));
        let Some(applies) = settings.policy.applies(request.uri(), request.extensions()) else {
            return ResponseFuture::passing(self.inner.call(request));
        };
        let attempt = Attempt { applies, settings: settings.clone() };
        match attempt.authenticator().try_acquire() {
            Some(Ticket { header, generation }) => {
                let saved = attempt.save(&self.inner, &mut request);
                match authorize(request.headers_mut(), header) {
                    Ok(true) => ResponseFuture::sending(self.inner.call(request), saved, generation, attempt),
                    Ok(false) => ResponseFuture::passing(self.inner.call(request)),
                    Err(error) => ResponseFuture::failing(error),
                }
            }
            None if has_callers_header(request.headers()) => {
                ResponseFuture::passing(self.inner.call(request))
            }
            None => {
                // The service that was made ready is the one that is called. A clone of it, not yet ready, stays here.
                let clone = self.inner.clone();
                let ready = mem::replace(&mut self.inner, clone);
                ResponseFuture::acquiring(ready, request, attempt)
            }
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Auth<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("inner", &self.inner)
            .field("policy", &self.settings.original().policy)
            .finish()
    }
}

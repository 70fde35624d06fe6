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
use crate::Origins;
use crate::authenticator::Ticket;
use crate::bearer::Bearer;
use crate::per_thread::PerThread;

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
    /// Requests hold on to theirs until they are answered.
    settings: Arc<PerThread<Arc<Settings>>>,
}

impl<S> Auth<S> {
    pub(super) fn new(inner: S, settings: Settings) -> Self {
        Self { inner, settings: Arc::new(PerThread::new(Arc::new(settings))) }
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

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let find = |scope: &Origins| scope.find(request.uri());
        let settings = self.settings.local(|original| Arc::new(Settings::clone(original)));
        let Some(terms) = settings.bearer.terms(find, request.extensions()) else {
            return ResponseFuture::passing(self.inner.call(request));
        };
        let attempt = Attempt { terms, settings: settings.clone() };
        match attempt.authenticator().try_acquire() {
            Some(Ticket { header, generation }) => {
                let again = attempt.again(&self.inner, &mut request);
                match Bearer::authorize(request.headers_mut(), header) {
                    Ok(true) => ResponseFuture::sending(self.inner.call(request), again, generation, attempt),
                    Ok(false) => ResponseFuture::passing(self.inner.call(request)),
                    Err(error) => ResponseFuture::refusing(error),
                }
            }
            None if Bearer::has_own(request.headers()) => ResponseFuture::passing(self.inner.call(request)),
            None => {
                // The service that was made ready is the one called; its clone is made ready again.
                let spare = self.inner.clone();
                let ready = mem::replace(&mut self.inner, spare);
                ResponseFuture::waiting(ready, request, attempt)
            }
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Auth<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("inner", &self.inner)
            .field("bearer", &self.settings.original().bearer)
            .finish()
    }
}

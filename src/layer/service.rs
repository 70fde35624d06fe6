//! The service: authorizes a request, or lets it pass.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::attempt::Attempt;
use super::future::{ResponseFuture, Why};
use crate::authenticator::Ticket;
use crate::authorizer::{AuthError, Settings};
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
    pub(super) settings: Arc<PerThread<Arc<Settings>>>,
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
        let settings = self.settings.local(|original| Arc::new(Settings::clone(original)));
        let Some(applies) = settings.applies(request.uri(), request.extensions()) else {
            let why = why_passed(settings, &request);
            return ResponseFuture::passing_for(why, self.inner.call(request));
        };
        let valid_for = settings.valid_for(request.extensions());
        let attempt = Attempt::new(applies, settings, request.uri());
        match attempt.try_acquire(valid_for) {
            Some(Ticket { header, generation }) => {
                let saved = attempt.save(&self.inner, &mut request);
                match attempt.authorize(&mut request, header) {
                    Ok(true) => ResponseFuture::sending(self.inner.call(request), saved, generation, attempt),
                    Ok(false) => ResponseFuture::passing(self.inner.call(request)),
                    Err(error) => ResponseFuture::failing(error),
                }
            }
            None if attempt.settings.has_callers_header(&attempt.applies, request.headers()) => {
                ResponseFuture::passing(self.inner.call(request))
            }
            None => {
                // Before a token is fetched that can't be sent.
                if let Err(error) = attempt.check() {
                    return ResponseFuture::failing(error);
                }
                // The token request may need what this service got when it was made ready, such as the only permit of a
                // limit. So it is dropped, and another clone is made ready when there is a token (R32).
                let clone = self.inner.clone();
                self.inner = clone.clone();
                ResponseFuture::acquiring(clone, request, attempt, valid_for)
            }
        }
    }
}

/// Why a request passes without a token. It is reported at once.
#[cold]
fn why_passed<B>(settings: &Arc<Settings>, request: &Request<B>) -> Option<Why> {
    let (to, extensions) = (request.uri(), request.extensions());
    let kind = settings.why_passed(&settings.marks, to, request.headers(), extensions)?;
    Some(Why { kind, to: to.clone(), settings: settings.clone() })
}

impl<S: fmt::Debug> fmt::Debug for Auth<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("inner", &self.inner)
            .field("settings", self.settings.original())
            .finish()
    }
}

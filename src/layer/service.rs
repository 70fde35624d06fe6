//! The service: authorizes a request, or lets it pass.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderValue, Request, Response};
use tower_service::Service;

use super::future::{Attempt, ResponseFuture};
use super::{AuthError, Settings};
use crate::bearer::Bearer;
use crate::replay::copy_request;

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
    settings: Arc<Settings>,
}

impl<S> Auth<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
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
        let bearer = &self.settings.bearer;
        if !bearer.applies(request.uri(), request.headers()) {
            return ResponseFuture::passing(self.inner.call(request));
        }
        match bearer.authenticator.warm(|held| (held.header.clone(), held.generation)) {
            Some((header, generation)) => {
                let settings = self.settings.clone();
                // The service that was made ready is the one called; a clone waits for the replay.
                let spare = self.inner.clone();
                let (future, attempt) = send(&mut self.inner, spare, request, header, generation, settings);
                ResponseFuture::sending(future, attempt)
            }
            None => {
                let authenticator = bearer.authenticator.clone();
                let spare = self.inner.clone();
                let ready = mem::replace(&mut self.inner, spare);
                let held = Box::pin(async move { authenticator.acquire().await });
                ResponseFuture::waiting(held, ready, request, self.settings.clone())
            }
        }
    }
}

/// Sends the first attempt on a service that is ready, and keeps what a second would need.
pub(super) fn send<S, B>(
    ready: &mut S,
    spare: S,
    mut request: Request<B>,
    header: HeaderValue,
    generation: u64,
    settings: Arc<Settings>,
) -> (S::Future, Attempt<S, B>)
where
    S: Service<Request<B>>,
    B: 'static,
{
    let uri = settings.response_uri.map(|_| request.uri().clone());
    let copy = copy_request(&request);
    Bearer::authorize(request.headers_mut(), header);
    (ready.call(request), Attempt { service: spare, copy, uri, generation, settings })
}

impl<S: fmt::Debug> fmt::Debug for Auth<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("inner", &self.inner).field("bearer", &self.settings.bearer).finish()
    }
}

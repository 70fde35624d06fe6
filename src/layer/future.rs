//! The future of one request: wait for a credential, send, and on a 401 renew, make ready, send again.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::attempt::{Again, Attempt, Renewal};
use super::{AuthError, Settings};
use crate::bearer::{Bearer, RenewalError};
use crate::{Authenticator, Error};

pin_project! {
    /// The response future of [`Auth`](super::Auth).
    pub struct ResponseFuture<S, B, R>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B, R, S::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, R, F> {
        /// Not ours, or the second attempt: the answer goes to the caller as it is.
        Passing { #[pin] future: F },
        /// It can't be sent.
        Refusing { error: Option<Error> },
        /// Nothing usable was in hand. The ready service is kept for when there is.
        Waiting { held: Renewal, ready: Option<(S, Request<B>, Option<Authenticator>)>, settings: Arc<Settings> },
        /// The first attempt is on its way.
        Sending { #[pin] future: F, attempt: Attempt<S, B> },
        /// The token was rejected. The answer is kept: it is the caller's, if there is no successor.
        Renewing { held: Renewal, response: Option<Response<R>>, again: Again<S, B> },
        /// The service is made ready once more (tower's contract), then the copy is sent.
        Readying { again: Option<(S, Request<B>)> },
    }
}

impl<S, B, R> ResponseFuture<S, B, R>
where
    S: Service<Request<B>>,
{
    #[inline]
    pub(super) fn passing(future: S::Future) -> Self {
        Self { state: State::Passing { future } }
    }

    #[inline]
    pub(super) fn sending(future: S::Future, attempt: Attempt<S, B>) -> Self {
        Self { state: State::Sending { future, attempt } }
    }

    pub(super) fn refusing(error: Error) -> Self {
        Self { state: State::Refusing { error: Some(error) } }
    }

    pub(super) fn waiting(
        service: S,
        request: Request<B>,
        own: Option<Authenticator>,
        settings: Arc<Settings>,
    ) -> Self {
        let authenticator = settings.bearer.authenticator(&own).clone();
        let held = Box::pin(async move { authenticator.acquire().await });
        Self { state: State::Waiting { held, ready: Some((service, request, own)), settings } }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B, R>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    B: 'static,
{
    type Output = Result<Response<R>, AuthError<S::Error>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Passing { future } => {
                    return future.poll(context).map_err(AuthError::Service);
                }
                StateProjection::Refusing { error } => {
                    return taken(error).map(|error| Err(AuthError::Credentials(error)));
                }
                StateProjection::Waiting { held, ready, settings } => {
                    let held = ready!(held.as_mut().poll(context)).map_err(AuthError::Credentials)?;
                    let (mut service, request, own) = ready!(taken(ready));
                    let (warm, settings) = ((held.header.clone(), held.generation), settings.clone());
                    match Attempt::first(&mut service, request, warm, own, settings) {
                        Ok((future, Some(attempt))) => State::Sending { future, attempt },
                        Ok((future, None)) => State::Passing { future },
                        Err(error) => State::Refusing { error: Some(error) },
                    }
                }
                StateProjection::Sending { future, attempt } => {
                    let response = ready!(future.poll(context)).map_err(AuthError::Service)?;
                    if !attempt.is_rejected(&response) {
                        // Nothing has to be kept of the request any more, however long this future is.
                        attempt.again = None;
                        return Poll::Ready(Ok(response));
                    }
                    let again = attempt.again.take();
                    State::Renewing { held: attempt.renew(), response: Some(response), again }
                }
                StateProjection::Renewing { held, response, again } => {
                    let held = match ready!(held.as_mut().poll(context)) {
                        Ok(held) => held,
                        Err(error) => {
                            let mut response = ready!(taken(response));
                            response.extensions_mut().insert(RenewalError(error));
                            return Poll::Ready(Ok(response));
                        }
                    };
                    let again = again.take();
                    match again.and_then(|(service, spare)| Some((service, spare.into_request()?))) {
                        Some((service, mut request)) => {
                            Bearer::authorize(request.headers_mut(), held.header.clone())
                                .map_err(AuthError::Credentials)?;
                            // Changing the state drops the 401, and so frees its connection.
                            State::Readying { again: Some((service, request)) }
                        }
                        None => return taken(response).map(Ok),
                    }
                }
                StateProjection::Readying { again } => {
                    let (mut service, request) = ready!(taken(again));
                    match service.poll_ready(context) {
                        Poll::Ready(Ok(())) => State::Passing { future: service.call(request) },
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(AuthError::Service(error))),
                        Poll::Pending => {
                            *again = Some((service, request));
                            return Poll::Pending;
                        }
                    }
                }
            };
            state.set(next);
        }
    }
}

impl<S, B, R> fmt::Debug for ResponseFuture<S, B, R>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

/// What a state holds until it is left. There is nothing more to come of a future that is over.
fn taken<T>(slot: &mut Option<T>) -> Poll<T> {
    slot.take().map_or(Poll::Pending, Poll::Ready)
}

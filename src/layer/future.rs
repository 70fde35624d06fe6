//! The future of one request: wait for a credential, send, and on a 401 renew, make ready, send again.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::AuthError;
use super::again::Again;
use super::attempt::{Pending, Terms, Unsent};
use crate::Error;
use crate::bearer::{Bearer, RenewalError};

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
    // What only a missing or a rejected token needs is in a box, because a future is moved by those who hold it.
    #[project = StateProjection]
    enum State<S, B, R, F> {
        /// Not ours, or the second attempt: the answer goes to the caller as it is.
        Passing { #[pin] future: F },
        /// It can't be sent.
        Refusing { error: Option<Error> },
        /// Nothing usable was in hand. The ready service is kept for when there is.
        Waiting { held: Pending, unsent: Option<Box<Unsent<S, B>>> },
        /// The first attempt is on its way.
        Sending { #[pin] future: F, again: Option<Again<S, B>>, generation: u64, terms: Terms },
        /// The token was rejected. The answer is kept: it is the caller's, if there is no successor.
        Renewing { held: Pending, response: Option<Box<Response<R>>>, again: Option<Box<Again<S, B>>> },
        /// The service is made ready once more (tower's contract), then the copy is sent.
        Readying { again: Option<Box<(S, Request<B>)>> },
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

    pub(super) fn refusing(error: Error) -> Self {
        Self { state: State::Refusing { error: Some(error) } }
    }

    pub(super) fn waiting(service: S, request: Request<B>, terms: Terms) -> Self {
        let held = terms.acquire();
        let unsent = Some(Box::new(Unsent { service, request, terms }));
        Self { state: State::Waiting { held, unsent } }
    }

    // Inlined, and with two ends, because what is made here is large, and would be moved.
    #[inline(always)]
    pub(super) fn sending(
        future: S::Future,
        again: Option<Again<S, B>>,
        generation: u64,
        terms: Terms,
    ) -> Self {
        match again {
            None => Self { state: State::Sending { future, again: None, generation, terms } },
            again => Self { state: State::Sending { future, again, generation, terms } },
        }
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
                StateProjection::Waiting { held, unsent } => {
                    let held = ready!(held.as_mut().poll(context)).map_err(AuthError::Credentials)?;
                    let Unsent { mut service, mut request, terms } = *ready!(taken(unsent));
                    let again = terms.again(&service, &mut request);
                    let header = held.credentials.bearer().clone();
                    match Bearer::authorize(request.headers_mut(), header) {
                        Ok(true) => Self::sending(service.call(request), again, held.generation, terms).state,
                        Ok(false) => State::Passing { future: service.call(request) },
                        Err(error) => State::Refusing { error: Some(error) },
                    }
                }
                StateProjection::Sending { future, again, generation, terms } => {
                    let response = ready!(future.poll(context)).map_err(AuthError::Service)?;
                    if !terms.is_rejected(&response) {
                        // Nothing has to be kept of the request any more, however long this future is.
                        *again = None;
                        return Poll::Ready(Ok(response));
                    }
                    let (held, again) = (terms.renew(*generation), again.take().map(Box::new));
                    State::Renewing { held, response: Some(Box::new(response)), again }
                }
                StateProjection::Renewing { held, response, again } => {
                    let held = match ready!(held.as_mut().poll(context)) {
                        Ok(held) => held,
                        Err(error) => {
                            let mut response = *ready!(taken(response));
                            response.extensions_mut().insert(RenewalError(error));
                            return Poll::Ready(Ok(response));
                        }
                    };
                    match again.take().and_then(|again| again.into_call()) {
                        Some((service, mut request)) => {
                            Bearer::authorize(request.headers_mut(), held.credentials.bearer().clone())
                                .map_err(AuthError::Credentials)?;
                            // Changing the state drops the 401, and so frees its connection.
                            State::Readying { again: Some(Box::new((service, request))) }
                        }
                        None => return taken(response).map(|response| Ok(*response)),
                    }
                }
                StateProjection::Readying { again } => {
                    let mut next = ready!(taken(again));
                    match next.0.poll_ready(context) {
                        Poll::Ready(Ok(())) => {
                            let (mut service, request) = *next;
                            State::Passing { future: service.call(request) }
                        }
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(AuthError::Service(error))),
                        Poll::Pending => {
                            *again = Some(next);
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

//! The future of one request: wait for a credential, send, and on a 401 renew, make ready, send again.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::AuthError;
use super::attempt::{Attempt, Pending, Unsent};
use super::saved_request::SavedRequest;
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
        Waiting { lease: Pending, unsent: Option<Box<Unsent<S, B>>> },
        /// The first attempt is on its way.
        Sending { #[pin] future: F, again: Option<SavedRequest<S, B>>, generation: u64, attempt: Attempt },
        /// The token was rejected. The answer is kept: it is the caller's, if there is no successor.
        Renewing { lease: Pending, refused: Option<Box<Refused<S, B, R>>> },
        /// The service is made ready once more (tower's contract), then the copy is sent.
        Readying { again: Option<Box<(S, Request<B>)>> },
    }
}

/// A rejected attempt: its answer, and what a second attempt needs.
struct Refused<S, B, R> {
    response: Response<R>,
    again: Option<SavedRequest<S, B>>,
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

    pub(super) fn waiting(service: S, request: Request<B>, attempt: Attempt) -> Self {
        let lease = attempt.acquire();
        let unsent = Some(Box::new(Unsent { service, request, attempt }));
        Self { state: State::Waiting { lease, unsent } }
    }

    // Inlined, and with two ends, because what is made here is large, and would be moved.
    #[inline(always)]
    pub(super) fn sending(
        future: S::Future,
        again: Option<SavedRequest<S, B>>,
        generation: u64,
        attempt: Attempt,
    ) -> Self {
        match again {
            None => Self { state: State::Sending { future, again: None, generation, attempt } },
            again => Self { state: State::Sending { future, again, generation, attempt } },
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
                StateProjection::Waiting { lease, unsent } => {
                    let lease = ready!(lease.as_mut().poll(context)).map_err(AuthError::Credentials)?;
                    let Unsent { mut service, mut request, attempt } = *ready!(taken(unsent));
                    let again = attempt.again(&service, &mut request);
                    match Bearer::authorize(request.headers_mut(), lease.header) {
                        Ok(true) => {
                            Self::sending(service.call(request), again, lease.generation, attempt).state
                        }
                        Ok(false) => State::Passing { future: service.call(request) },
                        Err(error) => State::Refusing { error: Some(error) },
                    }
                }
                StateProjection::Sending { future, again, generation, attempt } => {
                    let response = ready!(future.poll(context)).map_err(AuthError::Service)?;
                    if !attempt.is_rejected(&response) {
                        // Nothing has to be kept of the request any more, however long this future is.
                        *again = None;
                        return Poll::Ready(Ok(response));
                    }
                    let refused = Refused { response, again: again.take() };
                    State::Renewing { lease: attempt.renew(*generation), refused: Some(Box::new(refused)) }
                }
                StateProjection::Renewing { lease, refused } => {
                    let lease = ready!(lease.as_mut().poll(context));
                    let Refused { mut response, again } = *ready!(taken(refused));
                    let lease = match lease {
                        Ok(lease) => lease,
                        Err(error) => {
                            response.extensions_mut().insert(RenewalError(error));
                            return Poll::Ready(Ok(response));
                        }
                    };
                    let Some((service, mut request)) = again.and_then(SavedRequest::into_call) else {
                        return Poll::Ready(Ok(response));
                    };
                    // Before anything is waited for: it may hold a connection.
                    drop(response);
                    Bearer::authorize(request.headers_mut(), lease.header).map_err(AuthError::Credentials)?;
                    State::sending_again(service, request, context)?
                }
                StateProjection::Readying { again } => {
                    let (service, request) = *ready!(taken(again));
                    State::sending_again(service, request, context)?
                }
            };
            let readying = matches!(next, State::Readying { .. });
            state.set(next);
            if readying {
                return Poll::Pending;
            }
        }
    }
}

impl<S, B, R> State<S, B, R, S::Future>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    /// Sends the copy, or waits until the service is ready for it (tower's contract).
    fn sending_again(
        mut service: S,
        request: Request<B>,
        context: &mut Context<'_>,
    ) -> Result<Self, AuthError<S::Error>> {
        match service.poll_ready(context) {
            Poll::Ready(Ok(())) => Ok(Self::Passing { future: service.call(request) }),
            Poll::Ready(Err(error)) => Err(AuthError::Service(error)),
            Poll::Pending => Ok(Self::Readying { again: Some(Box::new((service, request))) }),
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

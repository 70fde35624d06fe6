//! The future of one request: it waits for a ticket and sends the request. On a 401 it waits for a new ticket, makes
//! the service ready, and sends the request again.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::attempt::{Attempt, TicketFuture};
use super::error::AuthError;
use super::saved_request::SavedRequest;
use crate::bearer::{RenewalError, authorize};
use crate::error::Error;

pin_project! {
    /// The response future of [`Auth`](super::Auth).
    pub struct ResponseFuture<S, B, R>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        stage: Stage<S, B, R, S::Future>,
    }
}

pin_project! {
    // A caller may move its future, so the future is small: what is needed only without a token, or after a 401, is in
    // boxes.
    #[project = StageProjection]
    enum Stage<S, B, R, F> {
        /// A request without the layer's token, or the second attempt: the caller gets the response as it is.
        Passing { #[pin] future: F },
        /// The request can't be sent.
        Failing { error: Option<Error> },
        /// No usable token was at hand. The service that was made ready is kept until there is one.
        Acquiring { ticket: TicketFuture, unsent: Option<Box<(S, Request<B>, Attempt)>> },
        /// The first attempt is under way.
        Sending { #[pin] future: F, saved: Option<SavedRequest<S, B>>, generation: u64, attempt: Attempt },
        /// The token was rejected. The caller gets this response if there is no new token.
        Rejecting { ticket: TicketFuture, rejected: Option<Box<(Response<R>, Option<SavedRequest<S, B>>)>> },
        /// The service is made ready once more (tower's contract) for the second attempt.
        Readying { call: Option<Box<(S, Request<B>)>> },
    }
}

impl<S, B, R> ResponseFuture<S, B, R>
where
    S: Service<Request<B>>,
{
    #[inline]
    pub(super) fn passing(future: S::Future) -> Self {
        Self { stage: Stage::Passing { future } }
    }

    pub(super) fn failing(error: Error) -> Self {
        Self { stage: Stage::Failing { error: Some(error) } }
    }

    pub(super) fn acquiring(service: S, request: Request<B>, attempt: Attempt) -> Self {
        let ticket = attempt.acquire();
        let unsent = Some(Box::new((service, request, attempt)));
        Self { stage: Stage::Acquiring { ticket, unsent } }
    }

    // The future is large. Inlined, and with an arm for each case, it is built in place and not moved.
    #[inline(always)]
    pub(super) fn sending(
        future: S::Future,
        saved: Option<SavedRequest<S, B>>,
        generation: u64,
        attempt: Attempt,
    ) -> Self {
        match saved {
            None => Self { stage: Stage::Sending { future, saved: None, generation, attempt } },
            saved => Self { stage: Stage::Sending { future, saved, generation, attempt } },
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
        let mut stage = self.project().stage;
        loop {
            let next = match stage.as_mut().project() {
                StageProjection::Passing { future } => {
                    return future.poll(context).map_err(AuthError::Service);
                }
                StageProjection::Failing { error } => {
                    return taken(error).map(|error| Err(AuthError::Credentials(error)));
                }
                StageProjection::Acquiring { ticket, unsent } => {
                    let ticket = ready!(ticket.as_mut().poll(context)).map_err(AuthError::Credentials)?;
                    let (mut service, mut request, attempt) = *ready!(taken(unsent));
                    let saved = attempt.save(&service, &mut request);
                    match authorize(request.headers_mut(), ticket.header) {
                        Ok(true) => {
                            Self::sending(service.call(request), saved, ticket.generation, attempt).stage
                        }
                        Ok(false) => Stage::Passing { future: service.call(request) },
                        Err(error) => Stage::Failing { error: Some(error) },
                    }
                }
                StageProjection::Sending { future, saved, generation, attempt } => {
                    let response = ready!(future.poll(context)).map_err(AuthError::Service)?;
                    if !attempt.is_rejected(&response) {
                        // Drop the copy now: the caller may keep this future for long.
                        *saved = None;
                        return Poll::Ready(Ok(response));
                    }
                    let rejected = Some(Box::new((response, saved.take())));
                    Stage::Rejecting { ticket: attempt.reject(*generation), rejected }
                }
                StageProjection::Rejecting { ticket, rejected } => {
                    let ticket = ready!(ticket.as_mut().poll(context));
                    let (mut response, saved) = *ready!(taken(rejected));
                    let ticket = match ticket {
                        Ok(ticket) => ticket,
                        Err(error) => {
                            response.extensions_mut().insert(RenewalError(error));
                            return Poll::Ready(Ok(response));
                        }
                    };
                    let Some((service, mut request)) = saved.and_then(SavedRequest::into_call) else {
                        return Poll::Ready(Ok(response));
                    };
                    // Drop the response before waiting: it may hold a connection.
                    drop(response);
                    authorize(request.headers_mut(), ticket.header).map_err(AuthError::Credentials)?;
                    Stage::Readying { call: Some(Box::new((service, request))) }
                }
                StageProjection::Readying { call } => {
                    let Some((service, _)) = call.as_deref_mut() else { return Poll::Pending };
                    let readied = ready!(service.poll_ready(context));
                    let (mut service, request) = *ready!(taken(call));
                    readied.map_err(AuthError::Service)?;
                    Stage::Passing { future: service.call(request) }
                }
            };
            stage.set(next);
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

/// Takes what a stage holds until its end. A future that is polled after its end stays pending.
fn taken<T>(slot: &mut Option<T>) -> Poll<T> {
    slot.take().map_or(Poll::Pending, Poll::Ready)
}

//! The future of one request: it waits for a ticket and sends the request. On a 401 it waits for a new ticket, makes
//! the service ready, and sends the request again. While it waits for a ticket, it holds no service that is ready, and
//! so no place in a queue that the token request may need (R32).

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response, Uri};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::attempt::{Attempt, Saved, TicketFuture};
use crate::authenticator::Ticket;
use crate::authorizer::{AuthError, Judgement, Settings, explain, resent};
use crate::error::Error;
use crate::passed::PassedKind;

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
        /// A request without the layer's token, or the last attempt: the caller gets the response as it is.
        Passing { #[pin] future: F, why: Option<Why> },
        /// The request can't be sent.
        Failing { error: Option<Error> },
        /// No usable token was at hand, or the request is to be sent straight to where a redirect led.
        Acquiring { ticket: TicketFuture, unsent: Option<Box<Unsent<S, B, R>>> },
        /// An attempt is under way. The response may start another one.
        Sending { #[pin] future: F, saved: Option<Saved<S, B>>, generation: u64, attempt: Attempt },
        /// The token was rejected. The caller gets this response if there is no new token.
        Rejecting { ticket: TicketFuture, rejected: Option<Box<Rejected<S, B, R>>> },
        /// There is a ticket, and a clone of the service is made ready (tower's contract).
        Readying { call: Option<Box<Call<S, B>>> },
    }
}

/// Why a request passed without a token, and where it went.
pub(super) struct Why {
    pub(super) kind: PassedKind,
    pub(super) to: Uri,
    pub(super) settings: Arc<Settings>,
}

/// A request that waits for a ticket, and a service that is not ready.
struct Unsent<S, B, R> {
    service: S,
    request: Request<B>,
    attempt: Attempt,
    /// What the caller gets if there is no ticket.
    response: Option<Response<R>>,
}

/// A request whose token was rejected.
struct Rejected<S, B, R> {
    response: Response<R>,
    saved: Option<Saved<S, B>>,
    attempt: Attempt,
}

/// What is sent when the service is ready.
struct Call<S, B> {
    service: S,
    request: Request<B>,
    ticket: Ticket,
    attempt: Attempt,
    /// What the response says does not matter any more.
    is_last: bool,
}

impl<S, B, R> ResponseFuture<S, B, R>
where
    S: Service<Request<B>>,
{
    #[inline]
    pub(super) fn passing(future: S::Future) -> Self {
        Self { stage: Stage::Passing { future, why: None } }
    }

    /// Passes a request without a token. If the response is a 401, it says why.
    #[inline]
    pub(super) fn passing_for(why: Option<Why>, future: S::Future) -> Self {
        Self { stage: Stage::Passing { future, why } }
    }

    pub(super) fn failing(error: Error) -> Self {
        Self { stage: Stage::Failing { error: Some(error) } }
    }

    /// `service` is one that is not ready.
    pub(super) fn acquiring(
        service: S,
        request: Request<B>,
        attempt: Attempt,
        valid_for: Option<Duration>,
    ) -> Self {
        let ticket = attempt.acquire(valid_for);
        let unsent = Some(Box::new(Unsent { service, request, attempt, response: None }));
        Self { stage: Stage::Acquiring { ticket, unsent } }
    }

    // The future is large. Inlined, and with an arm for each case, it is built in place and not moved.
    #[inline(always)]
    pub(super) fn sending(
        future: S::Future,
        saved: Option<Saved<S, B>>,
        generation: u64,
        attempt: Attempt,
    ) -> Self {
        match saved {
            None => Self { stage: Stage::Sending { future, saved: None, generation, attempt } },
            saved => Self { stage: Stage::Sending { future, saved, generation, attempt } },
        }
    }
}

impl Why {
    /// If the server wanted a token, the caller learns why there was none.
    fn explain<R>(self, response: &mut Response<R>) {
        if self.settings.is_rejection(response.status(), response.headers()) {
            response.extensions_mut().insert(self.settings.reason(self.kind, &self.to));
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
                StageProjection::Passing { future, why } => {
                    let mut response = ready!(future.poll(context)).map_err(AuthError::Service)?;
                    if let Some(why) = why.take() {
                        why.explain(&mut response);
                    }
                    return Poll::Ready(Ok(response));
                }
                StageProjection::Failing { error } => {
                    return taken(error).map(|error| Err(AuthError::Credentials(error)));
                }
                StageProjection::Acquiring { ticket, unsent } => {
                    let ticket = ready!(ticket.as_mut().poll(context));
                    let Unsent { service, request, attempt, response } = *ready!(taken(unsent));
                    match (ticket, response) {
                        (Ok(ticket), response) => {
                            // Drop the response before waiting: it may hold a connection.
                            drop(response);
                            let is_last = false;
                            Stage::Readying {
                                call: Some(Box::new(Call { service, request, ticket, attempt, is_last })),
                            }
                        }
                        (Err(error), Some(mut response)) => {
                            explain(response.extensions_mut(), error);
                            return Poll::Ready(Ok(response));
                        }
                        (Err(error), None) => return Poll::Ready(Err(AuthError::Credentials(error))),
                    }
                }
                StageProjection::Sending { future, saved, generation, attempt } => {
                    let mut response = ready!(future.poll(context)).map_err(AuthError::Service)?;
                    match attempt.judge(saved.as_ref(), &response) {
                        Judgement::Accepted => {
                            // Drop the copy now: the caller may keep this future for long.
                            *saved = None;
                            return Poll::Ready(Ok(response));
                        }
                        Judgement::Rejected => {
                            let (saved, attempt) = (saved.take(), attempt.clone());
                            let ticket = attempt.reject(*generation);
                            Stage::Rejecting {
                                ticket,
                                rejected: Some(Box::new(Rejected { response, saved, attempt })),
                            }
                        }
                        Judgement::Redirected => {
                            let mut attempt = attempt.clone();
                            let Some((service, request)) = attempt.straight(saved.take(), &mut response)
                            else {
                                return Poll::Ready(Ok(response));
                            };
                            let ticket = attempt.acquire_again(*generation);
                            let response = Some(response);
                            let unsent = Some(Box::new(Unsent { service, request, attempt, response }));
                            Stage::Acquiring { ticket, unsent }
                        }
                    }
                }
                StageProjection::Rejecting { ticket, rejected } => {
                    let ticket = ready!(ticket.as_mut().poll(context));
                    let Rejected { mut response, saved, attempt } = *ready!(taken(rejected));
                    let ticket = match ticket {
                        Ok(ticket) => ticket,
                        Err(error) => {
                            explain(response.extensions_mut(), error);
                            return Poll::Ready(Ok(response));
                        }
                    };
                    let (service, saved) = saved.unzip();
                    let Some((service, request)) = service.zip(saved.and_then(resent::<Request<B>>)) else {
                        attempt.settings.explain_sent_once(response.extensions_mut(), &attempt.applies);
                        return Poll::Ready(Ok(response));
                    };
                    // Drop the response before waiting: it may hold a connection.
                    drop(response);
                    let is_last = true;
                    Stage::Readying {
                        call: Some(Box::new(Call { service, request, ticket, attempt, is_last })),
                    }
                }
                StageProjection::Readying { call } => {
                    let Some(Call { service, .. }) = call.as_deref_mut() else { return Poll::Pending };
                    let readied = ready!(service.poll_ready(context));
                    let Call { mut service, mut request, ticket, attempt, is_last } = *ready!(taken(call));
                    readied.map_err(AuthError::Service)?;
                    let saved = if is_last { None } else { attempt.save(&service, &mut request) };
                    let is_ours = attempt.authorize(&mut request, ticket.header);
                    match is_ours.map_err(AuthError::Credentials)? && !is_last {
                        true => Self::sending(service.call(request), saved, ticket.generation, attempt).stage,
                        false => Stage::Passing { future: service.call(request), why: None },
                    }
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

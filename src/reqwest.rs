//! The reqwest adapter: [`AuthMiddleware`] for a `reqwest_middleware::ClientBuilder`.

mod straight;

use std::future::ready;
use std::sync::Arc;

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error as MiddlewareError, Middleware, Next};

use crate::authenticator::{Authenticator, Ticket};
use crate::bearer::{
    Applies, Judgement, Policy, RenewalError, ResponseHead, Target as _, authorize, has_callers_header,
};
use crate::error::Error;
use crate::origins::Origins;
use crate::passed::PassedKind;
use crate::replay::{self, REPLAY_LIMIT, Replay};
use crate::source::BoxFuture;

type MiddlewareFuture<'a> = BoxFuture<'a, reqwest_middleware::Result<Response>>;

/// A middleware that adds the bearer header and, on a 401, refreshes the token and sends the request again, once.
///
/// ```
/// # fn example() -> Result<(), reauth::Error> {
/// use reauth::{AuthMiddleware, Authenticator, Credentials};
///
/// let auth = Authenticator::new(Credentials::new("at-1")?);
/// let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
///     .with(AuthMiddleware::for_origin("https://api.example.com", auth)?)
///     .build();
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
///
/// Add it *after* a retry middleware. It is then inside, and each attempt of the retry asks for a token.
///
/// An error of this middleware is `reqwest_middleware::Error::Middleware` around a [`reauth::Error`](Error).
///
/// reqwest follows redirects below the middleware, and removes the token where the origin changes. So a 401 after a redirect
/// rejects nothing by itself. A GET, HEAD or OPTIONS without a body is sent once more, with the token, straight to where the
/// redirect led, if that is one of the origins. The response to that counts. Otherwise the caller gets the 401, with a
/// [`PassedReason`](crate::PassedReason) in its extensions.
///
/// A `timeout` of the request applies to each of its attempts, because to reqwest they are separate requests.
///
/// # Cancel safety
///
/// Dropping the future drops the request. A refresh that it started goes on.
#[derive(Clone, Debug)]
pub struct AuthMiddleware {
    policy: Policy,
    replay_limit: usize,
}

impl AuthMiddleware {
    /// A middleware that authorizes requests to these origins. All other requests pass through unchanged.
    pub fn new(origins: Origins, authenticator: Authenticator) -> Self {
        Self { policy: Policy::new(origins, authenticator), replay_limit: REPLAY_LIMIT }
    }

    /// A middleware for one origin, such as `https://api.example.com`.
    ///
    /// # Errors
    ///
    /// As [`Origins::new`].
    pub fn for_origin(origin: &str, authenticator: Authenticator) -> Result<Self, Error> {
        Ok(Self::new(Origins::new(origin)?, authenticator))
    }

    /// A middleware without an identity of its own, for servers that call an API on behalf of their users. Only requests to
    /// these origins that are marked [`WithAuthenticator`](crate::per_request::WithAuthenticator) get a token. All others
    /// pass unchanged.
    ///
    /// See [`AuthLayer::per_request`](crate::AuthLayer::per_request).
    pub fn per_request(origins: Origins) -> Self {
        Self { policy: Policy::per_request(origins), replay_limit: REPLAY_LIMIT }
    }

    /// Sets which other responses, beside a 401, reject the token that the request carried. Default: none.
    ///
    /// See [`AuthLayer::also_rejected_when`](crate::AuthLayer::also_rejected_when).
    #[must_use]
    pub fn also_rejected_when(
        mut self,
        classifier: impl Fn(&ResponseHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.policy.classifier = Some(Arc::new(classifier));
        self
    }

    /// Sets how many bytes of a streaming body (`Body::wrap_stream`, a multipart form) are kept while it is sent, so
    /// that it can be sent again after a 401. Default: [`REPLAY_LIMIT`]. With 0 nothing is kept, and a stream is sent
    /// once.
    ///
    /// A body of bytes (`Body::from`) needs no copy. It is sent again whatever its size.
    #[must_use]
    pub fn replay_limit(mut self, bytes: usize) -> Self {
        self.replay_limit = bytes;
        self
    }

    /// Sends the request. On a 401 it replaces the token and sends the request again, if the body allows it.
    ///
    /// It does what it can before it makes the future: a smaller future is cheaper to move into its box.
    fn send<'a>(
        &'a self,
        mut request: Request,
        extensions: &'a mut Extensions,
        next: Next<'a>,
        Ticket { header, generation }: Ticket,
        mut applies: Applies,
    ) -> MiddlewareFuture<'a> {
        let copy = match applies.may_replay {
            true => replay::reqwest::replay(&mut request, self.replay_limit),
            false => Replay::Never,
        };
        // A copy says where the request was sent.
        if !matches!(copy, Replay::Copy(_)) {
            applies.sent_to = request.url().mark();
        }
        match authorize(request.headers_mut(), header) {
            Ok(true) => {}
            // The response is about the caller's header, and not about the authenticator's token.
            Ok(false) => return next.run(request, extensions),
            Err(error) => return Box::pin(ready(Err(MiddlewareError::middleware(error)))),
        }
        if matches!(copy, Replay::Never) {
            let response = next.run(request, extensions);
            return Box::pin(async move {
                let mut response = response.await?;
                match self.judge(&response, &copy, &applies) {
                    Judgement::Accepted => {}
                    Judgement::Redirected => _ = self.straight_request(copy, &mut response, &applies),
                    Judgement::Rejected => {
                        if self.renew(&mut response, generation, &applies).await.is_some() {
                            self.explain_sent_once(&mut response, &applies);
                        }
                    }
                }
                Ok(response)
            });
        }
        Box::pin(async move {
            let mut response = next.clone().run(request, extensions).await?;
            match self.judge(&response, &copy, &applies) {
                Judgement::Accepted => return Ok(response),
                Judgement::Redirected => {
                    return self.send_straight(copy, extensions, next, response, generation, applies).await;
                }
                Judgement::Rejected => {}
            }
            let Some(ticket) = self.renew(&mut response, generation, &applies).await else {
                return Ok(response);
            };
            let Some(mut request) = copy.into_body() else {
                self.explain_sent_once(&mut response, &applies);
                return Ok(response);
            };
            drop(response);
            authorize(request.headers_mut(), ticket.header).map_err(MiddlewareError::middleware)?;
            next.run(request, extensions).await
        })
    }

    fn judge(&self, response: &Response, copy: &Replay<Request>, applies: &Applies) -> Judgement {
        if !self.policy.is_rejection(response.status(), response.headers()) {
            return Judgement::Accepted;
        }
        let sent_to = match copy {
            Replay::Copy(request) => request.url().mark(),
            _ => applies.sent_to,
        };
        if response.url().mark() == sent_to { Judgement::Rejected } else { Judgement::Redirected }
    }

    /// Rejects the token, and returns a ticket with the next one. If there is none, the reason goes into the response's
    /// extensions.
    async fn renew(&self, response: &mut Response, generation: u64, applies: &Applies) -> Option<Ticket> {
        let ticket = self.policy.authenticator(applies).reject_generation(generation).await;
        ticket.map_err(|error| response.extensions_mut().insert(RenewalError(error))).ok()
    }

    /// Tells the caller why the request was not sent again with the new token, if nobody has asked for that.
    fn explain_sent_once(&self, response: &mut Response, applies: &Applies) {
        if applies.may_replay {
            let reason = self.policy.report(applies, PassedKind::SentOnce, &response.url().clone());
            response.extensions_mut().insert(reason);
        }
    }

    /// Lets a request pass without a token. If the response is a 401, it says why.
    fn pass<'a>(
        &'a self,
        request: Request,
        extensions: &'a mut Extensions,
        next: Next<'a>,
    ) -> MiddlewareFuture<'a> {
        let Some(kind) = self.policy.why_passed(request.url(), request.headers(), extensions) else {
            return next.run(request, extensions);
        };
        let to = request.url().clone();
        let response = next.run(request, extensions);
        Box::pin(async move {
            let mut response = response.await?;
            if self.policy.is_rejection(response.status(), response.headers()) {
                response.extensions_mut().insert(self.policy.reason(kind, &to));
            }
            Ok(response)
        })
    }
}

/// Written by hand, because with `async_trait` a request that passes through would cost an allocation.
impl Middleware for AuthMiddleware {
    fn handle<'middleware, 'extensions, 'next, 'call>(
        &'middleware self,
        request: Request,
        extensions: &'extensions mut Extensions,
        next: Next<'next>,
    ) -> MiddlewareFuture<'call>
    where
        'middleware: 'call,
        'extensions: 'call,
        'next: 'call,
        Self: 'call,
    {
        let Some(applies) = self.policy.applies(request.url(), extensions) else {
            return self.pass(request, extensions, next);
        };
        match self.policy.authenticator(&applies).try_acquire() {
            Some(ticket) => self.send(request, extensions, next, ticket, applies),
            None if has_callers_header(request.headers()) => next.run(request, extensions),
            None => Box::pin(async move {
                let ticket = self.policy.authenticator(&applies).acquire().await;
                let ticket = ticket.map_err(MiddlewareError::middleware)?;
                self.send(request, extensions, next, ticket, applies).await
            }),
        }
    }
}

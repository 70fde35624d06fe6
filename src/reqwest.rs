//! The reqwest adapter: [`AuthMiddleware`] for a `reqwest_middleware::ClientBuilder`.

use std::future::ready;
use std::sync::Arc;

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error as MiddlewareError, Middleware, Next};

use crate::authenticator::{Authenticator, Ticket};
use crate::authorizer::{Applies, Authorizer, Request as _, Resend, ResponseHead, Sent, Settings, Url as _};
use crate::error::Error;
use crate::origins::Origins;
use crate::per_request::ResendCount;
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
    settings: Arc<Settings>,
}

impl AuthMiddleware {
    /// A middleware that authorizes requests to these origins. All other requests pass through unchanged.
    ///
    /// If the authenticator's token goes into another header than `Authorization`, each request fails as
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured): see [`AuthHeader`](crate::AuthHeader).
    pub fn new(origins: Origins, authenticator: Authenticator) -> Self {
        Self::of(Authorizer::new(origins, authenticator))
    }

    /// A middleware for one origin, such as `https://api.example.com`.
    ///
    /// # Errors
    ///
    /// As [`Origins::new`]. It is also [`Misconfigured`](crate::ErrorKind::Misconfigured) if the authenticator's token goes into
    /// another header than `Authorization`, because reqwest would send that header to another origin on a redirect: see
    /// [`AuthHeader`](crate::AuthHeader).
    pub fn for_origin(origin: &str, authenticator: Authenticator) -> Result<Self, Error> {
        Authorizer::for_origin(origin, authenticator)?.try_into()
    }

    /// A middleware without an identity of its own, for servers that call an API on behalf of their users. Only requests to
    /// these origins that are marked [`WithAuthenticator`](crate::per_request::WithAuthenticator) get a token. All others
    /// pass unchanged.
    ///
    /// See [`AuthLayer::per_request`](crate::AuthLayer::per_request).
    pub fn per_request(origins: Origins) -> Self {
        Self::of(Authorizer::per_request(origins))
    }

    /// Sets which other responses, beside a 401, reject the token that the request carried. Default: none.
    ///
    /// See [`AuthLayer::also_rejected_when`](crate::AuthLayer::also_rejected_when).
    #[must_use]
    pub fn also_rejected_when(
        self,
        classifier: impl Fn(&ResponseHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.changed(|authorizer| authorizer.also_rejected_when(classifier))
    }

    /// Sets how many bytes of a streaming body (`Body::wrap_stream`, a multipart form) are kept while it is sent, so
    /// that it can be sent again after a 401. Default: [`REPLAY_LIMIT`](crate::replay::REPLAY_LIMIT). With 0 nothing is kept,
    /// and a stream is sent once.
    ///
    /// A body of bytes (`Body::from`) needs no copy. It is sent again whatever its size.
    #[must_use]
    pub fn replay_limit(self, bytes: usize) -> Self {
        self.changed(|authorizer| authorizer.replay_limit(bytes))
    }

    /// Says that the client follows no redirects to another origin. See [`Authorizer::without_redirects`].
    #[must_use]
    pub fn without_redirects(self) -> Self {
        self.changed(Authorizer::without_redirects)
    }

    /// Sends each request only once. After a 401 the token is still replaced, and the caller gets the 401.
    ///
    /// This is as if each request were marked [`NoReplay`](crate::per_request::NoReplay), and costs less.
    #[must_use]
    pub fn never_replay(self) -> Self {
        self.changed(Authorizer::never_replay)
    }

    fn of(authorizer: Authorizer) -> Self {
        Self { settings: Arc::new(authorizer.into_settings()) }
    }

    fn changed(self, change: impl FnOnce(Authorizer) -> Authorizer) -> Self {
        Self::of(change(Authorizer::from_settings(self.settings)))
    }

    /// Sends the request. On a 401 it replaces the token and sends the request again, if the body allows it.
    // Inlined, because a request is large, and would be moved once more.
    #[inline(always)]
    fn send<'a>(
        &'a self,
        mut request: Request,
        extensions: &'a mut Extensions,
        next: Next<'a>,
        Ticket { header, generation }: Ticket,
        mut applies: Applies,
    ) -> MiddlewareFuture<'a> {
        let settings = &*self.settings;
        if !applies.may_replay {
            applies.sent_to = request.url().mark();
            match settings.authorize(&applies, request.headers_mut(), header) {
                Ok(true) => {}
                // The response is about the caller's header, and not about the authenticator's token.
                Ok(false) => return next.run(request, extensions),
                Err(error) => return Box::pin(ready(Err(MiddlewareError::middleware(error)))),
            }
            let response = next.run(request, extensions);
            return Box::pin(async move {
                let mut response = response.await?;
                if settings.is_rejection(response.status(), response.headers()) {
                    let mut sent = Sent::<Request> { saved: None, generation, applies };
                    // Nothing is sent again without a copy.
                    Box::pin(settings.after(&mut sent, &mut response)).await;
                }
                Ok(response)
            });
        }
        Box::pin(async move {
            let saved = request.save(settings);
            // A copy says where the request was sent.
            if saved.as_ref().and_then(Request::url_of).is_none() {
                applies.sent_to = request.url().mark();
            }
            let is_ours = settings.authorize(&applies, request.headers_mut(), header);
            let is_ours = is_ours.map_err(MiddlewareError::middleware)?;
            if !is_ours {
                // The response is about the caller's header, and nothing is sent again.
                drop(saved);
                return next.run(request, extensions).await;
            }
            let response = next.clone().run(request, extensions).await?;
            if !settings.is_rejection(response.status(), response.headers()) {
                return Ok(response);
            }
            let sent = Sent { saved, generation, applies };
            // In a box of its own: few requests need it, and a smaller future costs less.
            Box::pin(self.send_again(sent, response, extensions, next)).await
        })
    }

    /// What follows a rejection.
    async fn send_again(
        &self,
        mut sent: Sent<Request>,
        mut response: Response,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let settings = &*self.settings;
        while let Some(Resend { mut request, ticket, is_last }) =
            settings.after(&mut sent, &mut response).await
        {
            // It may hold a connection.
            drop(response);
            ResendCount::increment(extensions);
            sent.generation = ticket.generation;
            sent.saved = if is_last { None } else { request.save(settings) };
            sent.applies.sent_to = request.url().mark();
            let is_ours = settings.authorize(&sent.applies, request.headers_mut(), ticket.header);
            let is_ours = is_ours.map_err(MiddlewareError::middleware)?;
            response = next.clone().run(request, extensions).await?;
            if is_last || !is_ours {
                break;
            }
        }
        Ok(response)
    }

    /// Lets a request pass without a token. If the response is a 401, it says why.
    fn pass<'a>(
        &'a self,
        request: Request,
        extensions: &'a mut Extensions,
        next: Next<'a>,
    ) -> MiddlewareFuture<'a> {
        let settings = &*self.settings;
        let why = settings.why_passed(&settings.marks, request.url(), request.headers(), extensions);
        let Some(kind) = why else {
            return next.run(request, extensions);
        };
        let to = request.url().clone();
        let response = next.run(request, extensions);
        Box::pin(async move {
            let mut response = response.await?;
            if settings.is_rejection(response.status(), response.headers()) {
                response.extensions_mut().insert(settings.reason(kind, &to));
            }
            Ok(response)
        })
    }
}

/// A middleware with the settings and marks of an authorizer.
///
/// # Errors
///
/// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the token goes into another header than `Authorization`, and the
/// authorizer is not set to be [`without_redirects`](Authorizer::without_redirects).
impl TryFrom<Authorizer> for AuthMiddleware {
    type Error = Error;

    fn try_from(authorizer: Authorizer) -> Result<Self, Error> {
        authorizer.settings.check_own()?;
        Ok(Self::of(authorizer))
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
        let settings = &*self.settings;
        let Some(applies) = settings.applies(request.url(), extensions) else {
            return self.pass(request, extensions, next);
        };
        if !extensions.is_empty() {
            // It may be from an attempt of a retry outside.
            extensions.remove::<ResendCount>();
        }
        let valid_for = settings.valid_for(extensions);
        let ticket = match valid_for {
            None => settings.authenticator(&applies).try_acquire(),
            Some(_) => None,
        };
        match ticket {
            Some(ticket) => self.send(request, extensions, next, ticket, applies),
            None if settings.has_callers_header(&applies, request.headers()) => next.run(request, extensions),
            None => Box::pin(async move {
                let authenticator = settings.authenticator(&applies);
                // Before a token is fetched that can't be sent.
                settings.check(authenticator).map_err(MiddlewareError::middleware)?;
                let ticket = authenticator.acquire_for(valid_for).await;
                let ticket = ticket.map_err(MiddlewareError::middleware)?;
                self.send(request, extensions, next, ticket, applies).await
            }),
        }
    }
}

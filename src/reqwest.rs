//! The reqwest adapter: [`AuthMiddleware`] for a `reqwest_middleware::ClientBuilder`.

use std::future::ready;
use std::pin::Pin;

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next};

use crate::authenticator::Ticket;
use crate::bearer::{Applies, Bearer, RenewalError, ResponseHead};
use crate::per_request::may_replay;
use crate::replay::REPLAY_LIMIT;
use crate::replay::reqwest::RequestCopy;
use crate::{Authenticator, Error, Origins};

type Pending<'a> = Pin<Box<dyn Future<Output = reqwest_middleware::Result<Response>> + Send + 'a>>;

/// Injects the bearer header, and on a 401 refreshes and sends the request again, once.
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
/// Add it *after* a retry middleware, so that it works inside: each attempt of the retry then has a good
/// token. An error of this middleware is `reqwest_middleware::Error::Middleware` around a [`reauth::Error`](Error).
///
/// A `timeout` of the request is that of each of its two attempts, as they are two requests to reqwest.
///
/// # Cancel safety
///
/// Dropping the future drops the request; a refresh that it started goes on.
#[derive(Clone, Debug)]
pub struct AuthMiddleware {
    bearer: Bearer,
    replay_limit: usize,
}

impl AuthMiddleware {
    /// A middleware that authorizes requests to the origins in `scope`. All others pass through untouched.
    pub fn new(scope: Origins, authenticator: Authenticator) -> Self {
        Self { bearer: Bearer::new(scope, authenticator), replay_limit: REPLAY_LIMIT }
    }

    /// A middleware for one origin, such as `https://api.example.com`.
    ///
    /// # Errors
    ///
    /// As [`Origins::new`].
    pub fn for_origin(origin: &str, authenticator: Authenticator) -> Result<Self, Error> {
        Ok(Self::new(Origins::new(origin)?, authenticator))
    }

    /// What else counts as "this token is no good", beside a 401. Default: nothing else.
    #[must_use]
    pub fn also_rejected_when(
        mut self,
        classifier: impl Fn(&ResponseHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.bearer.classify(classifier);
        self
    }

    /// How many bytes of a streaming body (`Body::wrap_stream`, a multipart form) are kept while it is sent, so that it
    /// can be sent again after a 401. Default: [`REPLAY_LIMIT`]; 0 keeps nothing. Other bodies are not copied.
    #[must_use]
    pub fn replay_limit(mut self, bytes: usize) -> Self {
        self.replay_limit = bytes;
        self
    }

    /// Sends the request, and on a 401 renews the token and sends it again, if that can be.
    ///
    /// What can be done at once is done before the future is made, because a future is moved into its box.
    fn send<'a>(
        &'a self,
        mut request: Request,
        extensions: &'a mut Extensions,
        next: Next<'a>,
        Ticket { header, generation }: Ticket,
        terms: Applies,
    ) -> Pending<'a> {
        let spare = match may_replay(extensions) {
            true => RequestCopy::of(&mut request, self.replay_limit),
            false => None,
        };
        match Bearer::authorize(request.headers_mut(), header) {
            Ok(true) => {}
            // With a credential of the caller's there is nothing to judge.
            Ok(false) => return next.run(request, extensions),
            Err(error) => return Box::pin(ready(Err(failed(error)))),
        }
        if spare.is_none() {
            let response = next.run(request, extensions);
            return Box::pin(async move {
                let mut response = response.await?;
                self.renew(&mut response, generation, &terms).await;
                Ok(response)
            });
        }
        Box::pin(async move {
            let mut response = next.clone().run(request, extensions).await?;
            let Some(ticket) = self.renew(&mut response, generation, &terms).await else {
                return Ok(response);
            };
            let Some(mut request) = spare.and_then(RequestCopy::into_request) else { return Ok(response) };
            drop(response);
            Bearer::authorize(request.headers_mut(), ticket.header).map_err(failed)?;
            next.run(request, extensions).await
        })
    }

    /// The successor of a token that this answer rejects. If there is none, the answer is told why.
    async fn renew(&self, response: &mut Response, generation: u64, terms: &Applies) -> Option<Ticket> {
        let rejected = self.bearer.is_rejection(response.status(), response.headers())
            // A 401 from where a redirect led says nothing about the token (R30).
            && self.bearer.is_from(terms, |scope| scope.find_url(response.url()));
        if !rejected {
            return None;
        }
        match self.bearer.authenticator(terms).reject_generation(generation).await {
            Ok(ticket) => Some(ticket),
            Err(error) => {
                response.extensions_mut().insert(RenewalError(error));
                None
            }
        }
    }
}

/// Written out rather than with `async_trait`, so that a request that is not ours costs nothing.
impl Middleware for AuthMiddleware {
    fn handle<'middleware, 'extensions, 'next, 'call>(
        &'middleware self,
        request: Request,
        extensions: &'extensions mut Extensions,
        next: Next<'next>,
    ) -> Pending<'call>
    where
        'middleware: 'call,
        'extensions: 'call,
        'next: 'call,
        Self: 'call,
    {
        let find = |scope: &Origins| scope.find_url(request.url());
        let Some(terms) = self.bearer.terms(find, extensions) else {
            return next.run(request, extensions);
        };
        match self.bearer.authenticator(&terms).try_acquire() {
            Some(ticket) => self.send(request, extensions, next, ticket, terms),
            None if Bearer::has_own(request.headers()) => next.run(request, extensions),
            None => Box::pin(async move {
                let ticket = self.bearer.authenticator(&terms).acquire().await;
                self.send(request, extensions, next, ticket.map_err(failed)?, terms).await
            }),
        }
    }
}

fn failed(error: Error) -> reqwest_middleware::Error {
    reqwest_middleware::Error::middleware(error)
}

//! The reqwest adapter: [`AuthMiddleware`] for a `reqwest_middleware::ClientBuilder`.

use std::pin::Pin;

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next};

use crate::bearer::{Bearer, RenewalError, ResponseHead};
use crate::per_request::{may_replay, own_authenticator};
use crate::replay::REPLAY_LIMIT;
use crate::replay::reqwest::Spare;
use crate::{Authenticator, Error, Scope};

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
    pub fn new(scope: Scope, authenticator: Authenticator) -> Self {
        Self { bearer: Bearer::new(scope, authenticator), replay_limit: REPLAY_LIMIT }
    }

    /// A middleware for one origin, such as `https://api.example.com`.
    ///
    /// # Errors
    ///
    /// As [`Scope::origin`].
    pub fn for_origin(origin: &str, authenticator: Authenticator) -> Result<Self, Error> {
        Ok(Self::new(Scope::origin(origin)?, authenticator))
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

    async fn send(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
        sent_to: usize,
    ) -> reqwest_middleware::Result<Response> {
        let own = own_authenticator(extensions);
        let authenticator = self.bearer.authenticator(&own);
        let (header, generation) = match authenticator.warm_header() {
            Some(warm) => warm,
            None => {
                let held = authenticator.acquire().await.map_err(reqwest_middleware::Error::middleware)?;
                (held.credentials.bearer().clone(), held.generation)
            }
        };
        let spare = may_replay(extensions).then(|| Spare::of(&mut request, self.replay_limit)).flatten();
        Bearer::authorize(request.headers_mut(), header).map_err(reqwest_middleware::Error::middleware)?;
        let mut response = next.clone().run(request, extensions).await?;
        if !self.bearer.is_rejection(response.status(), response.headers()) {
            return Ok(response);
        }
        // A 401 from where a redirect led says nothing about the token (R30).
        if !self.bearer.is_from(sent_to, |scope| scope.find_url(response.url())) {
            return Ok(response);
        }
        let held = match authenticator.replace(generation).await {
            Ok(held) => held,
            Err(error) => {
                response.extensions_mut().insert(RenewalError(error));
                return Ok(response);
            }
        };
        let Some(mut request) = spare.and_then(Spare::into_request) else { return Ok(response) };
        drop(response);
        Bearer::authorize(request.headers_mut(), held.credentials.bearer().clone())
            .map_err(reqwest_middleware::Error::middleware)?;
        next.run(request, extensions).await
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
        let url = request.url();
        match self.bearer.applies(|scope| scope.find_url(url), extensions) {
            Some(sent_to) if !Bearer::has_own(request.headers()) => {
                Box::pin(self.send(request, extensions, next, sent_to))
            }
            _ => next.run(request, extensions),
        }
    }
}

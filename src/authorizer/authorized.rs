//! The steps of one request, for programs that can't hand over a closure: a WebSocket handshake, another HTTP crate.

use std::sync::Arc;

use http::{Extensions, HeaderMap, StatusCode};

use super::Authorizer;
use super::message::{RequestUrl, SendRequest};
use super::settings::{Applies, Client, Settings};
use crate::auth_header::replace;
use crate::error::Error;
use crate::passed::PassedReason;

/// One request that an [`Authorizer`] has authorized. It judges the response, and replaces a rejected token.
///
/// ```
/// # async fn connect(_: &http::HeaderMap) -> std::io::Result<http::Response<()>> { unimplemented!() }
/// # async fn example(auth: reauth::Authorizer) -> Result<(), Box<dyn std::error::Error>> {
/// let url: http::Uri = "https://api.example.com/socket".parse()?;
/// let mut headers = http::HeaderMap::new();
/// let mut authorized = auth.authorize(&url, &mut headers).await?;
/// let mut response = connect(&headers).await?;
/// if authorized.is_rejected(response.status(), response.headers()) {
///     authorized.renew(&mut headers).await?;
///     response = connect(&headers).await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// What is not done here: the copy of a body for the second attempt, and the straight request after a redirect. Of a response
/// that came after a redirect, use [`is_rejected_at`](Self::is_rejected_at).
#[derive(Clone, Debug)]
#[must_use = "it judges the response"]
pub struct Authorized {
    settings: Arc<Settings>,
    /// `Err` if the request carries no token of the authenticator. The reason is there if nobody has asked for that.
    token: Result<Token, Option<PassedReason>>,
}

/// The token that a request carries.
#[derive(Clone)]
struct Token {
    applies: Applies,
    generation: u64,
    /// It replaced one that was rejected, so it is the last one for this request (R26).
    is_last: bool,
}

impl Authorizer {
    /// As [`authorize`](Self::authorize), for a request of a type that [`send`](Self::send) takes, too. Marks in the extensions of an
    /// `http::Request` count.
    ///
    /// # Errors
    ///
    /// As [`authorize`](Self::authorize).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends this caller's wait and nothing else.
    pub async fn authorize_request<Q: SendRequest>(&self, request: &mut Q) -> Result<Authorized, Error> {
        let url = request.url().clone();
        let marks = self.marks.with(request.extensions());
        let marked = Self { settings: self.settings.clone(), marks };
        marked.authorize(&url, request.headers_mut()).await
    }

    /// Adds the header for a request to `url`, for programs that send by themselves: the first of three steps. The other two
    /// are methods of [`Authorized`].
    ///
    /// The header is not added if the request goes to another origin, or `headers` has it already. A URL of another type is
    /// parsed: `url.as_str().parse::<http::Uri>()`.
    ///
    /// # Errors
    ///
    /// The reason why there is no token.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends this caller's wait and nothing else.
    pub async fn authorize(
        &self,
        url: &impl RequestUrl,
        headers: &mut HeaderMap,
    ) -> Result<Authorized, Error> {
        let settings = self.settings.clone();
        let none = Extensions::new();
        let Some(mut applies) = settings.applies_with(&self.marks, url, &none) else {
            let kind = settings.why_passed(&self.marks, url, headers, &none);
            let why = kind.map(|kind| settings.reason(kind, url));
            return Ok(Authorized { settings, token: Err(why) });
        };
        if settings.has_callers_header(&applies, headers) {
            return Ok(Authorized { settings, token: Err(None) });
        }
        let authenticator = settings.authenticator(&applies);
        // Before a token is fetched that can't be sent.
        settings.check(authenticator, Client::Any)?;
        let ticket = authenticator.acquire_for(self.marks.valid_for).await?;
        settings.authorize(&applies, headers, ticket.header, Client::Any)?;
        applies.sent_to = url.mark_of_any_type();
        Ok(Authorized {
            settings,
            token: Ok(Token { applies, generation: ticket.generation, is_last: false }),
        })
    }
}

impl Authorized {
    /// Returns whether a response rejects the token that the request carried (a 401, or what
    /// [`also_rejected_when`](Authorizer::also_rejected_when) says), so that [`renew`](Self::renew) may help.
    ///
    /// It is `false` if the request carried no token of the authenticator, and after a `renew`: a request is sent again once.
    pub fn is_rejected(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        self.token.as_ref().is_ok_and(|token| !token.is_last) && self.settings.is_rejection(status, headers)
    }

    /// The same for a response that came from `url`, of a client that follows redirects. A 401 after a redirect rejects nothing,
    /// because the client may have removed the token. Authorize a request to that URL instead.
    pub fn is_rejected_at(&self, url: &impl RequestUrl, status: StatusCode, headers: &HeaderMap) -> bool {
        self.is_rejected(status, headers)
            && self
                .token
                .as_ref()
                .is_ok_and(|token| token.applies.is_path || token.applies.sent_to == url.mark_of_any_type())
    }

    /// Reports that the token was rejected, waits for the next one, and puts it into `headers`. Then send the request again.
    ///
    /// Call it also if the token is rejected in a way that [`is_rejected`](Self::is_rejected) can't see, such as an error in the body
    /// of a 200.
    ///
    /// If the authorizer is marked [`NoReplay`](crate::per_request::NoReplay), the token is replaced all the same.
    ///
    /// # Errors
    ///
    /// The reason why there is no newer token. It is [`Misconfigured`](crate::ErrorKind::Misconfigured) if the request carried
    /// none, and after this has returned a newer token.
    ///
    /// # Cancel safety
    ///
    /// Once this future has been polled, the rejection stands and the refresh goes on, even if the caller does not wait.
    pub async fn renew(&mut self, headers: &mut HeaderMap) -> Result<(), Error> {
        let Some(token) = self.token.as_mut().ok().filter(|token| !token.is_last) else {
            return Err(Error::misconfigured(
                "the request carries no token that could be replaced; a token is replaced once for each request",
            ));
        };
        let authenticator = self.settings.authenticator(&token.applies);
        let ticket = authenticator.reject_generation(token.generation).await?;
        replace(headers, authenticator.header(), ticket.header)?;
        token.generation = ticket.generation;
        token.is_last = true;
        Ok(())
    }

    /// Returns why the request got no token, if nobody has asked for that: it goes to another origin, for instance.
    pub fn passed(&self) -> Option<&PassedReason> {
        self.token.as_ref().err()?.as_ref()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("generation", &self.generation).finish_non_exhaustive()
    }
}

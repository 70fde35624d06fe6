//! Sends requests through any client, by a closure.

use std::time::Duration;

use http::Extensions;

use super::Authorizer;
use super::error::AuthError;
use super::message::{Request, Response, ResponseTo, SendRequest, Url as _};
use super::renewal::{Resend, Sent};
use super::settings::Applies;
use crate::authenticator::Ticket;
use crate::error::Error;
use crate::passed::PassedKind;
use crate::per_request::ValidFor;

/// What is known about a request when it is sent. The copy for another attempt is kept apart, because it is large.
enum Begun<U> {
    /// It carries the token of this generation.
    Authorized(u64, Applies),
    /// It carries none of ours. The reason is there if nobody has asked for that.
    Passing(Option<Box<(PassedKind, U)>>),
}

impl Authorizer {
    /// Sends a request through a client of yours, with the token. On a 401 it replaces the token and sends the request again,
    /// once, if the body allows it.
    ///
    /// It takes an `http::Request<B>` and a closure that returns an `http::Response`, or a `reqwest::Request` and a closure that
    /// returns a `reqwest::Response`. The closure is called for each attempt. The rules are those of
    /// [`AuthLayer`](crate::AuthLayer) and `AuthMiddleware`. The [marks](crate::per_request) in the extensions of an
    /// `http::Request` count. For a `reqwest::Request`, which hides its extensions, use [`marked`](Self::marked).
    ///
    /// ```
    /// # #[cfg(feature = "reqwest")]
    /// # async fn example(request: reqwest::Request) -> Result<(), Box<dyn std::error::Error>> {
    /// use reauth::{Authenticator, Authorizer, Credentials};
    ///
    /// let client = reqwest::Client::new();
    /// let auth = Authenticator::new(Credentials::new("at-1")?);
    /// let auth = Authorizer::for_origin("https://api.example.com", auth)?;
    /// let response = auth.send(request, |request| client.execute(request)).await?;
    /// # let _ = response;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// If the closure has more than one expression, write `async |request| …`.
    ///
    /// # Errors
    ///
    /// [`AuthError::Credentials`] if there is no token to send; then the request was not sent. [`AuthError::Service`] is the error
    /// of the closure. [`AuthError::flatten`] turns both into an error type of your own.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the request. A refresh that it started goes on.
    #[allow(clippy::manual_async_fn, reason = "an async function keeps room for its arguments twice")]
    pub fn send<Q, R, E, F>(
        &self,
        mut request: Q,
        mut send: impl FnMut(Q) -> F,
    ) -> impl Future<Output = Result<R, AuthError<E>>>
    where
        Q: SendRequest,
        R: ResponseTo<Q>,
        F: Future<Output = Result<R, E>>,
    {
        async move {
            // Filled where it lies, because it is large.
            let mut saved = None;
            let begun = match self.begin::<Q, R>(&mut request, &mut saved) {
                Ok(begun) => begun,
                // In a box, because few requests need it.
                Err(applies) => Box::pin(self.wait::<Q, R>(&mut request, &mut saved, applies)).await,
            };
            let begun = begun.map_err(AuthError::Credentials)?;
            let response = send(request).await.map_err(AuthError::Service)?;
            let response = match self.accept(response) {
                Ok(response) => return Ok(response),
                Err(rejected) => rejected,
            };
            match begun {
                Begun::Authorized(generation, applies) => {
                    let sent = Sent { saved, generation, applies };
                    Box::pin(self.send_again(sent, response, send)).await
                }
                Begun::Passing(why) => Ok(self.explain(response, why)),
            }
        }
    }

    /// Adds the token, if there is one without waiting. Otherwise it returns what applies to the request.
    fn begin<Q: Request, R: Response<Q>>(
        &self,
        request: &mut Q,
        saved: &mut Option<Q::Saved>,
    ) -> Result<Result<Begun<Q::Url>, Error>, Applies> {
        let Some(applies) = self.applies(request) else {
            return Ok(Ok(Begun::Passing(self.why_passed(request))));
        };
        let ticket = match self.valid_for(request) {
            None => self.settings.authenticator(&applies).try_acquire(),
            Some(_) => None,
        };
        match ticket {
            Some(ticket) => Ok(self.add_token::<Q, R>(request, saved, applies, ticket)),
            None if self.settings.has_callers_header(&applies, request.headers()) => {
                Ok(Ok(Begun::Passing(None)))
            }
            None => Err(applies),
        }
    }

    /// Waits for a token, and adds it.
    async fn wait<Q: Request, R: Response<Q>>(
        &self,
        request: &mut Q,
        saved: &mut Option<Q::Saved>,
        applies: Applies,
    ) -> Result<Begun<Q::Url>, Error> {
        let authenticator = self.settings.authenticator(&applies);
        // Before a token is fetched that can't be sent.
        self.settings.check(authenticator)?;
        let ticket = authenticator.acquire_for(self.valid_for(request)).await?;
        self.add_token::<Q, R>(request, saved, applies, ticket)
    }

    /// Saves what another attempt needs, and adds the token.
    #[inline]
    fn add_token<Q: Request, R: Response<Q>>(
        &self,
        request: &mut Q,
        saved: &mut Option<Q::Saved>,
        mut applies: Applies,
        Ticket { header, generation }: Ticket,
    ) -> Result<Begun<Q::Url>, Error> {
        self.save::<Q, R>(request, saved, &mut applies);
        match self.settings.authorize(&applies, request.headers_mut(), header)? {
            true => Ok(Begun::Authorized(generation, applies)),
            // The response is about the caller's header, and not about the authenticator's token. Nothing is sent again.
            false => {
                *saved = None;
                Ok(Begun::Passing(None))
            }
        }
    }

    /// Returns the response as an error if it is a rejection. It is moved through here, so that the future has no room for it.
    #[inline]
    fn accept<Q: Request, R: Response<Q>>(&self, response: R) -> Result<R, R> {
        match self.settings.is_rejection(response.status(), response.headers()) {
            true => Err(response),
            false => Ok(response),
        }
    }

    /// Says in a rejection why its request carried no token.
    fn explain<Q: Request, R: Response<Q>>(
        &self,
        mut response: R,
        why: Option<Box<(PassedKind, Q::Url)>>,
    ) -> R {
        if let Some(why) = why {
            response.extensions_mut().insert(self.settings.reason(why.0, &why.1));
        }
        response
    }

    /// What follows a rejection.
    async fn send_again<Q, R, E, F>(
        &self,
        mut sent: Sent<Q>,
        mut response: R,
        mut send: impl FnMut(Q) -> F,
    ) -> Result<R, AuthError<E>>
    where
        Q: SendRequest,
        R: ResponseTo<Q>,
        F: Future<Output = Result<R, E>>,
    {
        while let Some(Resend { mut request, ticket, is_last }) =
            self.settings.after(&mut sent, &mut response).await
        {
            // It may hold a connection.
            drop(response);
            sent.generation = ticket.generation;
            sent.saved = None;
            if !is_last {
                self.save::<Q, R>(&mut request, &mut sent.saved, &mut sent.applies);
            }
            let is_ours = self
                .settings
                .authorize(&sent.applies, request.headers_mut(), ticket.header)
                .map_err(AuthError::Credentials)?;
            response = send(request).await.map_err(AuthError::Service)?;
            if is_last || !is_ours {
                break;
            }
        }
        Ok(response)
    }

    /// Why a request passes without a token. It is reported at once.
    #[cold]
    fn why_passed<Q: Request>(&self, request: &Q) -> Option<Box<(PassedKind, Q::Url)>> {
        let none = Extensions::new();
        let extensions = request.extensions().unwrap_or(&none);
        let kind = self.settings.why_passed(&self.marks, request.url(), request.headers(), extensions)?;
        Some(Box::new((kind, request.url().clone())))
    }

    fn applies<Q: Request>(&self, request: &Q) -> Option<Applies> {
        match request.extensions() {
            Some(extensions) => self.settings.applies_with(&self.marks, request.url(), extensions),
            None => self.settings.applies_with(&self.marks, request.url(), &Extensions::new()),
        }
    }

    fn valid_for<Q: Request>(&self, request: &Q) -> Option<Duration> {
        let mark = request.extensions().and_then(|extensions| extensions.get::<ValidFor>());
        mark.map(|least| least.0).or(self.marks.valid_for)
    }

    /// Saves what another attempt needs, and where this one is sent.
    #[inline]
    fn save<Q: Request, R: Response<Q>>(
        &self,
        request: &mut Q,
        saved: &mut Option<Q::Saved>,
        applies: &mut Applies,
    ) {
        if applies.may_replay {
            *saved = request.save(&self.settings);
        }
        if R::has_url(&self.settings) && saved.as_ref().and_then(Q::url_of).is_none() {
            applies.sent_to = request.url().mark();
        }
    }
}

//! Sends requests through any client, by a closure.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Extensions;

use super::Authorizer;
use super::error::AuthError;
use super::message::{Request, Response, ResponseTo, SendRequest, Url as _};
use super::renewal::{Resend, Sent};
use super::settings::{Applies, Client};
use crate::authenticator::Ticket;
use crate::error::Error;
use crate::passed::PassedKind;
use crate::per_request::ValidFor;

/// What is known about a request when it is sent.
enum Begun<Q: Request> {
    /// It carries the token.
    Authorized(Sent<Q>),
    /// It carries none of ours. The reason is there if nobody has asked for that.
    Passing(Option<Box<(PassedKind, Q::Url)>>),
}

/// What is known at once, or after a wait. As one future, it takes less room than as two.
enum Begin<T, W> {
    Now(Ready<T>),
    Later(Pin<Box<W>>),
}

impl<T, W: Future<Output = T>> Future for Begin<T, W> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match self.get_mut() {
            Self::Now(ready) => Pin::new(ready).poll(context),
            Self::Later(wait) => wait.as_mut().poll(context),
        }
    }
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
            let begun = self.begin::<Q, R>(&mut request).await.map_err(AuthError::Credentials)?;
            let response = send(request).await.map_err(AuthError::Service)?;
            match self.judge(begun, response, send) {
                Ok(response) => Ok(response),
                Err(again) => again.await,
            }
        }
    }

    /// Adds the token. If it has to be waited for, that is in a box, because few requests need it.
    fn begin<Q: Request, R: Response<Q>>(
        &self,
        request: &mut Q,
    ) -> Begin<Result<Begun<Q>, Error>, impl Future<Output = Result<Begun<Q>, Error>>> {
        match self.begin_now::<Q, R>(request) {
            Ok(begun) => Begin::Now(ready(begun)),
            Err(applies) => Begin::Later(Box::pin(self.wait::<Q, R>(request, applies))),
        }
    }

    /// Adds the token, if there is one without waiting. Otherwise it returns what applies to the request.
    fn begin_now<Q: Request, R: Response<Q>>(
        &self,
        request: &mut Q,
    ) -> Result<Result<Begun<Q>, Error>, Applies> {
        let Some(applies) = self.applies(request) else {
            return Ok(Ok(Begun::Passing(self.why_passed(request))));
        };
        let ticket = match self.valid_for(request) {
            None => self.settings.authenticator(&applies).try_acquire(),
            Some(_) => None,
        };
        match ticket {
            Some(ticket) => Ok(self.add_token::<Q, R>(request, applies, ticket)),
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
        applies: Applies,
    ) -> Result<Begun<Q>, Error> {
        let authenticator = self.settings.authenticator(&applies);
        // Before a token is fetched that can't be sent.
        self.settings.check(authenticator, Client::Any)?;
        let ticket = authenticator.acquire_for(self.valid_for(request)).await?;
        self.add_token::<Q, R>(request, applies, ticket)
    }

    /// Saves what another attempt needs, and adds the token.
    fn add_token<Q: Request, R: Response<Q>>(
        &self,
        request: &mut Q,
        mut applies: Applies,
        Ticket { header, generation }: Ticket,
    ) -> Result<Begun<Q>, Error> {
        let saved = self.save::<Q, R>(request, &mut applies);
        match self.settings.authorize(&applies, request.headers_mut(), header, Client::Any)? {
            true => Ok(Begun::Authorized(Sent { saved, generation, applies })),
            // The response is about the caller's header, and not about the authenticator's token.
            false => Ok(Begun::Passing(None)),
        }
    }

    /// Returns the response, or what follows it. The response is moved through here, so that the future has no room for it.
    fn judge<Q, R, E, F>(
        &self,
        begun: Begun<Q>,
        mut response: R,
        send: impl FnMut(Q) -> F,
    ) -> Result<R, impl Future<Output = Result<R, AuthError<E>>>>
    where
        Q: SendRequest,
        R: ResponseTo<Q>,
        F: Future<Output = Result<R, E>>,
    {
        if !self.settings.is_rejection(response.status(), response.headers()) {
            return Ok(response);
        }
        match begun {
            Begun::Authorized(sent) => return Err(Box::pin(self.send_again(sent, response, send))),
            Begun::Passing(Some(why)) => {
                response.extensions_mut().insert(self.settings.reason(why.0, &why.1));
            }
            Begun::Passing(None) => {}
        }
        Ok(response)
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
            sent.saved = if is_last { None } else { self.save::<Q, R>(&mut request, &mut sent.applies) };
            let is_ours = self
                .settings
                .authorize(&sent.applies, request.headers_mut(), ticket.header, Client::Any)
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
    fn save<Q: Request, R: Response<Q>>(&self, request: &mut Q, applies: &mut Applies) -> Option<Q::Saved> {
        let saved = applies.may_replay.then(|| request.save(&self.settings)).flatten();
        if R::has_url(&self.settings) && saved.as_ref().and_then(Q::url_of).is_none() {
            applies.sent_to = request.url().mark();
        }
        saved
    }
}

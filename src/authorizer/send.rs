//! Sends requests through any client, by a closure.

use http::Extensions;

use super::Authorizer;
use super::error::AuthError;
use super::message::{Request, ResponseTo, SendRequest, Url as _};
use super::renewal::{Resend, Sent};
use super::settings::{Applies, Client};
use crate::authenticator::Ticket;
use crate::error::Error;

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
    pub async fn send<Q, R, E, F>(
        &self,
        mut request: Q,
        mut send: impl FnMut(Q) -> F,
    ) -> Result<R, AuthError<E>>
    where
        Q: SendRequest,
        R: ResponseTo<Q>,
        F: Future<Output = Result<R, E>>,
    {
        let Some(mut applies) = self.applies(&request) else { return self.pass(request, send).await };
        let settings = &*self.settings;
        let ticket = match self.ticket(&request, &applies) {
            Some(ticket) => ticket,
            None if settings.has_callers_header(&applies, request.headers()) => {
                return send(request).await.map_err(AuthError::Service);
            }
            None => Box::pin(self.acquire(self.valid_for(&request), &applies))
                .await
                .map_err(AuthError::Credentials)?,
        };
        let saved = self.save::<Q, R>(&mut request, &mut applies);
        if !self.authorize_request(&mut request, &applies, ticket.header)? {
            // The response is about the caller's header, and not about the authenticator's token.
            return send(request).await.map_err(AuthError::Service);
        }
        let response = send(request).await.map_err(AuthError::Service)?;
        if !settings.is_rejection(response.status(), response.headers()) {
            return Ok(response);
        }
        let sent = Sent { saved, generation: ticket.generation, applies };
        // In a box, because few requests need it.
        Box::pin(self.send_again(sent, response, send)).await
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
            let is_ours = self.authorize_request(&mut request, &sent.applies, ticket.header)?;
            response = send(request).await.map_err(AuthError::Service)?;
            if is_last || !is_ours {
                break;
            }
        }
        Ok(response)
    }

    /// Lets a request pass without a token. If the response is a 401, it says why.
    async fn pass<Q, R, E, F>(&self, request: Q, mut send: impl FnMut(Q) -> F) -> Result<R, AuthError<E>>
    where
        Q: SendRequest,
        R: ResponseTo<Q>,
        F: Future<Output = Result<R, E>>,
    {
        let none = Extensions::new();
        let extensions = request.extensions().unwrap_or(&none);
        let why = self.settings.why_passed(&self.marks, request.url(), request.headers(), extensions);
        let to = why.map(|_| request.url().clone());
        let mut response = send(request).await.map_err(AuthError::Service)?;
        if let Some((kind, to)) = why.zip(to) {
            if self.settings.is_rejection(response.status(), response.headers()) {
                response.extensions_mut().insert(self.settings.reason(kind, &to));
            }
        }
        Ok(response)
    }

    fn applies<Q: Request>(&self, request: &Q) -> Option<Applies> {
        match request.extensions() {
            Some(extensions) => self.settings.applies_with(&self.marks, request.url(), extensions),
            None => self.settings.applies_with(&self.marks, request.url(), &Extensions::new()),
        }
    }

    fn valid_for<Q: Request>(&self, request: &Q) -> Option<std::time::Duration> {
        let mark =
            request.extensions().and_then(|extensions| extensions.get::<crate::per_request::ValidFor>());
        mark.map(|least| least.0).or(self.marks.valid_for)
    }

    /// A ticket, if there is one without waiting.
    fn ticket<Q: Request>(&self, request: &Q, applies: &Applies) -> Option<Ticket> {
        match self.valid_for(request) {
            None => self.settings.authenticator(applies).try_acquire(),
            Some(_) => None,
        }
    }

    async fn acquire(
        &self,
        valid_for: Option<std::time::Duration>,
        applies: &Applies,
    ) -> Result<Ticket, Error> {
        self.settings.authenticator(applies).acquire_for(valid_for).await
    }

    /// Saves what another attempt needs, and where this one is sent.
    fn save<Q: Request, R: super::message::Response<Q>>(
        &self,
        request: &mut Q,
        applies: &mut Applies,
    ) -> Option<Q::Saved> {
        let saved = applies.may_replay.then(|| request.save(&self.settings)).flatten();
        if R::has_url(&self.settings) && saved.as_ref().and_then(Q::url_of).is_none() {
            applies.sent_to = request.url().mark();
        }
        saved
    }

    fn authorize_request<Q: Request, E>(
        &self,
        request: &mut Q,
        applies: &Applies,
        header: http::HeaderValue,
    ) -> Result<bool, AuthError<E>> {
        self.settings
            .authorize(applies, request.headers_mut(), header, Client::Any)
            .map_err(AuthError::Credentials)
    }
}

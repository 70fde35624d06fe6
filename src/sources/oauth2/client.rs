//! What the grants have in common: one client of a provider, and what it sends.

use std::fmt;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Response};
use secrecy::{ExposeSecret, SecretString};

use crate::token_endpoint::{Form, Purpose, Redactor, parse, revoked};
use crate::{ClientAuth, Credentials, Error, TokenEndpoint};

/// What every grant has: where to ask, as whom, and for what.
#[derive(Clone)]
pub(super) struct Client {
    endpoint: TokenEndpoint,
    revocation: Option<TokenEndpoint>,
    auth: ClientAuth,
    pub(super) scope: Option<String>,
    pub(super) scope_on_refresh: bool,
    pub(super) extra: Vec<(String, SecretString)>,
}

impl Client {
    pub(super) fn new(endpoint: TokenEndpoint, auth: ClientAuth) -> Result<Self, Error> {
        Ok(Self {
            endpoint: endpoint.resolved()?,
            revocation: None,
            auth,
            scope: None,
            scope_on_refresh: false,
            extra: Vec::new(),
        })
    }

    pub(super) async fn login(&self, mut form: Form, secrets: &[Option<&str>]) -> Result<Credentials, Error> {
        if let Some(scope) = &self.scope {
            form.field("scope", scope);
        }
        self.ask(form, Purpose::Login, secrets).await
    }

    /// RFC 6749 section 6.
    pub(super) async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        let Some(refresh_token) = held.refresh_token() else {
            return Err(Error::unsupported("there is no refresh token: log in again"));
        };
        let mut form = Form::of_grant("refresh_token");
        form.field("refresh_token", refresh_token);
        if let Some(scope) = self.scope.as_ref().filter(|_| self.scope_on_refresh) {
            form.field("scope", scope);
        }
        self.ask(form, Purpose::Refresh, &[Some(refresh_token), Some(held.access_token())]).await
    }

    pub(super) fn revoke_at(&mut self, endpoint: TokenEndpoint) {
        self.revocation = Some(endpoint.or_transport_of(&self.endpoint));
    }

    /// RFC 7009 section 2.1. With a refresh token the server ends the access tokens of the same grant.
    pub(super) async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        let Some(endpoint) = &self.revocation else { return Ok(()) };
        let (token, hint) = match held.refresh_token() {
            Some(refresh_token) => (refresh_token, "refresh_token"),
            None => (held.access_token(), "access_token"),
        };
        let mut form = Form::new();
        form.field("token", token).field("token_type_hint", hint);
        self.send(endpoint, form, vec![Some(token), Some(held.access_token())], revoked).await
    }

    async fn ask(
        &self,
        mut form: Form,
        asked: Purpose,
        secrets: &[Option<&str>],
    ) -> Result<Credentials, Error> {
        let mut secrets = secrets.to_vec();
        for (name, value) in &self.extra {
            form.field(name, value.expose_secret());
            secrets.push(Some(value.expose_secret()));
        }
        let read = |answer: &_, redactor: &Redactor<'_>| parse(answer, asked, redactor);
        self.send(&self.endpoint, form, secrets, read).await
    }

    /// Sends a form with the client's proof of identity, and reads the answer.
    async fn send<T>(
        &self,
        endpoint: &TokenEndpoint,
        mut form: Form,
        mut secrets: Vec<Option<&str>>,
        read: impl FnOnce(&Response<Bytes>, &Redactor<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut headers = HeaderMap::new();
        self.auth.apply(&mut headers, &mut form)?;
        let proof = headers.get(AUTHORIZATION).cloned();
        let answer = endpoint.post(Form::CONTENT_TYPE, headers, form.into_body()).await?;
        secrets.push(proof.as_ref().and_then(|proof| proof.to_str().ok()?.strip_prefix("Basic ")));
        secrets.push(self.auth.secret());
        read(&answer, &Redactor::without(&secrets))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.endpoint)
            .field("revocation", &self.revocation)
            .field("auth", &self.auth)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

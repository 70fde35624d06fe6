//! What the grants have in common: one client of a provider, and what it sends.

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};

use crate::token_endpoint::{Asked, Description, Form, parse};
use crate::{ClientAuth, Credentials, Error, TokenEndpoint};

/// What every grant has: where to ask, as whom, and for what.
#[derive(Clone)]
pub(super) struct Client {
    endpoint: TokenEndpoint,
    auth: ClientAuth,
    pub(super) scope: Option<String>,
    pub(super) scope_on_refresh: bool,
    pub(super) extra: Vec<(String, SecretString)>,
}

impl Client {
    pub(super) fn new(endpoint: TokenEndpoint, auth: ClientAuth) -> Result<Self, Error> {
        Ok(Self {
            endpoint: endpoint.resolved()?,
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
        self.ask(form, Asked::Login, secrets).await
    }

    /// RFC 6749 section 6.
    pub(super) async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        let Some(refresh_token) = held.refresh_token() else {
            return Err(Error::unsupported("there is no refresh token: log in again"));
        };
        let mut form = Form::new("refresh_token");
        form.field("refresh_token", refresh_token);
        if let Some(scope) = self.scope.as_ref().filter(|_| self.scope_on_refresh) {
            form.field("scope", scope);
        }
        self.ask(form, Asked::Refresh, &[Some(refresh_token), Some(held.access_token())]).await
    }

    async fn ask(
        &self,
        mut form: Form,
        asked: Asked,
        secrets: &[Option<&str>],
    ) -> Result<Credentials, Error> {
        for (name, value) in &self.extra {
            form.field(name, value.expose_secret());
        }
        let mut headers = HeaderMap::new();
        self.auth.apply(&mut headers, &mut form)?;
        let proof = headers.get(AUTHORIZATION).cloned();
        let answer = self.endpoint.post(Form::CONTENT_TYPE, headers, form.into_body()).await?;
        let mut secrets = secrets.to_vec();
        secrets.push(proof.as_ref().and_then(|proof| proof.to_str().ok()?.strip_prefix("Basic ")));
        secrets.push(self.auth.secret());
        secrets.extend(self.extra.iter().map(|(_, value)| Some(value.expose_secret())));
        parse(&answer, asked, &Description::without(&secrets))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.endpoint)
            .field("auth", &self.auth)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

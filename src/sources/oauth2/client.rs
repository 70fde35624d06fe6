//! What the grants have in common: a client of a provider, and its requests.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Response};
use secrecy::{ExposeSecret, SecretString};

use crate::credentials::Credentials;
use crate::error::Error;
use crate::token_endpoint::{
    ClientAuth, Form, Purpose, Redactor, ResolvedEndpoint, TokenEndpoint, read_revocation, read_tokens,
};

/// The client that a grant is given to: its identity, where it asks, and for what.
#[derive(Clone, Debug)]
pub(in crate::sources) struct GrantClient {
    endpoint: ResolvedEndpoint,
    revocation: Option<ResolvedEndpoint>,
    auth: ClientAuth,
    pub(in crate::sources) scope: Option<String>,
    pub(in crate::sources) scope_on_refresh: bool,
    pub(in crate::sources) extra: Vec<(String, SecretString)>,
}

impl GrantClient {
    pub(super) fn new(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        auth: ClientAuth,
    ) -> Result<Self, Error> {
        Ok(Self {
            endpoint: ResolvedEndpoint::new(endpoint)?,
            revocation: None,
            auth,
            scope: None,
            scope_on_refresh: false,
            extra: Vec::new(),
        })
    }

    pub(in crate::sources) fn revoke_at(&mut self, endpoint: TokenEndpoint) {
        self.revocation = Some(self.endpoint.beside(endpoint));
    }

    pub(super) async fn login(&self, mut form: Form, secrets: &[&str]) -> Result<Credentials, Error> {
        if let Some(scope) = &self.scope {
            form.field("scope", scope);
        }
        self.request(form, Purpose::Login, secrets).await
    }

    /// RFC 6749 section 6.
    pub(in crate::sources) async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        let Some(refresh_token) = held.refresh_token() else {
            return Err(Error::unsupported("there is no refresh token; log in again"));
        };
        let mut form = Form::of_grant("refresh_token");
        form.field("refresh_token", refresh_token);
        if let Some(scope) = self.scope.as_ref().filter(|_| self.scope_on_refresh) {
            form.field("scope", scope);
        }
        self.request(form, Purpose::Refresh, &[refresh_token, held.access_token()]).await
    }

    /// RFC 7009 section 2.1. With the refresh token, the server revokes the access tokens of the same grant too.
    pub(in crate::sources) async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        let Some(endpoint) = &self.revocation else { return Ok(()) };
        let (token, hint) = match held.refresh_token() {
            Some(refresh_token) => (refresh_token, "refresh_token"),
            None => (held.access_token(), "access_token"),
        };
        let mut form = Form::default();
        form.field("token", token).field("token_type_hint", hint);
        self.send(endpoint, form, &[token, held.access_token()], read_revocation).await
    }

    /// Requests tokens. `secrets` are those in the form.
    async fn request(
        &self,
        mut form: Form,
        purpose: Purpose,
        secrets: &[&str],
    ) -> Result<Credentials, Error> {
        let mut secrets = secrets.to_vec();
        for (name, value) in &self.extra {
            form.field(name, value.expose_secret());
            secrets.push(value.expose_secret());
        }
        self.send(&self.endpoint, form, &secrets, |response, redactor| {
            read_tokens(response, purpose, redactor)
        })
        .await
    }

    /// Sends a form with the proof of the client's identity, and reads the response.
    async fn send<T>(
        &self,
        endpoint: &ResolvedEndpoint,
        mut form: Form,
        secrets: &[&str],
        read: impl FnOnce(&Response<Bytes>, &Redactor<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut headers = HeaderMap::new();
        self.auth.apply(&mut headers, &mut form)?;
        let proof = headers.get(AUTHORIZATION).cloned();
        let response = endpoint.post_form(headers, form).await?;
        let basic = proof.as_ref().and_then(|proof| proof.to_str().ok()?.strip_prefix("Basic "));
        let secrets: Vec<_> = secrets.iter().copied().chain(basic).chain(self.auth.secret()).collect();
        read(&response, &Redactor::new(&secrets))
    }
}

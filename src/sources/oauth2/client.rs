//! What the grants have in common: a client of a provider, and its requests.

use bytes::Bytes;
use http::Response;
use secrecy::{ExposeSecret, SecretString};

use crate::credentials::Credentials;
use crate::error::Error;
use crate::source::CredentialSource;
use crate::sources::nothing_stored;
use crate::token_endpoint::{
    ClientAuth, Form, Purpose, ResolvedEndpoint, TokenEndpoint, non_empty, read_revocation, read_tokens,
};

/// The client that a grant is given to: its identity, where it asks, and for what.
#[derive(Clone, Debug)]
pub(in crate::sources) struct GrantClient {
    endpoint: ResolvedEndpoint,
    revocation: Option<ResolvedEndpoint>,
    auth: ClientAuth,
    pub(super) login: Login,
    pub(in crate::sources) scope: Option<String>,
    pub(in crate::sources) scope_on_refresh: bool,
    extra: Vec<(String, SecretString)>,
}

/// Who logs in.
#[derive(Clone, Debug)]
pub(super) enum Login {
    /// The client itself.
    Client,
    /// A user with a password.
    User(String, SecretString),
    /// A user who logs in elsewhere, with the credentials from there.
    Elsewhere(Option<Credentials>),
}

/// The fields of all requests.
const RESERVED: &[&str] = &[
    "grant_type",
    "client_id",
    "client_secret",
    "username",
    "password",
    "refresh_token",
    "scope",
    "token",
    "token_type_hint",
];

impl GrantClient {
    pub(super) fn new(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        auth: ClientAuth,
        login: Login,
    ) -> Result<Self, Error> {
        Ok(Self {
            endpoint: ResolvedEndpoint::new(endpoint)?,
            revocation: None,
            auth,
            login,
            scope: None,
            scope_on_refresh: false,
            extra: Vec::new(),
        })
    }

    /// Adds a field to every request.
    pub(in crate::sources) fn add_field(&mut self, name: String, value: String) -> Result<(), Error> {
        let name = non_empty(name, "extra field, its name")?;
        // No parameter may come twice (RFC 6749 section 3.2).
        if RESERVED.contains(&name.as_str()) {
            return Err(Error::misconfigured(
                "extra field: the requests have one of this name already; use the setting for it",
            ));
        }
        if self.extra.iter().any(|(other, _)| *other == name) {
            return Err(Error::misconfigured("extra field: its name comes twice; leave one of them out"));
        }
        self.extra.push((name, value.into()));
        Ok(())
    }

    pub(in crate::sources) fn revoke_at(&mut self, endpoint: TokenEndpoint) {
        self.revocation = Some(self.endpoint.beside(endpoint));
    }

    /// Requests tokens.
    async fn request<'a>(
        &'a self,
        form: Form<'a>,
        purpose: Purpose,
        secrets: Vec<&'a str>,
    ) -> Result<Credentials, Error> {
        let read = |response: &Response<Bytes>, secrets: &[&str]| read_tokens(response, purpose, secrets);
        self.send(&self.endpoint, form, purpose, secrets, read).await
    }

    /// Sends a form with the extra fields and the proof of the client's identity, and reads the response. `secrets` are
    /// those in the form.
    async fn send<'a, T>(
        &'a self,
        endpoint: &ResolvedEndpoint,
        mut form: Form<'a>,
        purpose: Purpose,
        mut secrets: Vec<&'a str>,
        read: impl FnOnce(&Response<Bytes>, &[&str]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        for (name, value) in &self.extra {
            form.push((name, value.expose_secret()));
            secrets.push(value.expose_secret());
        }
        let proof = self.auth.apply(&mut form)?;
        let response = endpoint.post_form(proof.clone(), &form, purpose).await?;
        secrets.extend(proof.as_ref().and_then(|proof| proof.to_str().ok()?.strip_prefix("Basic ")));
        secrets.push(self.auth.secret());
        read(&response, &secrets)
    }
}

impl CredentialSource for GrantClient {
    async fn login(&self) -> Result<Credentials, Error> {
        let (mut form, secrets, purpose) = match &self.login {
            Login::Client => (vec![("grant_type", "client_credentials")], vec![], Purpose::ClientLogin),
            Login::User(username, password) => {
                let password = password.expose_secret();
                let form = vec![("grant_type", "password"), ("username", username), ("password", password)];
                (form, vec![password], Purpose::Login)
            }
            Login::Elsewhere(Some(_)) => {
                return Err(Error::unsupported(
                    "the refresh token can't be used any more, and there is no other; log in again",
                ));
            }
            Login::Elsewhere(None) => return Err(nothing_stored()),
        };
        form.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        self.request(form, purpose, secrets).await
    }

    /// RFC 6749 section 6.
    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        let refresh_token = held
            .refresh_token()
            .ok_or_else(|| Error::unsupported("there is no refresh token; log in again"))?;
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        form.extend(self.scope.as_deref().filter(|_| self.scope_on_refresh).map(|scope| ("scope", scope)));
        self.request(form, Purpose::Refresh, vec![refresh_token, held.access_token()]).await
    }

    /// RFC 7009 section 2.1. The refresh token comes first: what it could still get would outlive the access token. A server
    /// should then revoke the access token as well, but many do not.
    async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        let Some(endpoint) = &self.revocation else { return Ok(()) };
        let refresh_token = held.refresh_token().map(|token| (token, "refresh_token"));
        let mut outcome = Ok(());
        for (token, hint) in refresh_token.into_iter().chain([(held.access_token(), "access_token")]) {
            let form = vec![("token", token), ("token_type_hint", hint)];
            let secrets = vec![token, held.access_token()];
            let revoked = self.send(endpoint, form, Purpose::Revoke, secrets, read_revocation).await;
            outcome = outcome.and(revoked);
        }
        outcome
    }

    fn initial(&self) -> Option<Credentials> {
        match &self.login {
            Login::Elsewhere(credentials) => credentials.clone(),
            Login::Client | Login::User(..) => None,
        }
    }
}

//! What the grants have in common: a client of a provider, and its requests.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

use super::exchange::Exchange;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::source::CredentialSource;
use crate::sources::nothing_stored;
use crate::token_endpoint::{
    ClientAuth, Expected, MakeAssertion, ResolvedEndpoint, TokenEndpoint, TokenRequest, TokenResponse,
    non_empty, read_assertion,
};

/// The client that a grant is given to: its identity, where it asks, and for what.
#[derive(Clone, Debug)]
pub(in crate::sources) struct GrantClient {
    endpoint: ResolvedEndpoint,
    revocation: Option<ResolvedEndpoint>,
    /// `None` for a client that does not say who it is.
    pub(super) auth: Option<ClientAuth>,
    pub(super) login: Login,
    pub(in crate::sources) scope: Option<String>,
    pub(in crate::sources) scope_on_refresh: bool,
    /// Where the tokens are in a response, and what else is kept.
    pub(in crate::sources) expected: Expected,
    extra: Vec<(String, SecretString)>,
}

/// Who logs in.
#[derive(Clone)]
pub(super) enum Login {
    /// The client itself.
    Client,
    /// A user with a password.
    User(String, SecretString),
    /// A user who logs in elsewhere, with the credentials from there.
    Elsewhere(Option<Credentials>),
    /// Whoever the assertion names.
    Assertion(Arc<MakeAssertion>),
    /// The subject of a token exchange.
    Exchange(Box<Exchange>),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client => f.write_str("Client"),
            Self::User(name, _) => f.debug_tuple("User").field(name).finish(),
            Self::Elsewhere(credentials) => f.debug_tuple("Elsewhere").field(credentials).finish(),
            Self::Assertion(_) => f.write_str("Assertion"),
            Self::Exchange(exchange) => exchange.fmt(f),
        }
    }
}

/// RFC 7523 section 2.1.
const JWT_BEARER_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

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
        auth: Option<ClientAuth>,
        login: Login,
    ) -> Result<Self, Error> {
        Ok(Self::at(ResolvedEndpoint::new(endpoint)?, auth, login))
    }

    /// A client that renews what it did not get itself.
    pub(in crate::sources) fn for_refreshes(endpoint: ResolvedEndpoint, auth: ClientAuth) -> Self {
        Self::at(endpoint, Some(auth), Login::Elsewhere(None))
    }

    fn at(endpoint: ResolvedEndpoint, auth: Option<ClientAuth>, login: Login) -> Self {
        Self {
            endpoint,
            revocation: None,
            auth,
            login,
            scope: None,
            scope_on_refresh: false,
            expected: Expected::default(),
            extra: Vec::new(),
        }
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

    /// A request to the token endpoint.
    pub(super) fn token_request(&self) -> TokenRequest {
        self.request(&self.endpoint).expecting(self.expected.clone())
    }

    /// Another endpoint of the same provider.
    pub(super) fn beside(&self, endpoint: TokenEndpoint) -> ResolvedEndpoint {
        self.endpoint.beside(endpoint)
    }

    /// Sends a request for tokens, and waits for its response in a task of its own. If nobody waits for it any more when it
    /// brings tokens, they are revoked (R17).
    pub(super) async fn send_to_its_end(&self, request: TokenRequest) -> Result<Credentials, Error> {
        let (done, result) = oneshot::channel();
        let client = self.clone();
        tokio::spawn(async move {
            let response = request.send().await.map(TokenResponse::into_credentials);
            let issued = response.as_ref().ok().cloned();
            // It is dropped with a response that nobody takes.
            let (take, is_taken) = oneshot::channel();
            let _ = done.send((response, take));
            if let (Some(issued), Err(_)) = (issued, is_taken.await) {
                let _ = client.revoke(&issued).await;
            }
        });
        let Ok((response, take)) = result.await else {
            return Err(Error::transient("the runtime was shut down during the log-in; log in again"));
        };
        let _ = take.send(());
        response
    }

    /// A request that the client makes at this endpoint.
    pub(super) fn request(&self, endpoint: &ResolvedEndpoint) -> TokenRequest {
        match &self.auth {
            Some(auth) => endpoint.request().client(auth),
            None => endpoint.request(),
        }
    }

    /// Adds the extra fields to a request.
    pub(super) fn with_extra(&self, request: TokenRequest) -> TokenRequest {
        let extra = self.extra.iter();
        extra.fold(request, |request, (name, value)| request.secret(name.clone(), value.expose_secret()))
    }
}

impl CredentialSource for GrantClient {
    async fn login(&self) -> Result<Credentials, Error> {
        let request = self.token_request();
        let mut request = match &self.login {
            Login::Client => request.grant("client_credentials"),
            Login::User(username, password) => {
                let request = request.grant("password").open("username", username);
                request.secret("password", password.expose_secret())
            }
            Login::Elsewhere(Some(_)) => {
                return Err(Error::unsupported(
                    "the refresh token can't be used any more, and there is no other; log in again",
                ));
            }
            Login::Elsewhere(None) => return Err(nothing_stored()),
            Login::Assertion(make) => {
                let assertion = read_assertion(make().await?)?;
                request.grant(JWT_BEARER_GRANT).secret("assertion", assertion.as_str())
            }
            Login::Exchange(exchange) => return exchange.log_in(self).await,
        };
        if let Some(scope) = &self.scope {
            request = request.scope(scope);
        }
        Ok(self.with_extra(request).send().await?.into_credentials())
    }

    /// RFC 6749 section 6.
    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        let refresh_token = held
            .refresh_token()
            .ok_or_else(|| Error::unsupported("there is no refresh token; log in again"))?;
        let request = self.token_request().grant("refresh_token");
        let mut request = request.secret("refresh_token", refresh_token).redact(held.access_token());
        if let Some(scope) = self.scope.as_ref().filter(|_| self.scope_on_refresh) {
            request = request.scope(scope);
        }
        Ok(self.with_extra(request).send().await?.into_credentials())
    }

    /// RFC 7009 section 2.1. The refresh token comes first: what it could still get would outlive the access token. A server
    /// should then revoke the access token as well, but many do not.
    async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        let Some(endpoint) = &self.revocation else { return Ok(()) };
        let refresh_token = held.refresh_token().map(|token| (token, "refresh_token"));
        let access_token = match &self.expected.bearer {
            Some(_) => held.field("access_token"),
            None => Some(held.access_token()),
        };
        let access_token = access_token.map(|token| (token, "access_token"));
        let mut outcome = Ok(());
        for (token, hint) in refresh_token.into_iter().chain(access_token) {
            let request = self.request(endpoint).secret("token", token).open("token_type_hint", hint);
            let request = self.with_extra(request).redact(held.access_token());
            outcome = outcome.and(request.revoke().await);
        }
        outcome
    }

    fn initial(&self) -> Option<Credentials> {
        match &self.login {
            Login::Elsewhere(credentials) => credentials.clone(),
            Login::Client | Login::User(..) | Login::Assertion(_) | Login::Exchange(_) => None,
        }
    }
}

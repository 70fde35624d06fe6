//! PILOT: password login against the portal backend.
//!
//! ```
//! # #[cfg(feature = "reqwest")]
//! # fn example() -> Result<(), reauth::Error> {
//! use reauth::{Authenticator, Credentials, Pilot};
//!
//! // use the password authentication
//! let auth = Authenticator::new(Pilot::builder("https://pilot.example.com")?.password("ada", "s3cret")?.build()?);
//!
//! // use the token based authentication
//! let credentials = Credentials::new("at-1")?.with_refresh_token("rt-1")?;
//! let auth = Authenticator::new(Pilot::builder("https://pilot.example.com")?.credentials(credentials).build()?);
//! # Ok(())
//! # }
//! ```

mod envelope;
mod hpc;

pub use hpc::HpcLogin;

use std::fmt;

use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use crate::token_endpoint::{Purpose, Redactor, json_body, non_empty};
use crate::{CredentialSource, Credentials, Error, TokenEndpoint, TokenTransport};

/// A PILOT user: logs in with a password, refreshes, and logs in again when the refresh token is dead. With
/// credentials alone it uses them, refreshes if it can, and reports "log in again" when it can't.
#[derive(Clone)]
pub struct Pilot {
    login: TokenEndpoint,
    refresh: TokenEndpoint,
    password: Option<(String, SecretString)>,
    credentials: Option<Credentials>,
}

impl Pilot {
    /// Settings, for the service or the gateway at `endpoint`, such as `https://pilot.example.com`.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when it is no https URL (http on loopback), or has a
    /// query.
    pub fn builder(endpoint: &str) -> Result<PilotBuilder, Error> {
        Ok(PilotBuilder {
            endpoint: base(endpoint)?.to_owned(),
            users: "/v1/users",
            password: None,
            credentials: None,
            transport: None,
        })
    }
}

/// Settings of a [`Pilot`]: a password, credentials, or both.
#[must_use]
pub struct PilotBuilder {
    endpoint: String,
    users: &'static str,
    password: Option<(String, SecretString)>,
    credentials: Option<Credentials>,
    transport: Option<TokenTransport>,
}

impl PilotBuilder {
    /// The user to log in.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when either is empty.
    pub fn password(
        mut self,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, Error> {
        let username = non_empty(username.into(), "user name")?;
        let password = non_empty(password.into(), "password")?;
        self.password = Some((username, password.into()));
        Ok(self)
    }

    /// Credentials that were fetched before: used first.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// The endpoint is the public gateway (`/portal/users/…`), not the service (`/v1/users/…`).
    pub fn gateway(mut self) -> Self {
        self.users = "/portal/users";
        self
    }

    /// What sends the requests. Default: as [`TokenEndpoint::transport`].
    pub fn transport(mut self, transport: TokenTransport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// The source.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when neither a password nor credentials were given,
    /// or there is no transport.
    pub fn build(self) -> Result<Pilot, Error> {
        if self.password.is_none() && self.credentials.is_none() {
            return Err(Error::misconfigured(
                "PILOT needs a user name and a password, or credentials, or both",
            ));
        }
        let transport = TokenTransport::or_default(self.transport)?;
        let endpoint = |verb: &str| -> Result<TokenEndpoint, Error> {
            let url = format!("{}{}/{verb}", self.endpoint, self.users);
            Ok(TokenEndpoint::new(&url)?.transport(transport.clone()))
        };
        Ok(Pilot {
            login: endpoint("auth")?,
            refresh: endpoint("refresh")?,
            password: self.password,
            credentials: self.credentials,
        })
    }
}

/// The endpoint as a path can follow it.
fn base(endpoint: &str) -> Result<&str, Error> {
    TokenEndpoint::new(endpoint)?;
    if endpoint.contains('?') {
        return Err(Error::misconfigured("PILOT endpoint: it has a query"));
    }
    Ok(endpoint.trim_end_matches('/'))
}

impl CredentialSource for Pilot {
    async fn login(&self) -> Result<Credentials, Error> {
        let Some((username, password)) = &self.password else {
            return Err(Error::unsupported(
                "PILOT's credentials are used up and no password is held: log in again",
            ));
        };
        let password = password.expose_secret();
        let body = json_body(&[("username", username), ("password", password)]);
        let answer = self.login.post("application/json", HeaderMap::new(), body).await?;
        envelope::parse(&answer, Purpose::Login, &Redactor::without(&[Some(password)]))
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        let Some(refresh_token) = held.refresh_token() else {
            return Err(Error::unsupported("there is no refresh token: log in again"));
        };
        // One word, without an underscore.
        let body = json_body(&[("refreshtoken", refresh_token)]);
        let answer = self.refresh.post("application/json", HeaderMap::new(), body).await?;
        let secrets = [Some(refresh_token), Some(held.access_token())];
        envelope::parse(&answer, Purpose::Refresh, &Redactor::without(&secrets))
    }

    fn initial(&self) -> Option<Credentials> {
        self.credentials.clone()
    }
}

impl fmt::Debug for Pilot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pilot")
            .field("login", &self.login)
            .field("username", &self.password.as_ref().map(|(username, _)| username))
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PilotBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PilotBuilder").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

//! PILOT's HPC login.

use std::fmt;

use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use super::{base, envelope};
use crate::token_endpoint::{Purpose, Redactor, json_body, non_empty};
use crate::{CredentialSource, Credentials, Error, TokenEndpoint, TokenTransport};

/// The HPC login (`POST {endpoint}/v1/hpc/auth`): its result is an access token alone, so that renewal is the
/// same login again.
#[derive(Clone)]
pub struct HpcLogin {
    endpoint: TokenEndpoint,
    username: String,
    password: SecretString,
    token_issuer: String,
}

impl HpcLogin {
    /// A user of the HPC system whose tokens `token_issuer` issues, logged in through `endpoint`.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when one is empty, or the endpoint is no https URL
    /// (http on loopback) or has a query.
    pub fn new(
        endpoint: &str,
        username: impl Into<String>,
        password: impl Into<String>,
        token_issuer: impl Into<String>,
    ) -> Result<Self, Error> {
        let endpoint = TokenEndpoint::new(&format!("{}/v1/hpc/auth", base(endpoint)?))?;
        Ok(Self {
            // Without the default transport, one may yet be named.
            endpoint: endpoint.clone().resolved().unwrap_or(endpoint),
            username: non_empty(username.into(), "user name")?,
            password: non_empty(password.into(), "password")?.into(),
            token_issuer: non_empty(token_issuer.into(), "token issuer")?,
        })
    }

    /// What sends the requests. Default: as [`TokenEndpoint::transport`].
    #[must_use]
    pub fn transport(mut self, transport: TokenTransport) -> Self {
        self.endpoint = self.endpoint.transport(transport);
        self
    }
}

impl CredentialSource for HpcLogin {
    async fn login(&self) -> Result<Credentials, Error> {
        let password = self.password.expose_secret();
        let body = json_body(&[
            ("username", &self.username),
            ("password", password),
            ("token_issuer", &self.token_issuer),
        ]);
        let answer = self.endpoint.post("application/json", HeaderMap::new(), body).await?;
        envelope::parse(&answer, Purpose::Login, &Redactor::without(&[Some(password)]))
    }
}

impl fmt::Debug for HpcLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HpcLogin")
            .field("endpoint", &self.endpoint)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

//! PILOT's HPC login.

use secrecy::{ExposeSecret, SecretString};

use super::envelope;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::source::CredentialSource;
use crate::token_endpoint::{Purpose, ResolvedEndpoint, TokenEndpoint, non_empty};

/// A user of an HPC system behind PILOT (`POST /v1/hpc/auth`).
///
/// It renews a token with the same log-in: there is no refresh token. A log-in may take as long as
/// [`TokenEndpoint::timeout`] of its endpoint says.
#[derive(Clone, Debug)]
pub struct HpcLogin {
    endpoint: ResolvedEndpoint,
    username: String,
    password: SecretString,
    token_issuer: String,
}

impl HpcLogin {
    /// Creates the source for a user of the portal at this base URL, such as `https://pilot.example.com`.
    /// `token_issuer` is PILOT's name for the HPC system's issuer.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the endpoint's URL is refused
    /// ([`TokenEndpoint::new`]), or has a query, or it has no transport, or if the user name, the password or the
    /// token issuer is empty.
    pub fn new(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        username: impl Into<String>,
        password: impl Into<String>,
        token_issuer: impl Into<String>,
    ) -> Result<Self, Error> {
        Ok(Self {
            endpoint: ResolvedEndpoint::new(endpoint)?.join("/v1/hpc/auth")?,
            username: non_empty(username.into(), "user name")?,
            password: non_empty(password.into(), "password")?.into(),
            token_issuer: non_empty(token_issuer.into(), "token issuer")?,
        })
    }
}

impl CredentialSource for HpcLogin {
    async fn login(&self) -> Result<Credentials, Error> {
        let password = self.password.expose_secret();
        let members = [
            ("username", self.username.as_str()),
            ("password", password),
            ("token_issuer", &self.token_issuer),
        ];
        let response = self.endpoint.post_json(&members, Purpose::Login).await?;
        envelope::read(&response, Purpose::Login, &[password])
    }
}

//! PILOT's log-in with a code on another device.

use std::time::Duration;

use super::realm;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::source::CredentialSource;
use crate::sources::oauth2::{DeviceCode, DevicePrompt, GrantClient};
use crate::token_endpoint::{ResolvedEndpoint, TokenEndpoint};

/// A user of PILOT who logs in in a browser and confirms a code there, as with PILOT's command-line tool (RFC 8628).
///
/// It renews a token with the refresh token that comes with it, as the client [`CLIENT_ID`](super::CLIENT_ID), and prompts again if
/// that is refused. For the rest see [`oauth2::DeviceCode`](crate::oauth2::DeviceCode).
#[derive(Clone, Debug)]
pub struct DeviceLogin {
    device: DeviceCode,
    client: GrantClient,
}

impl DeviceLogin {
    /// Creates the source for the Keycloak realm at this URL, such as `https://id.example.com/auth/realms/pilot`. `prompt` shows
    /// the user where to go and what to enter, as in [`DeviceCode::new`].
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the endpoint's URL is refused ([`TokenEndpoint::new`]), or has a
    /// query, or it has no transport.
    pub fn new<F, Fut>(
        realm: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        prompt: F,
    ) -> Result<Self, Error>
    where
        F: Fn(DevicePrompt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let realm = ResolvedEndpoint::new(realm)?;
        let client = realm::client(&realm)?;
        let device = DeviceCode::at(client.clone(), realm.join(realm::DEVICE)?, prompt);
        Ok(Self { device, client })
    }

    /// Sets the scope to ask for, space-separated (RFC 6749 section 3.3). Default: no scope is sent.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.device = self.device.scope(scope);
        self
    }

    /// Sets the longest time that the user has. Default: [`DeviceCode::LOGIN_LIMIT`].
    #[must_use]
    pub fn login_limit(mut self, limit: Duration) -> Self {
        self.device = self.device.login_limit(limit);
        self
    }

    /// Sets where a log-out revokes the refresh token and then the access token (RFC 7009), as
    /// [`DeviceCode::revocation_endpoint`] does. Keycloak has it at the realm's `/protocol/openid-connect/revoke`. Default:
    /// nothing is revoked.
    #[must_use]
    pub fn revocation_endpoint(mut self, endpoint: TokenEndpoint) -> Self {
        self.device = self.device.revocation_endpoint(endpoint);
        self
    }
}

impl CredentialSource for DeviceLogin {
    async fn login(&self) -> Result<Credentials, Error> {
        self.device.login().await
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        realm::refresh(&self.client, held).await
    }

    async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        self.device.revoke(held).await
    }

    fn login_limit(&self) -> Option<Duration> {
        CredentialSource::login_limit(&self.device)
    }
}

//! The device authorization grant (RFC 8628).

mod polling;
mod prompt;

use std::fmt;
use std::time::Duration;

pub use prompt::DevicePrompt;

use super::asking::{AskUser, MARGIN};
use super::client::{GrantClient, Login};
use super::settings::{client_settings, refresh_settings};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::source::CredentialSource;
use crate::token_endpoint::{ClientAuth, ResolvedEndpoint, TokenEndpoint};

/// The device authorization grant (RFC 8628): the user logs in in a browser, perhaps on another device, and confirms a code.
///
/// ```
/// # #[cfg(feature = "reqwest")]
/// # fn example() -> Result<(), reauth::Error> {
/// use reauth::{Authenticator, ClientAuth, TokenEndpoint, oauth2};
///
/// let source = oauth2::DeviceCode::new(
///     "https://id.example.com/token",
///     TokenEndpoint::new("https://id.example.com/device_authorization")?,
///     ClientAuth::none("my-program")?,
///     async |prompt| {
///         println!("Open {} and enter {}.", prompt.verification_uri(), prompt.user_code());
///         Ok(())
///     },
/// )?;
/// let auth = Authenticator::new(source.scope("openid offline_access"));
/// # Ok(())
/// # }
/// ```
///
/// It renews a token with the refresh token that comes with it. If that is refused, or there is none, it prompts again.
///
/// The user is prompted once for all callers, and once for all processes that share a store. The log-in ends when the code
/// expires, after [`login_limit`](Self::login_limit), and at a log-out. Callers wait to its end, or for
/// [`Timing::login_patience`](crate::Timing::login_patience).
#[derive(Clone)]
pub struct DeviceCode {
    pub(super) client: GrantClient,
    authorization: ResolvedEndpoint,
    prompt: AskUser<DevicePrompt>,
    login_limit: Duration,
}

impl DeviceCode {
    /// The time that a user has by default, if the provider allows as much: 15 min.
    pub const LOGIN_LIMIT: Duration = Duration::from_secs(15 * 60);

    /// Creates the source for the token endpoint and the device authorization endpoint of a provider. `prompt` shows the user
    /// where to go and what to enter. An error from it ends the log-in, such as when the user has
    /// cancelled it, as [`LoginRequired`](crate::ErrorKind::LoginRequired).
    ///
    /// The transport of the device authorization endpoint is the token endpoint's, unless it has its own.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if an endpoint's URL is refused ([`TokenEndpoint::new`]) or the
    /// token endpoint has no transport.
    ///
    /// # Cancel safety
    ///
    /// The future of `prompt` is polled while the log-in waits, and dropped when it ends.
    pub fn new<F, Fut>(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        authorization: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        client_auth: ClientAuth,
        prompt: F,
    ) -> Result<Self, Error>
    where
        F: Fn(DevicePrompt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let client = GrantClient::new(endpoint, Some(client_auth), Login::Elsewhere(None))?;
        let authorization = client.beside(authorization.try_into().map_err(Into::into)?);
        Ok(Self::at(client, authorization, prompt))
    }

    pub(in crate::sources) fn at<F, Fut>(
        client: GrantClient,
        authorization: ResolvedEndpoint,
        prompt: F,
    ) -> Self
    where
        F: Fn(DevicePrompt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Error>> + Send + 'static,
    {
        Self { client, authorization, prompt: AskUser::new(prompt), login_limit: Self::LOGIN_LIMIT }
    }

    /// Sets the longest time that the user has. Default: [`LOGIN_LIMIT`](Self::LOGIN_LIMIT). The provider's limit counts as well.
    #[must_use]
    pub fn login_limit(mut self, limit: Duration) -> Self {
        self.login_limit = limit;
        self
    }

    refresh_settings!();
}

client_settings!(DeviceCode);

impl CredentialSource for DeviceCode {
    async fn login(&self) -> Result<Credentials, Error> {
        let mut request = self.client.request(&self.authorization);
        if let Some(scope) = &self.client.scope {
            request = request.scope(scope);
        }
        let members = self.client.with_extra(request).send_for_members().await?;
        let code = prompt::read(&members, self.login_limit)?;
        polling::poll(&self.client, &code, self.prompt.ask(code.prompt.clone())).await
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        self.client.refresh(held).await
    }

    async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        self.client.revoke(held).await
    }

    fn login_limit(&self) -> Option<Duration> {
        Some(self.login_limit.saturating_add(MARGIN))
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCode")
            .field("client", &self.client)
            .field("authorization", &self.authorization)
            .field("login_limit", &self.login_limit)
            .finish_non_exhaustive()
    }
}

//! The authorization code grant with PKCE, with a browser that comes back to this machine (RFC 8252, RFC 7636).

mod answer;
mod exchange;
mod listener;
mod url;

use std::fmt;
use std::time::Duration;

use tokio::time::timeout;

use self::answer::Expected;
use self::listener::Listener;
use self::url::{AuthorizationUrl, Secrets};
use super::asking::{AskUser, MARGIN};
use super::client::{GrantClient, Login};
use super::settings::{client_settings, refresh_settings};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::source::CredentialSource;
use crate::token_endpoint::{ClientAuth, TokenEndpoint};

/// The authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636) for a program on the user's machine (RFC 8252): the user
/// logs in in a browser, which comes back to this program. Feature `loopback`.
///
/// ```
/// # #[cfg(feature = "reqwest")]
/// # fn example() -> Result<(), reauth::Error> {
/// use reauth::{Authenticator, ClientAuth, oauth2};
///
/// let source = oauth2::AuthorizationCode::new(
///     "https://id.example.com/token",
///     "https://id.example.com/authorize",
///     ClientAuth::none("my-program")?,
///     async |url| {
///         println!("Open {url}");
///         Ok(())
///     },
/// )?;
/// let auth = Authenticator::new(source.issuer("https://id.example.com").scope("openid offline_access"));
/// # Ok(())
/// # }
/// ```
///
/// For the time of a log-in it listens on 127.0.0.1. It opens nothing: the closure gets the URL, and shows it or starts a browser.
/// Register the redirect URI `http://127.0.0.1/callback` with the provider, for any port (RFC 8252 section 7.3), or set one with
/// [`port`](Self::port).
///
/// Only a response with the `state` of this log-in counts, and each log-in has a `state` and a `code_verifier` of its own. A browser
/// that comes with anything else, such as an old tab, gets a page that says so, and the log-in goes on waiting.
///
/// It renews a token with the refresh token that comes with it. If that is refused, or there is none, the user logs in again.
///
/// The user is asked once for all callers, and once for all processes that share a store. The log-in ends after
/// [`login_limit`](Self::login_limit), and at a log-out. Callers wait to its end, or for
/// [`Timing::login_patience`](crate::Timing::login_patience).
#[derive(Clone)]
pub struct AuthorizationCode {
    pub(super) client: GrantClient,
    client_id: String,
    authorization: AuthorizationUrl,
    open: AskUser<String>,
    issuer: Option<String>,
    port: u16,
    path: String,
    login_limit: Duration,
}

impl AuthorizationCode {
    /// The time that a user has by default: 5 min.
    pub const LOGIN_LIMIT: Duration = Duration::from_secs(5 * 60);

    /// Creates the source for the token endpoint and the authorization endpoint of a provider. `open` gets the URL that the user has
    /// to open. An error from it ends the log-in, such as when the user has cancelled it, as
    /// [`LoginRequired`](crate::ErrorKind::LoginRequired). The URL has the `state` in it: show it to the user alone.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if a URL is refused ([`TokenEndpoint::new`]) or the token endpoint
    /// has no transport.
    ///
    /// # Cancel safety
    ///
    /// The future of `open` is polled while the log-in waits, and dropped when the user is back.
    pub fn new<F, Fut>(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        authorization_url: &str,
        client_auth: ClientAuth,
        open: F,
    ) -> Result<Self, Error>
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let client_id = client_auth.client_id().to_owned();
        Ok(Self {
            client: GrantClient::new(endpoint, Some(client_auth), Login::Elsewhere(None))?,
            client_id,
            authorization: AuthorizationUrl::new(authorization_url)?,
            open: AskUser::new(open),
            issuer: None,
            port: 0,
            path: "/callback".to_owned(),
            login_limit: Self::LOGIN_LIMIT,
        })
    }

    /// Sets the issuer that the response has to name in its `iss` (RFC 9207). Default: the `iss` is not checked.
    ///
    /// Set it if the provider sends one, which its metadata say
    /// (`authorization_response_iss_parameter_supported`). A response without it is then refused.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Adds a parameter to the URL that the user opens, such as `prompt` or `resource`. It is no secret.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the name is empty, or if the URL has it already.
    pub fn authorization_field(mut self, name: &str, value: &str) -> Result<Self, Error> {
        self.authorization.add(name, value)?;
        Ok(self)
    }

    /// Sets the port to listen on. Default: 0, any free one, which a provider should accept (RFC 8252 section 7.3).
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the path of the redirect URI. Default: `/callback`.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if it is not a path: it begins with a slash, and has no query.
    pub fn redirect_path(mut self, path: impl Into<String>) -> Result<Self, Error> {
        self.path = url::path(path.into())?;
        Ok(self)
    }

    /// Sets the longest time that the user has. Default: [`LOGIN_LIMIT`](Self::LOGIN_LIMIT).
    #[must_use]
    pub fn login_limit(mut self, limit: Duration) -> Self {
        self.login_limit = limit;
        self
    }

    refresh_settings!();
}

client_settings!(AuthorizationCode);

impl CredentialSource for AuthorizationCode {
    async fn login(&self) -> Result<Credentials, Error> {
        let secrets = Secrets::new()?;
        let expected = Expected { state: secrets.state.clone(), issuer: self.issuer.clone() };
        let mut listener = Listener::bind(self.port, self.path.clone(), expected).await?;
        let redirect_uri = format!("http://127.0.0.1:{}{}", listener.port(), self.path);
        let url =
            self.authorization.with(&self.client_id, &redirect_uri, self.client.scope.as_deref(), &secrets);
        let code = match timeout(self.login_limit, listener.wait(self.open.ask(url))).await {
            Ok(code) => code,
            Err(_) => return Err(listener.nobody_came()),
        };
        // Before there are tokens: a log-out during this wait would lose them.
        listener.finish().await;
        exchange::exchange(&self.client, &code?, &redirect_uri, &secrets).await
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

impl fmt::Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationCode")
            .field("client", &self.client)
            .field("authorization", &self.authorization)
            .field("issuer", &self.issuer)
            .field("port", &self.port)
            .field("path", &self.path)
            .field("login_limit", &self.login_limit)
            .finish_non_exhaustive()
    }
}

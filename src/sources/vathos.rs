//! Vathos: a service account or a person, at a Keycloak token endpoint.
//!
//! ```
//! # #[cfg(feature = "reqwest")]
//! # fn example() -> Result<(), reauth::Error> {
//! use reauth::{AuthMiddleware, Authenticator, vathos};
//!
//! let source = vathos::ServiceAccount::new(vathos::TOKEN_URL, "my-device", "s3cret")?;
//! let middleware = AuthMiddleware::for_origin(vathos::API_ORIGIN, Authenticator::new(source))?;
//! # Ok(())
//! # }
//! ```

use std::env;
use std::time::Duration;

use super::oauth2::{
    ClientCredentials, GrantClient, Password, RefreshToken, client_source, refresh_settings,
};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::origins::Origins;
use crate::source::CredentialSource;
use crate::token_endpoint::{ClientAuth, TokenEndpoint, non_empty};

/// The token endpoint of Vathos's realm.
pub const TOKEN_URL: &str = "https://auth.gke.vathos.net/auth/realms/picking/protocol/openid-connect/token";
/// The base URL of Vathos's API.
pub const BASE_URL: &str = "https://staging.api.gke.vathos.net/v1";
/// The origin of [`BASE_URL`]. A layer or a middleware sends the credentials there.
pub const API_ORIGIN: &str = "https://staging.api.gke.vathos.net";
/// The time that one log-in may take by default: 5 s. [`TokenEndpoint::timeout`] sets another for the endpoint of a source.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// A service account of Vathos, for a device or an organization: the client credentials grant.
///
/// It renews a token with the same grant.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    client: GrantClient,
}

impl ServiceAccount {
    /// Creates the source for a client at a token endpoint, usually [`TOKEN_URL`].
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the endpoint's URL is refused
    /// ([`TokenEndpoint::new`]) or it has no transport, or if the client id or its secret is empty.
    pub fn new(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Result<Self, Error> {
        let client_auth = client_auth(client_id.into(), client_secret.into())?;
        Ok(Self { client: ClientCredentials::new(with_timeout(endpoint)?, client_auth)?.client })
    }

    /// Creates the source from the environment variables `CLIENT_ID` and `CLIENT_SECRET`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); also if a variable is not set, is empty or is not Unicode. The error names the
    /// variable, and does not show its value.
    pub fn from_env(endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>) -> Result<Self, Error> {
        Self::new(endpoint, variable("CLIENT_ID")?, variable("CLIENT_SECRET")?)
    }
}

client_source!(ServiceAccount);

/// The client grant of Vathos, for a person: the password grant.
///
/// It renews a token with the refresh token that comes with it, and logs in again if that is refused.
#[derive(Clone, Debug)]
pub struct ClientGrant {
    client: GrantClient,
}

impl ClientGrant {
    /// Creates the source for a user at a token endpoint, usually [`TOKEN_URL`].
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the endpoint's URL is refused
    /// ([`TokenEndpoint::new`]) or it has no transport, or if the client id, its secret, the user name or the
    /// password is empty.
    pub fn new(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, Error> {
        let client_auth = client_auth(client_id.into(), client_secret.into())?;
        Ok(Self { client: Password::new(with_timeout(endpoint)?, client_auth, username, password)?.client })
    }

    /// Creates the source from the environment variables `CLIENT_ID` and `CLIENT_SECRET`, for a user.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); also if a variable is not set, is empty or is not Unicode. The error names the
    /// variable, and does not show its value.
    pub fn from_env(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, Error> {
        Self::new(endpoint, variable("CLIENT_ID")?, variable("CLIENT_SECRET")?, username, password)
    }

    /// Creates the source for the credentials that the authenticator's store holds, or that
    /// [`set_credentials`](crate::Authenticator::set_credentials) brings. It has no password and can't log in: until there
    /// are any, callers get [`LoginRequired`](crate::ErrorKind::LoginRequired).
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn stored(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Result<Self, Error> {
        let client_auth = client_auth(client_id.into(), client_secret.into())?;
        Ok(Self { client: RefreshToken::stored(with_timeout(endpoint)?, client_auth)?.client })
    }

    refresh_settings!();
}

client_source!(ClientGrant);

/// Returns the base URL of the API: the environment variable `VATHOS_BASE_URL`, or [`BASE_URL`] if it is not set.
///
/// [`Origins::of_url`] returns its origin.
///
/// # Errors
///
/// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the variable is empty, is not Unicode or is not an https
/// URL (plain http on loopback only). The error names the variable, and does not show its value.
pub fn base_url_from_env() -> Result<String, Error> {
    const NAME: &str = "VATHOS_BASE_URL";
    if env::var_os(NAME).is_none() {
        return Ok(BASE_URL.to_owned());
    }
    let url = variable(NAME)?;
    Origins::of_url(&url)
        .map_err(|_| unusable(NAME, "it is not an https URL (plain http on loopback only)"))?;
    Ok(url)
}

fn variable(name: &str) -> Result<String, Error> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Err(unusable(name, "it is empty")),
        Ok(value) => Ok(value),
        Err(env::VarError::NotUnicode(_)) => Err(unusable(name, "it is not Unicode")),
        Err(env::VarError::NotPresent) => Err(unusable(name, "it is not set")),
    }
}

fn unusable(name: &str, why: &str) -> Error {
    Error::misconfigured(format!("environment variable {name}: {why}; set it"))
}

fn with_timeout(endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>) -> Result<TokenEndpoint, Error> {
    let mut endpoint = endpoint.try_into().map_err(Into::into)?;
    endpoint.timeout.get_or_insert(TIMEOUT);
    Ok(endpoint)
}

fn client_auth(client_id: String, client_secret: String) -> Result<ClientAuth, Error> {
    ClientAuth::post(client_id, non_empty(client_secret, "client secret")?)
}

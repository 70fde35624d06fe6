//! Vathos: two grants at a Keycloak token endpoint.
//!
//! ```
//! # #[cfg(feature = "reqwest")]
//! # fn example() -> Result<(), reauth::Error> {
//! use reauth::{AuthMiddleware, Authenticator, vathos};
//!
//! let auth = Authenticator::new(vathos::service_account("my-device", "s3cret")?);
//! let middleware = AuthMiddleware::for_origin(vathos::API_ORIGIN, auth)?;
//! # Ok(())
//! # }
//! ```

use std::env;
use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::oauth2::{ClientCredentials, Password};
use crate::origins::Origin;
use crate::token_endpoint::non_empty;
use crate::{ClientAuth, Error, TokenEndpoint, TokenTransport};

/// The token endpoint of Vathos's realm.
pub const TOKEN_URL: &str = "https://auth.gke.vathos.net/auth/realms/picking/protocol/openid-connect/token";
/// The base of Vathos's API.
pub const BASE_URL: &str = "https://staging.api.gke.vathos.net/v1";
/// The origin of [`BASE_URL`]: the scope of a Vathos credential.
pub const API_ORIGIN: &str = "https://staging.api.gke.vathos.net";
/// How long one attempt at the token endpoint may take.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// A service account (a device, an organization): client id and secret, renewed by the same grant.
///
/// # Errors
///
/// As [`Vathos::new`] and [`Vathos::service_account`].
pub fn service_account(
    client_id: impl Into<String>,
    client_secret: impl Into<String>,
) -> Result<ClientCredentials, Error> {
    Vathos::new(client_id, client_secret)?.service_account()
}

/// The client grant (a natural person): four credentials, renewed by the refresh token that comes with them.
///
/// # Errors
///
/// As [`Vathos::new`] and [`Vathos::client_grant`].
pub fn client_grant(
    client_id: impl Into<String>,
    client_secret: impl Into<String>,
    username: impl Into<String>,
    password: impl Into<String>,
) -> Result<Password, Error> {
    Vathos::new(client_id, client_secret)?.client_grant(username, password)
}

/// The settings of both grants: for another realm, a test server, or the environment.
#[derive(Clone)]
pub struct Vathos {
    client_id: String,
    client_secret: SecretString,
    base_url: String,
    token_url: String,
    transport: Option<TokenTransport>,
}

impl Vathos {
    /// A client with Vathos's own URLs.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when the id or the secret is empty.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<String>) -> Result<Self, Error> {
        Ok(Self {
            client_id: non_empty(client_id.into(), "client id")?,
            client_secret: non_empty(client_secret.into(), "client secret")?.into(),
            base_url: BASE_URL.to_owned(),
            token_url: TOKEN_URL.to_owned(),
            transport: None,
        })
    }

    /// A client from `CLIENT_ID` and `CLIENT_SECRET`, with the base URL in `VATHOS_BASE_URL` if that is set.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured), with the name of the variable, when one is missing,
    /// empty, not Unicode, or no usable URL.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(|name| env::var_os(name).map(|value| value.into_string().map_err(|_| ())))
    }

    fn from_variables(read: impl Fn(&str) -> Option<Result<String, ()>>) -> Result<Self, Error> {
        let unusable =
            |name: &str, why: &str| Error::misconfigured(format!("environment variable {name}: {why}"));
        let required = |name: &str| match read(name) {
            Some(Ok(value)) if !value.is_empty() => Ok(value),
            Some(Ok(_)) => Err(unusable(name, "it is empty")),
            Some(Err(())) => Err(unusable(name, "it is not Unicode")),
            None => Err(unusable(name, "it is not set")),
        };
        let vathos = Self::new(required("CLIENT_ID")?, required("CLIENT_SECRET")?)?;
        match read("VATHOS_BASE_URL") {
            None => Ok(vathos),
            Some(_) => vathos
                .with_base_url(required("VATHOS_BASE_URL")?)
                .map_err(|_| unusable("VATHOS_BASE_URL", "it is no https URL (plain http on loopback only)")),
        }
    }

    /// Another base of the API.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when it is no https URL (http on loopback).
    pub fn with_base_url(mut self, url: impl Into<String>) -> Result<Self, Error> {
        let url = url.into();
        let uri = url.parse().map_err(|_| Error::misconfigured("base URL: it is no URL"))?;
        Origin::secure(&uri, "base URL")?;
        self.base_url = url;
        Ok(self)
    }

    /// Another token endpoint: another realm, a test server.
    ///
    /// # Errors
    ///
    /// As [`TokenEndpoint::new`].
    pub fn with_token_url(mut self, url: impl Into<String>) -> Result<Self, Error> {
        self.token_url = url.into();
        TokenEndpoint::new(&self.token_url)?;
        Ok(self)
    }

    /// What sends the token requests. Default: as [`TokenEndpoint::transport`].
    #[must_use]
    pub fn with_transport(mut self, transport: TokenTransport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// The base of the API.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The origin of the base URL: the scope for an [`AuthLayer`](crate::AuthLayer) or a middleware.
    pub fn origin(&self) -> String {
        let authority_at = self.base_url.find("://").map_or(0, |at| at + 3);
        let rest = &self.base_url[authority_at..];
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        self.base_url[..authority_at + end].to_owned()
    }

    /// The service account of this client.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when there is no transport.
    pub fn service_account(&self) -> Result<ClientCredentials, Error> {
        ClientCredentials::new(self.endpoint()?, self.auth()?)
    }

    /// The client grant of this client, for one user.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when the user name or the password is empty, or
    /// there is no transport.
    pub fn client_grant(
        &self,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Password, Error> {
        Password::new(self.endpoint()?, self.auth()?, username, password)
    }

    fn endpoint(&self) -> Result<TokenEndpoint, Error> {
        let endpoint = TokenEndpoint::new(&self.token_url)?.timeout(TIMEOUT);
        Ok(match &self.transport {
            Some(transport) => endpoint.transport(transport.clone()),
            None => endpoint,
        })
    }

    fn auth(&self) -> Result<ClientAuth, Error> {
        ClientAuth::post(self.client_id.clone(), self.client_secret.expose_secret())
    }
}

impl fmt::Debug for Vathos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vathos")
            .field("client_id", &self.client_id)
            .field("base_url", &self.base_url)
            .field("token_url", &self.token_url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &'static [(&str, &str)]) -> Result<Vathos, Error> {
        Vathos::from_variables(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| Ok((*value).to_owned()))
        })
    }

    fn message(result: Result<Vathos, Error>) -> String {
        result.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_environment_names_the_client_and_the_base() {
        let vathos = read(&[
            ("CLIENT_ID", "id"),
            ("CLIENT_SECRET", "s"),
            ("VATHOS_BASE_URL", "https://v.test:8443/v1"),
        ]);
        let vathos = vathos.unwrap_or_else(|error| unreachable!("{error}"));
        assert_eq!(vathos.origin(), "https://v.test:8443");
        assert_eq!(
            read(&[("CLIENT_ID", "id"), ("CLIENT_SECRET", "s")]).map(|v| v.origin()).ok().as_deref(),
            Some(API_ORIGIN)
        );
    }

    #[test]
    fn a_missing_or_bad_variable_is_named_and_its_value_is_not() {
        assert!(message(read(&[])).contains("CLIENT_ID: it is not set"));
        assert!(message(read(&[("CLIENT_ID", "id")])).contains("CLIENT_SECRET: it is not set"));
        assert!(
            message(read(&[("CLIENT_ID", ""), ("CLIENT_SECRET", "s")])).contains("CLIENT_ID: it is empty")
        );
        let bad = message(read(&[
            ("CLIENT_ID", "i"),
            ("CLIENT_SECRET", "s"),
            ("VATHOS_BASE_URL", "http://far.test"),
        ]));
        assert!(bad.contains("VATHOS_BASE_URL") && !bad.contains("far.test"), "{bad}");
    }
}

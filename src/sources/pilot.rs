//! PILOT: a user of the portal, logged in with a password, an API key or a browser.
//!
//! ```
//! # #[cfg(feature = "reqwest")]
//! # fn example() -> Result<(), reauth::Error> {
//! use reauth::{Authenticator, Credentials, pilot::{ApiKey, Pilot}, store::MemoryStore};
//!
//! // With a user name and a password:
//! let auth = Authenticator::new(Pilot::new("https://pilot.example.com", "ada", "s3cret")?);
//!
//! // With credentials from a log-in elsewhere:
//! let credentials = Credentials::new("at-1")?.with_refresh_token("rt-1")?;
//! let auth = Authenticator::new(Pilot::from_credentials("https://pilot.example.com", credentials)?);
//!
//! // With what a store holds:
//! let source = Pilot::stored("https://pilot.example.com")?;
//! let auth = Authenticator::builder(source).store(MemoryStore::new()).build();
//!
//! // With an API key, at the Keycloak realm:
//! let realm = "https://id.example.com/auth/realms/pilot";
//! let auth = Authenticator::new(ApiKey::new(realm, "my-api-key")?);
//! # Ok(())
//! # }
//! ```

mod api_key;
mod device;
mod envelope;
mod hpc;
mod realm;

pub use api_key::ApiKey;
pub use device::DeviceLogin;
pub use hpc::HpcLogin;
pub use realm::CLIENT_ID;

use secrecy::{ExposeSecret, SecretString};

use crate::credentials::Credentials;
use crate::error::Error;
use crate::source::CredentialSource;
use crate::sources::nothing_stored;
use crate::token_endpoint::{Purpose, ResolvedEndpoint, TokenEndpoint, non_empty};

/// Where the service has the requests of a user, below the base URL.
const SERVICE: &str = "/v1/users";
/// Where the public gateway has them.
const GATEWAY: &str = "/portal/users";

/// A user of PILOT, with a password, with credentials, with both, or with what a store holds.
///
/// It renews a token with the refresh token that comes with it, and logs in again if that is refused and it has a
/// password. A log-in may take as long as [`TokenEndpoint::timeout`] of its endpoint says.
#[derive(Clone, Debug)]
pub struct Pilot {
    base: ResolvedEndpoint,
    users: &'static str,
    password: Option<(String, SecretString)>,
    credentials: Option<Credentials>,
}

impl Pilot {
    /// Creates the source for a user of the portal at this base URL, such as `https://pilot.example.com`.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the endpoint's URL is refused
    /// ([`TokenEndpoint::new`]), or has a query, or it has no transport, or if the user name or the password is
    /// empty.
    pub fn new(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, Error> {
        let username = non_empty(username.into(), "user name")?;
        let password = non_empty(password.into(), "password")?.into();
        Ok(Self { password: Some((username, password)), ..Self::at(endpoint)? })
    }

    /// Creates the source for credentials that PILOT issued before. It can't log in: once the refresh token is
    /// refused, the user has to.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the endpoint's URL is refused
    /// ([`TokenEndpoint::new`]), or has a query, or it has no transport.
    pub fn from_credentials(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        credentials: Credentials,
    ) -> Result<Self, Error> {
        Ok(Self::at(endpoint)?.credentials(credentials))
    }

    /// Creates the source for the credentials that the authenticator's store holds, or that
    /// [`set_credentials`](crate::Authenticator::set_credentials) brings. It can't log in: until there are any, callers get
    /// [`LoginRequired`](crate::ErrorKind::LoginRequired).
    ///
    /// # Errors
    ///
    /// As for [`from_credentials`](Self::from_credentials).
    pub fn stored(endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>) -> Result<Self, Error> {
        Self::at(endpoint)
    }

    fn at(endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>) -> Result<Self, Error> {
        let base = ResolvedEndpoint::new(endpoint)?;
        // What a request would refuse is refused now: no path is longer.
        base.join(&format!("{GATEWAY}/refresh"))?;
        Ok(Self { base, users: SERVICE, password: None, credentials: None })
    }

    /// Sets credentials that PILOT issued before. They are used first, and no log-in is needed while they can be
    /// refreshed.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Makes the endpoint the public gateway (`/portal/users/…`). Default: the service (`/v1/users/…`).
    #[must_use]
    pub fn gateway(mut self) -> Self {
        self.users = GATEWAY;
        self
    }

    async fn request(
        &self,
        verb: &str,
        members: &[(&str, &str)],
        purpose: Purpose,
        secrets: &[&str],
    ) -> Result<Credentials, Error> {
        let endpoint = self.base.join(&format!("{}/{verb}", self.users))?;
        let response = endpoint.post_json(members, purpose).await?;
        envelope::read(&response, purpose, secrets)
    }
}

impl CredentialSource for Pilot {
    async fn login(&self) -> Result<Credentials, Error> {
        let Some((username, password)) = &self.password else {
            return Err(match self.credentials {
                Some(_) => Error::unsupported(
                    "PILOT's credentials can't be used any more, and there is no password; log in again",
                ),
                None => nothing_stored(),
            });
        };
        let password = password.expose_secret();
        let members = [("username", username.as_str()), ("password", password)];
        self.request("auth", &members, Purpose::Login, &[password]).await
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        let Some(refresh_token) = held.refresh_token() else {
            return Err(Error::unsupported("there is no refresh token; log in again"));
        };
        // One word, without an underscore.
        let members = [("refreshtoken", refresh_token)];
        self.request("refresh", &members, Purpose::Refresh, &[refresh_token, held.access_token()]).await
    }

    fn initial(&self) -> Option<Credentials> {
        self.credentials.clone()
    }
}

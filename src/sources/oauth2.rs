//! The general grants, at any RFC 6749 token endpoint.
//!
//! ```
//! # #[cfg(feature = "reqwest")]
//! # fn example() -> Result<(), reauth::Error> {
//! use reauth::{Authenticator, ClientAuth, TokenEndpoint, oauth2};
//!
//! let endpoint = TokenEndpoint::new("https://id.example.com/token")?;
//! let client = ClientAuth::basic("my-service", "s3cret")?;
//! let auth = Authenticator::new(oauth2::ClientCredentials::new(endpoint, client)?.scope("api"));
//! # Ok(())
//! # }
//! ```

mod client;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use self::client::Client;
use crate::token_endpoint::{Form, non_empty};
use crate::{ClientAuth, CredentialSource, Credentials, Error, TokenEndpoint};

macro_rules! client_settings {
    () => {
        /// The scope to ask for, space-separated (RFC 6749 section 3.3). Default: none is sent.
        #[must_use]
        pub fn scope(mut self, scope: impl Into<String>) -> Self {
            self.client.scope = Some(scope.into());
            self
        }

        /// One more form field of every log-in and refresh, such as `audience`. Its value is kept as a secret.
        #[must_use]
        pub fn extra_field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.client.extra.push((name.into(), value.into().into()));
            self
        }

        /// Where a log-out revokes the refresh token, or else the access token (RFC 7009): see
        /// [`Authenticator::log_out`](crate::Authenticator::log_out). Default: nowhere.
        ///
        /// Keycloak's is the realm's `/protocol/openid-connect/revoke`. The client authenticates as at the token
        /// endpoint. The transport is that one's too, unless the endpoint given here has its own.
        #[must_use]
        pub fn revocation_endpoint(mut self, endpoint: TokenEndpoint) -> Self {
            self.client.revoke_at(endpoint);
            self
        }
    };
}

macro_rules! refresh_settings {
    () => {
        /// Whether the scope is sent with a refresh too: some servers need it, some refuse it. Default:
        /// false.
        #[must_use]
        pub fn scope_on_refresh(mut self, send: bool) -> Self {
            self.client.scope_on_refresh = send;
            self
        }
    };
}

/// The client credentials grant (RFC 6749 section 4.4): a service on its own behalf. Renewal is the same grant
/// again, unless the server gives a refresh token.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    client: Client,
}

impl ClientCredentials {
    /// The grant at an endpoint.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when there is no transport.
    pub fn new(endpoint: TokenEndpoint, auth: ClientAuth) -> Result<Self, Error> {
        Ok(Self { client: Client::new(endpoint, auth)? })
    }

    client_settings!();
}

impl CredentialSource for ClientCredentials {
    async fn login(&self) -> Result<Credentials, Error> {
        self.client.login(Form::of_grant("client_credentials"), &[]).await
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        self.client.refresh(held).await
    }

    async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        self.client.revoke(held).await
    }
}

/// The resource owner password credentials grant (RFC 6749 section 4.3), with the refresh token that comes with
/// it; logs in again when that is dead.
#[derive(Clone)]
pub struct Password {
    client: Client,
    username: String,
    password: SecretString,
}

impl Password {
    /// The grant at an endpoint, for one user.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when the user name or the password is empty, or
    /// there is no transport.
    pub fn new(
        endpoint: TokenEndpoint,
        auth: ClientAuth,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, Error> {
        Ok(Self {
            client: Client::new(endpoint, auth)?,
            username: non_empty(username.into(), "user name")?,
            password: non_empty(password.into(), "password")?.into(),
        })
    }

    client_settings!();
    refresh_settings!();
}

impl CredentialSource for Password {
    async fn login(&self) -> Result<Credentials, Error> {
        let password = self.password.expose_secret();
        let mut form = Form::of_grant("password");
        form.field("username", &self.username).field("password", password);
        self.client.login(form, &[Some(password)]).await
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        self.client.refresh(held).await
    }

    async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        self.client.revoke(held).await
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Password")
            .field("client", &self.client)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// The refresh token grant alone (RFC 6749 section 6): credentials from a log-in elsewhere, kept good for as
/// long as their refresh token lives.
#[derive(Clone, Debug)]
pub struct RefreshToken {
    client: Client,
    credentials: Credentials,
}

impl RefreshToken {
    /// Keeps these credentials good at an endpoint.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when they have no refresh token, or there is no
    /// transport.
    pub fn new(endpoint: TokenEndpoint, auth: ClientAuth, credentials: Credentials) -> Result<Self, Error> {
        if credentials.refresh_token().is_none() {
            return Err(Error::misconfigured("credentials: they have no refresh token"));
        }
        Ok(Self { client: Client::new(endpoint, auth)?, credentials })
    }

    client_settings!();
    refresh_settings!();
}

impl CredentialSource for RefreshToken {
    async fn login(&self) -> Result<Credentials, Error> {
        Err(Error::unsupported(
            "the refresh token is used up and no other way to log in is known: log in again",
        ))
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        self.client.refresh(held).await
    }

    async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        self.client.revoke(held).await
    }

    fn initial(&self) -> Option<Credentials> {
        Some(self.credentials.clone())
    }
}

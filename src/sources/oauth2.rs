//! The grants of OAuth 2, at any RFC 6749 token endpoint.
//!
//! ```
//! # #[cfg(feature = "reqwest")]
//! # fn example() -> Result<(), reauth::Error> {
//! use reauth::{Authenticator, ClientAuth, oauth2};
//!
//! let client_auth = ClientAuth::basic("my-service", "s3cret")?;
//! let source = oauth2::ClientCredentials::new("https://id.example.com/token", client_auth)?.scope("api");
//! let auth = Authenticator::new(source);
//! # Ok(())
//! # }
//! ```

mod asking;
mod client;
#[cfg(feature = "loopback")]
mod code;
mod device;
mod exchange;
mod jwt_bearer;
mod settings;

pub(super) use self::client::GrantClient;
use self::client::Login;
#[cfg(feature = "loopback")]
pub use self::code::AuthorizationCode;
pub use self::device::{DeviceCode, DevicePrompt};
pub use self::exchange::TokenExchange;
pub use self::jwt_bearer::JwtBearer;
pub(super) use self::settings::{client_settings, client_source, refresh_settings};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::source::CredentialSource;
use crate::token_endpoint::{ClientAuth, TokenEndpoint, non_empty};

/// The client credentials grant (RFC 6749 section 4.4), for a service that acts for itself.
///
/// It renews a token with the same grant, or with a refresh token if the server gives one.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    pub(super) client: GrantClient,
}

impl ClientCredentials {
    /// Creates the source for a client at a token endpoint.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the endpoint's URL is refused
    /// ([`TokenEndpoint::new`]) or it has no transport.
    pub fn new(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        client_auth: ClientAuth,
    ) -> Result<Self, Error> {
        Ok(Self { client: GrantClient::new(endpoint, Some(client_auth), Login::Client)? })
    }
}

client_source!(ClientCredentials);

/// The resource owner password credentials grant (RFC 6749 section 4.3), for a user whose password the program has.
///
/// It renews a token with the refresh token that comes with it, and logs in again if that is refused.
#[derive(Clone, Debug)]
pub struct Password {
    pub(super) client: GrantClient,
}

impl Password {
    /// Creates the source for a user at a token endpoint.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the endpoint's URL is refused
    /// ([`TokenEndpoint::new`]) or it has no transport, or if the user name or the password is empty.
    pub fn new(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        client_auth: ClientAuth,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, Error> {
        let username = non_empty(username.into(), "user name")?;
        let login = Login::User(username, non_empty(password.into(), "password")?.into());
        Ok(Self { client: GrantClient::new(endpoint, Some(client_auth), login)? })
    }

    refresh_settings!();
}

client_source!(Password);

/// The refresh token grant (RFC 6749 section 6) alone, for credentials from a log-in elsewhere.
///
/// It renews a token with the refresh token, and can't log in: once the refresh token is refused, the user has to.
#[derive(Clone, Debug)]
pub struct RefreshToken {
    pub(super) client: GrantClient,
}

impl RefreshToken {
    /// Creates the source for credentials that were issued by a token endpoint. They are used first.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the endpoint's URL is refused
    /// ([`TokenEndpoint::new`]) or it has no transport, or if the credentials have no refresh token.
    pub fn new(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        client_auth: ClientAuth,
        credentials: Credentials,
    ) -> Result<Self, Error> {
        if credentials.refresh_token().is_none() {
            return Err(Error::misconfigured(
                "credentials: they have no refresh token; add one with `Credentials::with_refresh_token`",
            ));
        }
        let login = Login::Elsewhere(Some(credentials));
        Ok(Self { client: GrantClient::new(endpoint, Some(client_auth), login)? })
    }

    /// Creates the source for the credentials that the authenticator's store holds, or that
    /// [`set_credentials`](crate::Authenticator::set_credentials) brings. Until there are any, callers get
    /// [`LoginRequired`](crate::ErrorKind::LoginRequired).
    ///
    /// ```
    /// # #[cfg(feature = "reqwest")]
    /// # fn example() -> Result<(), reauth::Error> {
    /// use reauth::{Authenticator, ClientAuth, oauth2, store::MemoryStore};
    ///
    /// let client_auth = ClientAuth::none("my-program")?;
    /// let source = oauth2::RefreshToken::stored("https://id.example.com/token", client_auth)?;
    /// let auth = Authenticator::builder(source).store(MemoryStore::new()).build();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the endpoint's URL is refused
    /// ([`TokenEndpoint::new`]) or it has no transport.
    pub fn stored(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        client_auth: ClientAuth,
    ) -> Result<Self, Error> {
        Ok(Self { client: GrantClient::new(endpoint, Some(client_auth), Login::Elsewhere(None))? })
    }

    refresh_settings!();
}

client_source!(RefreshToken);

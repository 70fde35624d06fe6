//! The JWT bearer grant (RFC 7523 section 2.1).

use super::client::{GrantClient, Login};
use super::settings::{client_setting, client_source};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::source::CredentialSource;
use crate::token_endpoint::{ClientAuth, TokenEndpoint, maker};

/// The JWT bearer grant (RFC 7523 section 2.1): a signed statement about a user or a service, exchanged for tokens.
///
/// ```
/// # #[cfg(feature = "reqwest")]
/// # fn example() -> Result<(), reauth::Error> {
/// use reauth::{Authenticator, oauth2};
/// # async fn sign() -> Result<String, reauth::Error> { Ok("a.b.c".into()) }
///
/// let source = oauth2::JwtBearer::new("https://id.example.com/token", || async { sign().await })?.scope("api");
/// let auth = Authenticator::new(source);
/// # Ok(())
/// # }
/// ```
///
/// `sign` is the program's function. It makes a new JWT for each log-in; `examples/private_key_jwt.rs` shows how to sign one.
/// It renews a token with the same grant, or with a refresh token if the server gives one.
#[derive(Clone, Debug)]
pub struct JwtBearer {
    pub(super) client: GrantClient,
}

impl JwtBearer {
    /// Creates the source for a token endpoint and a closure that makes, or reads, the JWT for each log-in.
    ///
    /// The error of the closure is that of the log-in. White space around the JWT is left out.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the endpoint's URL is refused
    /// ([`TokenEndpoint::new`]) or it has no transport.
    ///
    /// # Cancel safety
    ///
    /// The future of the closure is dropped at the deadline of the flight.
    pub fn new<F, Fut>(
        endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>,
        assertion: F,
    ) -> Result<Self, Error>
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, Error>> + Send + 'static,
    {
        Ok(Self { client: GrantClient::new(endpoint, None, Login::Assertion(maker(assertion)))? })
    }

    client_setting!();
}

client_source!(JwtBearer);

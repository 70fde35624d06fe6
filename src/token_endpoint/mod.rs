//! One POST to a token endpoint, with limits of time and size, over any tower HTTP service.

mod client_auth;
mod json;
mod redactor;
mod resolved;
mod response;
mod transport;

pub use client_auth::ClientAuth;
pub use transport::TokenTransport;

pub(crate) use client_auth::non_empty;
pub(crate) use json::JsonObject;
pub(crate) use redactor::clean;
pub(crate) use resolved::{Form, ResolvedEndpoint};
pub(crate) use response::{
    Purpose, check_status, read_revocation, read_token_object, read_tokens, unreadable,
};

use std::fmt;
use std::time::Duration;

use http::Uri;

use crate::error::Error;
use crate::origins::Origin;

/// A token endpoint, or a revocation endpoint: its URL, and optionally a transport and a time limit.
///
/// Where a source takes an endpoint, a URL alone will do: it is an endpoint with the defaults.
///
/// ```
/// # #[cfg(feature = "reqwest")]
/// # fn example() -> Result<(), reauth::Error> {
/// use reauth::{TokenEndpoint, TokenTransport};
/// use std::time::Duration;
///
/// let endpoint = TokenEndpoint::new("https://id.example.com/token")?.timeout(Duration::from_secs(5));
/// // With a proxy or TLS settings of your choice:
/// let endpoint = endpoint.transport(TokenTransport::reqwest(reqwest::Client::builder())?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TokenEndpoint {
    url: EndpointUrl,
    transport: Option<TokenTransport>,
    pub(crate) timeout: Option<Duration>,
}

impl TokenEndpoint {
    /// The time that one attempt at a token endpoint may take by default: 10 s.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
    /// The largest response that is read from a token endpoint, in bytes: 1 MiB.
    pub const MAX_RESPONSE: usize = 1 << 20;

    /// Creates an endpoint from its URL: https, or plain http on loopback.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if it is not such a URL, or if it has a user name, a
    /// password or a fragment.
    pub fn new(url: &str) -> Result<Self, Error> {
        let endpoint = Self::danger_accept_plain_http(url)?;
        Origin::secure(&endpoint.url.0, "token endpoint")?;
        Ok(endpoint)
    }

    /// Creates an endpoint from its URL, and accepts plain http to any host: **secrets and tokens are readable on
    /// the network**.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), except for the scheme.
    pub fn danger_accept_plain_http(url: &str) -> Result<Self, Error> {
        let uri: Option<Uri> = url.parse().ok().filter(|uri| Origin::of(uri).is_some() && !url.contains('#'));
        let uri = uri.ok_or_else(|| {
            Error::misconfigured(
                "token endpoint: it is not an absolute http(s) URL without user name, password and fragment; \
                 use one such as https://id.example.com/token",
            )
        })?;
        Ok(Self { url: EndpointUrl(uri), transport: None, timeout: None })
    }

    /// Sets what sends the requests. Default, with the feature `reqwest`: a reqwest client with its defaults and
    /// without redirects. Without the feature, a transport is required.
    ///
    /// The default speaks https only if some crate of the program turns on a TLS feature of reqwest; a dependency on
    /// `reqwest` with its default features does. Otherwise an https endpoint "can't be reached", and the last cause
    /// of that error says "scheme is not http".
    #[must_use]
    pub fn transport(mut self, transport: TokenTransport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Sets the time that one attempt may take. Default: [`TokenEndpoint::DEFAULT_TIMEOUT`], or
    /// [`vathos::TIMEOUT`](crate::vathos::TIMEOUT) for the token endpoint of the sources of Vathos.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl TryFrom<&str> for TokenEndpoint {
    type Error = Error;

    /// As [`TokenEndpoint::new`].
    fn try_from(url: &str) -> Result<Self, Error> {
        Self::new(url)
    }
}

impl TryFrom<&String> for TokenEndpoint {
    type Error = Error;

    /// As [`TokenEndpoint::new`].
    fn try_from(url: &String) -> Result<Self, Error> {
        Self::new(url)
    }
}

impl TryFrom<String> for TokenEndpoint {
    type Error = Error;

    /// As [`TokenEndpoint::new`].
    fn try_from(url: String) -> Result<Self, Error> {
        Self::new(&url)
    }
}

/// A URL whose `Debug` leaves out the query, which may hold a key.
#[derive(Clone)]
struct EndpointUrl(Uri);

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_string().split('?').next().unwrap_or_default())
    }
}

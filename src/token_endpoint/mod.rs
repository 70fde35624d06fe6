//! Requests to a token endpoint, with limits of time and size, over any tower HTTP service.

mod client_auth;
mod discovery;
mod json;
mod reach;
mod redactor;
mod request;
mod resolved;
mod response;
mod token_response;
mod transport;

pub use client_auth::ClientAuth;
pub use request::TokenRequest;
pub use token_response::TokenResponse;
pub use transport::TokenTransport;

pub(crate) use client_auth::{MakeAssertion, maker, non_empty, read_assertion};
use discovery::Discovered;
pub(crate) use json::{JsonObject, without_bom};
pub(crate) use redactor::clean;
pub(crate) use redactor::clean_code;
use redactor::clean_media_type;
pub(crate) use resolved::ResolvedEndpoint;
pub(crate) use response::{Expected, Purpose, Received, Speaker, read_token_object, unreadable};
use response::{read_object, read_revocation};
pub(crate) use token_response::Members;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};
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
    /// The URL, or that of the issuer by which it is found.
    url: EndpointUrl,
    discovered: Option<Discovered>,
    transport: Option<TokenTransport>,
    /// The transport that is used if none is set. Clones share it. It keeps no connection.
    default_transport: Arc<OnceLock<TokenTransport>>,
    pub(crate) timeout: Option<Duration>,
}

impl TokenEndpoint {
    /// The time that one log-in may take by default: 10 s.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
    /// The time that one revocation request may take by default: 4 s. A log-out makes two, within
    /// [`DEFAULT_TIMEOUT`](Self::DEFAULT_TIMEOUT).
    pub const DEFAULT_REVOCATION_TIMEOUT: Duration = Duration::from_secs(4);
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

    /// Creates an endpoint that is found by the issuer of a provider, such as `https://id.example.com/realms/my-realm`: in its
    /// metadata (OpenID Connect Discovery 1.0, or RFC 8414). The issuer is https, or plain http on loopback.
    ///
    /// The metadata are read before the first request, within its time limit, and over its transport. They are kept as long as
    /// this endpoint and its clones, or until nothing is at the URL that they name. They count only if they name exactly this
    /// issuer, and https endpoints. If they can't be read, the request fails, and a later one reads them. No response to a
    /// request of your program leads to another issuer.
    ///
    /// ```
    /// # #[cfg(feature = "reqwest")]
    /// # fn example() -> Result<(), reauth::Error> {
    /// use reauth::{ClientAuth, TokenEndpoint, oauth2};
    ///
    /// let endpoint = TokenEndpoint::discover("https://id.example.com/realms/my-realm")?;
    /// let revocation = endpoint.discovered("revocation_endpoint")?;
    /// let client_auth = ClientAuth::basic("my-service", "s3cret")?;
    /// let source = oauth2::ClientCredentials::new(endpoint, client_auth)?.revocation_endpoint(revocation);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); also if the issuer has a query.
    pub fn discover(issuer: &str) -> Result<Self, Error> {
        let endpoint = Self::new(issuer)?;
        if endpoint.url.0.query().is_some() {
            return Err(Error::misconfigured("issuer: it has a query; use the URL without it"));
        }
        Ok(Self { discovered: Some(Discovered::new(issuer)), ..endpoint })
    }

    /// Returns another endpoint from the same metadata, such as the `revocation_endpoint`. It shares the metadata, the
    /// transport and the time limit.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if this endpoint does not come from [`discover`](Self::discover).
    /// If the metadata have no such member, a request fails.
    pub fn discovered(&self, member: impl Into<Cow<'static, str>>) -> Result<Self, Error> {
        let discovered = self.discovered.as_ref().ok_or_else(|| {
            Error::misconfigured("token endpoint: it has a URL; use `TokenEndpoint::discover` to find others")
        })?;
        Ok(Self { discovered: Some(discovered.with_member(member.into())), ..self.clone() })
    }

    /// Creates an endpoint from its URL, and accepts plain http to any host: **secrets and tokens are readable on
    /// the network**.
    ///
    /// The metadata servers of clouds are such endpoints, at the link-local address 169.254.169.254. A request to it does not
    /// leave the host, as long as the program runs in that cloud: elsewhere, anybody on the local network may respond.
    /// [`TokenRequest::get`] has an example.
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
        let url = EndpointUrl(uri);
        Ok(Self { url, discovered: None, transport: None, default_transport: Arc::default(), timeout: None })
    }

    /// Sets what sends the requests. Default, with the feature `reqwest`: a reqwest client with its defaults and
    /// without redirects. Without the feature, a transport is required.
    ///
    /// The default speaks https only if some crate of the program turns on a TLS feature of reqwest; a dependency on
    /// `reqwest` with its default features does. Otherwise the first request to an https endpoint fails with
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured), and so does one to a server whose certificate is from an
    /// unknown authority. The default gives up connecting after 3 s, or after [`timeout`](Self::timeout) if that is less.
    #[must_use]
    pub fn transport(mut self, transport: TokenTransport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Sets the time that one log-in or one revocation may take. Default: [`TokenEndpoint::DEFAULT_TIMEOUT`]
    /// ([`vathos::TIMEOUT`](crate::vathos::TIMEOUT) for the token endpoint of the sources of Vathos), and
    /// [`TokenEndpoint::DEFAULT_REVOCATION_TIMEOUT`] for a revocation.
    ///
    /// It does not end a request that carries a refresh token. A slow provider may have spent that token already, and
    /// to send it again could end the login. The authenticator lets callers go at
    /// [`Timing::flight_deadline`](crate::Timing::flight_deadline), and ends the request at twice that time. A program
    /// that calls [`CredentialSource::refresh`](crate::CredentialSource::refresh) itself sets a limit of its choice.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        // It gives up connecting after the time limit.
        self.default_transport = Arc::default();
        self
    }

    /// Starts a request for tokens with a grant of your own.
    ///
    /// If there is no transport, sending it fails.
    pub fn request(&self) -> TokenRequest {
        TokenRequest::new(ResolvedEndpoint::new(self.clone()))
    }

    fn resolved_transport(&self) -> Result<TokenTransport, Error> {
        match (&self.transport, self.default_transport.get()) {
            (Some(transport), _) | (None, Some(transport)) => Ok(transport.clone()),
            (None, None) => {
                let transport = TokenTransport::default_for(self)?;
                Ok(self.default_transport.get_or_init(|| transport).clone())
            }
        }
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

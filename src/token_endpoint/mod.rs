//! One bounded POST to a token endpoint, over any tower HTTP service.

mod client_auth;
mod redactor;
mod request;
mod response;
mod transport;

pub use client_auth::ClientAuth;
pub use transport::TokenTransport;

pub(crate) use client_auth::non_empty;
pub(crate) use redactor::Redactor;
pub(crate) use request::{Form, json_body};
pub(crate) use response::{
    Object, Purpose, failure, members, object, parse, parse_token_object, revoked, string, unreadable,
};

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::Full;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::Error;
use crate::origins::Origin;

/// Where tokens are asked for, or revoked: a URL, a transport and a time limit.
///
/// ```
/// # #[cfg(feature = "reqwest")]
/// # fn example() -> Result<(), reauth::Error> {
/// use reauth::{TokenEndpoint, TokenTransport};
/// use std::time::Duration;
///
/// let endpoint = TokenEndpoint::new("https://id.example.com/token")?.timeout(Duration::from_secs(5));
/// // with the caller's own proxy and TLS settings
/// let endpoint = endpoint.transport(TokenTransport::reqwest(reqwest::Client::builder())?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenEndpoint {
    url: Uri,
    transport: Option<TokenTransport>,
    timeout: Duration,
}

impl TokenEndpoint {
    /// How long one attempt at a token endpoint may take, by default.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
    /// The largest response that is read from a token endpoint, in bytes: 1 MiB.
    pub const MAX_RESPONSE: usize = 1 << 20;

    /// The endpoint at this URL: https, or http on loopback.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when it is no such URL, or holds a user name, a
    /// password or a fragment.
    pub fn new(url: &str) -> Result<Self, Error> {
        let endpoint = Self::danger_accept_plain_http(url)?;
        Origin::secure(&endpoint.url, "token endpoint")?;
        Ok(endpoint)
    }

    /// The same, and plain http to any host: **secrets and tokens are readable on the network**.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), but for the scheme.
    pub fn danger_accept_plain_http(url: &str) -> Result<Self, Error> {
        let uri: Option<Uri> = url.parse().ok().filter(|uri| Origin::of(uri).is_some() && !url.contains('#'));
        let url = uri.ok_or_else(|| {
            Error::misconfigured(
                "token endpoint: it is not an absolute http(s) URL without user name, password and fragment",
            )
        })?;
        Ok(Self { url, transport: None, timeout: TokenEndpoint::DEFAULT_TIMEOUT })
    }

    /// What sends the requests. Default, with the feature `reqwest`: a reqwest client with its defaults and
    /// without redirects. Without the feature it has to be named.
    ///
    /// The default speaks https only if some crate of the program turns on a TLS feature of reqwest; a dependency on
    /// `reqwest` with its default features does. Else an https endpoint "can't be reached", and the last cause of
    /// that error says "scheme is not http".
    #[must_use]
    pub fn transport(mut self, transport: TokenTransport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// How long one attempt may take. Default: [`TokenEndpoint::DEFAULT_TIMEOUT`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// With its transport in place.
    pub(crate) fn resolved(mut self) -> Result<Self, Error> {
        self.transport = Some(TokenTransport::or_default(self.transport)?);
        Ok(self)
    }

    /// With the other's transport, unless it has one of its own.
    pub(crate) fn or_transport_of(mut self, other: &Self) -> Self {
        self.transport = self.transport.or_else(|| other.transport.clone());
        self
    }

    /// One attempt. An answer of any status is an answer; no answer is an error.
    pub(crate) async fn post(
        &self,
        content_type: &'static str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Bytes>, Error> {
        if Handle::try_current().is_err() {
            // A log-out may come from another executor.
            return Err(Error::misconfigured(
                "no Tokio runtime: the identity provider can only be asked from within one",
            ));
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = headers;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let transport = TokenTransport::or_default(self.transport.clone())?;
        timeout(self.timeout, transport.send(request))
            .await
            .unwrap_or_else(|_| Err(Error::transient("the token endpoint did not answer in time")))
    }
}

/// Without the query, which may hold a key.
impl fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoint")
            .field("host", &self.url.host())
            .field("path", &self.url.path())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

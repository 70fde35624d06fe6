//! How a request reaches the token endpoint: any tower HTTP service, or reqwest.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
#[cfg(feature = "reqwest")]
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tower_service::Service;

use super::TokenEndpoint;
use super::reach::{torn, unanswered, unsent};
use super::response::TooLong;
use crate::error::Error;
use crate::origins::Origin;
use crate::source::BoxFuture;

/// The HTTP client for requests to token endpoints. It is not the client whose requests are authenticated.
///
/// It is cheap to clone, and clones share their connections.
#[derive(Clone)]
pub struct TokenTransport(Arc<dyn Fn(Request<Full<Bytes>>) -> Sending + Send + Sync>);

/// How long the default transport tries to connect. What is not connected by then is known to be unreached.
#[cfg(feature = "reqwest")]
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

type Sending = BoxFuture<'static, Result<Response<Bytes>, Error>>;

impl TokenTransport {
    /// Creates a transport from any tower HTTP service, such as hyper-util's client.
    ///
    /// The service must not follow redirects: they could carry the client's secret elsewhere. It should not contain
    /// the [`AuthLayer`](crate::AuthLayer) that its tokens are for. If it does, its token
    /// requests fail at once with [`Misconfigured`](crate::ErrorKind::Misconfigured).
    pub fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn StdError + Send + Sync>>,
        S::Future: Send,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        // The mutex is for services that are not `Sync`. It is held for the clone alone.
        let service = Mutex::new(service);
        Self(Arc::new(move |request| {
            let mut service = service.lock().unwrap_or_else(PoisonError::into_inner).clone();
            Box::pin(async move {
                poll_fn(|context| service.poll_ready(context)).await.map_err(unsent)?;
                collect(service.call(request).await.map_err(unanswered)?).await
            })
        }))
    }

    /// Creates a transport over reqwest, with the proxy and TLS settings of `builder`. It turns off redirects, reqwest's
    /// retries (the authenticator makes them), and `connection_verbose`, which would log secrets.
    ///
    /// A connection belongs to the runtime that opened it. In a program with several runtimes, or one that also makes
    /// [blocking](crate::blocking) calls, set `pool_max_idle_per_host(0)`, as the default transport has it: a token request could
    /// otherwise wait for a runtime that stands still.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if reqwest can't build a client.
    #[cfg(feature = "reqwest")]
    pub fn reqwest(builder: reqwest::ClientBuilder) -> Result<Self, Error> {
        let builder = builder
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connection_verbose(false);
        let client = builder.build().map_err(|error| {
            let message =
                "reqwest can't build a client for the token endpoint; check its proxy and TLS settings";
            Error::misconfigured(message).with_source(error)
        })?;
        Ok(Self(Arc::new(move |request| {
            let client = client.clone();
            Box::pin(async move {
                let (parts, body) = request.into_parts();
                let Ok(body) = body.collect().await;
                let request = Request::from_parts(parts, body.to_bytes()).try_into().map_err(|_| {
                    Error::misconfigured("token endpoint: reqwest does not accept its URL; check the URL")
                })?;
                let response = client.execute(request).await.map_err(|error| {
                    let is_unreached = error.is_connect() || error.is_builder();
                    let error = error.without_url();
                    if is_unreached { unsent(error) } else { unanswered(error) }
                })?;
                collect(Response::from(response)).await
            })
        })))
    }

    /// The transport of an endpoint for which none was set. It keeps no connection, because one belongs to the runtime that opened
    /// it, and the next token request may come from another while that stands still. A proxy could read what plain http carries. A
    /// request to loopback or to a metadata server never has to leave the machine, so it ignores the proxies of the environment.
    #[cfg(feature = "reqwest")]
    pub(super) fn default_for(endpoint: &TokenEndpoint) -> Result<Self, Error> {
        let url = &endpoint.url.0;
        let limit = endpoint.timeout.unwrap_or(CONNECT_TIMEOUT).min(CONNECT_TIMEOUT);
        let builder = reqwest::Client::builder().connect_timeout(limit).pool_max_idle_per_host(0);
        Self::reqwest(if is_plain_and_near(url) { builder.no_proxy() } else { builder })
    }

    #[cfg(not(feature = "reqwest"))]
    pub(super) fn default_for(_: &TokenEndpoint) -> Result<Self, Error> {
        Err(Error::misconfigured(
            "token endpoint: it has no transport; set one with `TokenEndpoint::transport`, or enable the feature \
             `reqwest`",
        ))
    }

    pub(super) fn send(&self, request: Request<Full<Bytes>>) -> Sending {
        (self.0)(request)
    }
}

impl fmt::Debug for TokenTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenTransport")
    }
}

/// Whether a request to this URL is plain http that needs no proxy: to loopback, or to a link-local address (RFC 3927),
/// where clouds have their metadata servers.
pub(super) fn is_plain_and_near(url: &Uri) -> bool {
    let is_link_local =
        || url.host().and_then(|host| host.parse::<Ipv4Addr>().ok()).is_some_and(|ip| ip.is_link_local());
    Origin::is_plain_loopback(url) || url.scheme() == Some(&Scheme::HTTP) && is_link_local()
}

/// Reads the whole response, up to [`TokenEndpoint::MAX_RESPONSE`].
async fn collect<B>(response: Response<B>) -> Result<Response<Bytes>, Error>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let (parts, body) = response.into_parts();
    match Limited::new(body, TokenEndpoint::MAX_RESPONSE).collect().await {
        Ok(body) => Ok(Response::from_parts(parts, body.to_bytes())),
        // The status of a failure says enough (R9). A torn 4xx is different: the next one may say more.
        Err(_) if parts.status.is_server_error() => Ok(Response::from_parts(parts, Bytes::new())),
        Err(error) if !error.is::<LengthLimitError>() => Err(torn(error)),
        Err(_) if !parts.status.is_success() => {
            let mut response = Response::from_parts(parts, Bytes::new());
            response.extensions_mut().insert(TooLong);
            Ok(response)
        }
        Err(_) => Err(Error::invalid_response(
            "the token endpoint's response is larger than 1 MiB; check the endpoint's URL",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r81_plain_http_to_loopback_and_to_a_metadata_server_needs_no_proxy() {
        for url in ["http://127.0.0.1/a", "http://localhost:1/", "http://169.254.169.254/metadata?a=b"] {
            assert!(is_plain_and_near(&Uri::from_static(url)), "{url}");
        }
        for url in
            ["https://169.254.169.254/", "http://169.253.0.1/", "http://metadata.test/", "https://localhost/"]
        {
            assert!(!is_plain_and_near(&Uri::from_static(url)), "{url}");
        }
    }
}

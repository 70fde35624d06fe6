//! How a request reaches the token endpoint: any tower HTTP service, or reqwest.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tower_service::Service;

use super::TokenEndpoint;
use crate::Error;
use crate::source::BoxFuture;

/// A client of its own for the token endpoint, apart from the one it authenticates (R32).
///
/// Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct TokenTransport(Arc<dyn Transport>);

trait Transport: Send + Sync {
    fn send(&self, request: Request<Full<Bytes>>) -> BoxFuture<'_, Result<Response<Bytes>, Error>>;
}

impl TokenTransport {
    /// A transport over any tower HTTP service, such as hyper-util's client.
    ///
    /// It must not follow redirects: they could carry the client's secret elsewhere. It should be without
    /// the layer that it feeds; if it has it, a flight that has to wait for itself ends at its deadline.
    pub fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn StdError + Send + Sync>>,
        S::Future: Send,
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        Self(Arc::new(Tower(Mutex::new(service))))
    }

    /// A transport over reqwest, with the proxy and TLS settings of `builder`. Redirects are turned off, and so is
    /// `connection_verbose`, which would log secrets.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when reqwest can't build a client.
    #[cfg(feature = "reqwest")]
    pub fn reqwest(builder: reqwest::ClientBuilder) -> Result<Self, Error> {
        let client =
            builder.redirect(reqwest::redirect::Policy::none()).connection_verbose(false).build().map_err(
                |error| {
                    Error::misconfigured("reqwest could not build a client for the token endpoint")
                        .with_source(error)
                },
            )?;
        Ok(Self(Arc::new(Reqwest(client))))
    }

    /// The transport of a source that was given none: reqwest with its defaults.
    pub(crate) fn or_default(given: Option<Self>) -> Result<Self, Error> {
        match given {
            Some(transport) => Ok(transport),
            #[cfg(feature = "reqwest")]
            None => Self::reqwest(reqwest::Client::builder()),
            #[cfg(not(feature = "reqwest"))]
            None => Err(Error::misconfigured(
                "transport: none was given; name one with `.transport(…)`, or enable the feature `reqwest`",
            )),
        }
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Error> {
        self.0.send(request).await
    }
}

impl fmt::Debug for TokenTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenTransport")
    }
}

/// The mutex is for services that are not `Sync`; it is held for the clone alone.
struct Tower<S>(Mutex<S>);

impl<S, B> Transport for Tower<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    fn send(&self, request: Request<Full<Bytes>>) -> BoxFuture<'_, Result<Response<Bytes>, Error>> {
        let mut service = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            poll_fn(|context| service.poll_ready(context)).await.map_err(|error| unreached(error.into()))?;
            let response = service.call(request).await.map_err(|error| broken(error.into()))?;
            collect(response).await
        })
    }
}

#[cfg(feature = "reqwest")]
struct Reqwest(reqwest::Client);

#[cfg(feature = "reqwest")]
impl Transport for Reqwest {
    fn send(&self, request: Request<Full<Bytes>>) -> BoxFuture<'_, Result<Response<Bytes>, Error>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = match body.collect().await {
                Ok(body) => body.to_bytes(),
                Err(never) => match never {},
            };
            let request = reqwest::Request::try_from(Request::from_parts(parts, body))
                .map_err(|_| Error::misconfigured("token endpoint: reqwest does not take its URL"))?;
            let response = self.0.execute(request).await.map_err(|error| {
                let is_unreached = error.is_connect() || error.is_builder();
                let error = Box::new(error.without_url());
                if is_unreached { unreached(error) } else { broken(error) }
            })?;
            collect(Response::from(response)).await
        })
    }
}

/// Reads the whole answer, up to [`TokenEndpoint::MAX_RESPONSE`].
async fn collect<B>(response: Response<B>) -> Result<Response<Bytes>, Error>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let (parts, body) = response.into_parts();
    let error = match Limited::new(body, TokenEndpoint::MAX_RESPONSE).collect().await {
        Ok(body) => return Ok(Response::from_parts(parts, body.to_bytes())),
        Err(error) => error,
    };
    let too_large = error.is::<LengthLimitError>();
    match parts.status {
        // Of a failure the status says enough (R9); a torn 4xx may say more the next time.
        status if status.is_server_error() || (too_large && !status.is_success()) => {
            Ok(Response::from_parts(parts, Bytes::new()))
        }
        _ if too_large => Err(Error::invalid_response(
            "the token endpoint's answer is larger than 1 MiB; is the URL right?",
        )),
        _ => Err(broken(error)),
    }
}

/// The request did not leave: whatever it carried is unspent.
fn unreached(error: Box<dyn StdError + Send + Sync>) -> Error {
    Error::transient("the token endpoint can't be reached").with_source(error).not_processed()
}

/// The request may have been received, unless the cause says that no connection was made.
fn broken(error: Box<dyn StdError + Send + Sync>) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error.as_ref());
    while let Some(error) = cause {
        let refused = |io: &io::Error| io.kind() == io::ErrorKind::ConnectionRefused;
        if error.downcast_ref::<io::Error>().is_some_and(refused) {
            return unreached_from(error.to_string());
        }
        cause = error.source();
    }
    Error::transient("the connection to the token endpoint broke before its answer was complete")
        .with_source(error)
}

fn unreached_from(cause: String) -> Error {
    unreached(cause.into())
}

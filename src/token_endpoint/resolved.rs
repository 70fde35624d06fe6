//! An endpoint with nothing left to decide, and the request to it.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, Uri};
use http_body_util::Full;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use super::transport::is_plain_and_near;
use super::{EndpointUrl, Purpose, TokenEndpoint, TokenRequest, TokenTransport};
use crate::error::Error;

/// A [`TokenEndpoint`] whose transport and time limit are settled. A source makes it once, at its construction.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedEndpoint {
    /// Its transport is the one that the program set.
    endpoint: TokenEndpoint,
    transport: TokenTransport,
}

impl ResolvedEndpoint {
    pub(crate) fn new(endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>) -> Result<Self, Error> {
        let endpoint = endpoint.try_into().map_err(Into::into)?;
        let transport = endpoint.resolved_transport()?;
        Ok(Self { endpoint, transport })
    }

    /// Another endpoint of the same provider. It uses the transport that was set for this one, unless it has its own.
    pub(crate) fn beside(&self, mut endpoint: TokenEndpoint) -> Self {
        endpoint.transport = endpoint.transport.or_else(|| self.endpoint.transport.clone());
        let (one, other) = (&self.endpoint.url.0, &endpoint.url.0);
        let default = || match is_plain_and_near(one) == is_plain_and_near(other) {
            true => None,
            // The other default ignores the proxies of the environment, or this one does.
            false => endpoint.resolved_transport().ok(),
        };
        let transport = endpoint.transport.clone().or_else(default).unwrap_or_else(|| self.transport.clone());
        Self { endpoint, transport }
    }

    /// The endpoint at this URL followed by `path`, which starts with a slash.
    pub(crate) fn join(&self, path: &str) -> Result<Self, Error> {
        let base = &self.endpoint.url.0;
        if base.query().is_some() || self.endpoint.discovered.is_some() {
            return Err(Error::misconfigured(
                "endpoint: it has a query or is found by an issuer, and a path has to follow; use the URL without the query",
            ));
        }
        let url = format!("{}{path}", base.to_string().trim_end_matches('/'));
        let too_long = |_| Error::misconfigured("endpoint: its URL is too long; use a shorter one");
        let mut joined = self.clone();
        joined.endpoint.url = EndpointUrl(url.parse().map_err(too_long)?);
        Ok(joined)
    }

    /// A request for tokens.
    pub(crate) fn request(&self) -> TokenRequest {
        TokenRequest::new(Ok(self.clone()))
    }

    /// Where a request goes.
    pub(super) async fn url(&self, deadline: Deadline) -> Result<Uri, Error> {
        match &self.endpoint.discovered {
            Some(discovered) => discovered.locate(&self.transport, deadline).await,
            None => Ok(self.endpoint.url.0.clone()),
        }
    }

    /// Posts a JSON object of strings. A response of any status is `Ok`; an error means that there is no response.
    pub(crate) async fn post_json(
        &self,
        members: &[(&str, &str)],
        purpose: Purpose,
    ) -> Result<Response<Bytes>, Error> {
        let deadline = self.deadline(purpose)?;
        let members = members.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
        let mut request = Request::new(Full::from(Value::Object(members.collect()).to_string()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url(deadline).await?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        self.send(request, purpose, deadline).await
    }

    /// When a request that begins now has taken too long.
    pub(super) fn deadline(&self, purpose: Purpose) -> Result<Deadline, Error> {
        if Handle::try_current().is_err() {
            // A log-out may come from another executor.
            return Err(Error::misconfigured(
                "the identity provider can't be asked without a Tokio runtime; make the call within one",
            ));
        }
        let default = match purpose {
            Purpose::Revoke => TokenEndpoint::DEFAULT_REVOCATION_TIMEOUT,
            _ => TokenEndpoint::DEFAULT_TIMEOUT,
        };
        let limit = self.endpoint.timeout.unwrap_or(default);
        Ok(Deadline(Instant::now().checked_add(limit)))
    }

    /// Sends a request. A response of any status is `Ok`; an error means that there is no response.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, Error> {
        let sending = self.transport.send(request);
        let response = match purpose {
            // Who gives up does not know whether the refresh token is spent. The authenticator waits for longer (R14).
            Purpose::Refresh => sending.await?,
            _ => deadline.limit(sending).await.ok_or_else(|| {
                Error::transient(
                    "the token endpoint did not respond in time; try again, or set a longer `TokenEndpoint::timeout`",
                )
            })??,
        };
        if let Some(discovered) = &self.endpoint.discovered {
            discovered.check(response.status()).await;
        }
        Ok(response)
    }
}

/// The URL with a form in its query.
pub(super) fn with_query(url: &Uri, form: &str) -> Result<Uri, Error> {
    let sign = match url.query() {
        _ if form.is_empty() => "",
        None => "?",
        Some("") => "",
        Some(_) => "&",
    };
    let too_long = |_| Error::misconfigured("token request: its URL is too long; send a POST");
    format!("{url}{sign}{form}").parse().map_err(too_long)
}

/// When a request has taken too long. `None` is never: the limit is longer than time can be counted.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    /// The output of a future, unless it comes too late.
    pub(super) async fn limit<F: Future>(self, future: F) -> Option<F::Output> {
        match self.0 {
            Some(deadline) => timeout_at(deadline, future).await.ok(),
            None => Some(future.await),
        }
    }
}

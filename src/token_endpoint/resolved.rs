//! An endpoint with nothing left to decide, and the request to it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::Full;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::json::json;
use super::{EndpointUrl, Form, TokenEndpoint, TokenTransport};
use crate::error::Error;

/// A [`TokenEndpoint`] whose transport and time limit are settled. A source makes it once, at its construction.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedEndpoint {
    url: EndpointUrl,
    transport: TokenTransport,
    /// The transport that the program set.
    set: Option<TokenTransport>,
    timeout: Duration,
}

impl ResolvedEndpoint {
    pub(crate) fn new(endpoint: impl TryInto<TokenEndpoint, Error: Into<Error>>) -> Result<Self, Error> {
        let endpoint = endpoint.try_into().map_err(Into::<Error>::into)?;
        let set = endpoint.transport.clone();
        let transport = set.clone().map_or_else(|| TokenTransport::default_for(&endpoint.url.0), Ok)?;
        let timeout = endpoint.timeout.unwrap_or(TokenEndpoint::DEFAULT_TIMEOUT);
        Ok(Self { url: endpoint.url, transport, set, timeout })
    }

    /// Another endpoint of the same provider. It uses the transport that was set for this one, unless it has its own.
    pub(crate) fn beside(&self, endpoint: TokenEndpoint) -> Self {
        let same_default = || match TokenTransport::is_same_default(&self.url.0, &endpoint.url.0) {
            true => None,
            // The other default ignores the proxies of the environment, or this one does.
            false => TokenTransport::default_for(&endpoint.url.0).ok(),
        };
        let set = endpoint.transport.clone().or_else(|| self.set.clone());
        let transport = set.clone().or_else(same_default).unwrap_or_else(|| self.transport.clone());
        let timeout = endpoint.timeout.unwrap_or(TokenEndpoint::DEFAULT_TIMEOUT);
        Self { url: endpoint.url, transport, set, timeout }
    }

    /// The endpoint at this URL followed by `path`, which starts with a slash.
    pub(crate) fn join(&self, path: &str) -> Result<Self, Error> {
        let base = &self.url.0;
        if base.query().is_some() {
            return Err(Error::misconfigured(
                "endpoint: it has a query, and a path has to follow; use the URL without the query",
            ));
        }
        let url = format!("{}{path}", base.to_string().trim_end_matches('/'));
        let url = url
            .parse()
            .map_err(|_| Error::misconfigured("endpoint: its URL is too long; use a shorter one"))?;
        Ok(Self { url: EndpointUrl(url), ..self.clone() })
    }

    /// Posts a form. A response of any status is `Ok`; an error means that there is no response.
    pub(crate) async fn post_form(&self, headers: HeaderMap, form: Form) -> Result<Response<Bytes>, Error> {
        self.post("application/x-www-form-urlencoded", headers, form.into_body()).await
    }

    /// Posts a JSON object of strings, likewise.
    pub(crate) async fn post_json(&self, members: &[(&str, &str)]) -> Result<Response<Bytes>, Error> {
        self.post("application/json", HeaderMap::new(), json(members)).await
    }

    async fn post(
        &self,
        content_type: &'static str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Bytes>, Error> {
        if Handle::try_current().is_err() {
            // A log-out may come from another executor.
            return Err(Error::misconfigured(
                "the identity provider can't be asked without a Tokio runtime; make the call within one",
            ));
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.0.clone();
        *request.headers_mut() = headers;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        timeout(self.timeout, self.transport.send(request)).await.unwrap_or_else(|_| {
            Err(Error::transient(
                "the token endpoint did not respond in time; try again, or set a longer `TokenEndpoint::timeout`",
            ))
        })
    }
}

//! An endpoint with nothing left to decide, and the request to it.

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::Full;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::{EndpointUrl, Purpose, TokenEndpoint, TokenTransport};
use crate::error::Error;
use crate::origins::Origin;

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
        let set = endpoint.transport.clone();
        let transport = set.map_or_else(|| TokenTransport::default_for(&endpoint), Ok)?;
        Ok(Self { endpoint, transport })
    }

    /// Another endpoint of the same provider. It uses the transport that was set for this one, unless it has its own.
    pub(crate) fn beside(&self, mut endpoint: TokenEndpoint) -> Self {
        endpoint.transport = endpoint.transport.or_else(|| self.endpoint.transport.clone());
        let (one, other) = (&self.endpoint.url.0, &endpoint.url.0);
        let default = || match Origin::is_plain_loopback(one) == Origin::is_plain_loopback(other) {
            true => None,
            // The other default ignores the proxies of the environment, or this one does.
            false => TokenTransport::default_for(&endpoint).ok(),
        };
        let transport = endpoint.transport.clone().or_else(default).unwrap_or_else(|| self.transport.clone());
        Self { endpoint, transport }
    }

    /// The endpoint at this URL followed by `path`, which starts with a slash.
    pub(crate) fn join(&self, path: &str) -> Result<Self, Error> {
        let base = &self.endpoint.url.0;
        if base.query().is_some() {
            return Err(Error::misconfigured(
                "endpoint: it has a query, and a path has to follow; use the URL without the query",
            ));
        }
        let url = format!("{}{path}", base.to_string().trim_end_matches('/'));
        let too_long = |_| Error::misconfigured("endpoint: its URL is too long; use a shorter one");
        let mut joined = self.clone();
        joined.endpoint.url = EndpointUrl(url.parse().map_err(too_long)?);
        Ok(joined)
    }

    /// Posts a form (RFC 6749 appendix B). A response of any status is `Ok`; an error means that there is no response.
    ///
    /// The copy of the body inside the HTTP stack can't be overwritten afterwards.
    pub(crate) async fn post_form(
        &self,
        authorization: Option<HeaderValue>,
        fields: &[(&str, &str)],
        purpose: Purpose,
    ) -> Result<Response<Bytes>, Error> {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        self.post("application/x-www-form-urlencoded", authorization, body, purpose).await
    }

    /// Posts a JSON object of strings, likewise.
    pub(crate) async fn post_json(
        &self,
        members: &[(&str, &str)],
        purpose: Purpose,
    ) -> Result<Response<Bytes>, Error> {
        let members = members.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
        self.post("application/json", None, Value::Object(members.collect()).to_string(), purpose).await
    }

    async fn post(
        &self,
        content_type: &'static str,
        authorization: Option<HeaderValue>,
        body: String,
        purpose: Purpose,
    ) -> Result<Response<Bytes>, Error> {
        if Handle::try_current().is_err() {
            // A log-out may come from another executor.
            return Err(Error::misconfigured(
                "the identity provider can't be asked without a Tokio runtime; make the call within one",
            ));
        }
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.url.0.clone();
        request.headers_mut().extend(authorization.map(|proof| (AUTHORIZATION, proof)));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        if purpose == Purpose::Refresh {
            // Who gives up does not know whether the refresh token is spent. The authenticator waits for longer (R14).
            return self.transport.send(request).await;
        }
        let default = match purpose {
            Purpose::Revoke => TokenEndpoint::DEFAULT_REVOCATION_TIMEOUT,
            _ => TokenEndpoint::DEFAULT_TIMEOUT,
        };
        let limit = self.endpoint.timeout.unwrap_or(default);
        timeout(limit, self.transport.send(request)).await.unwrap_or_else(|_| {
            Err(Error::transient(
                "the token endpoint did not respond in time; try again, or set a longer `TokenEndpoint::timeout`",
            ))
        })
    }
}

/// The names and values of a form.
pub(crate) type Form<'a> = Vec<(&'a str, &'a str)>;

//! Finds the endpoints of a provider by its issuer (RFC 8414, OpenID Connect Discovery 1.0).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::header::ACCEPT;
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::Full;
use tokio::sync::Mutex;

use super::resolved::Deadline;
use super::{JsonObject, Members, Purpose, Received, Speaker, TokenEndpoint, TokenTransport, clean};
use crate::error::Error;

/// One endpoint of a provider that is found by its issuer.
#[derive(Clone, Debug)]
pub(super) struct Discovered {
    provider: Arc<Provider>,
    /// The member of the provider's metadata that has the URL.
    member: Cow<'static, str>,
}

/// A provider, and its metadata once they were read.
struct Provider {
    issuer: String,
    /// It is locked while they are read, so that one request is enough for all.
    metadata: Mutex<Option<Members>>,
}

impl Discovered {
    pub(super) fn new(issuer: &str) -> Self {
        let provider = Provider { issuer: issuer.to_owned(), metadata: Mutex::new(None) };
        Self { provider: Arc::new(provider), member: Cow::Borrowed("token_endpoint") }
    }

    /// Another endpoint of the same provider.
    pub(super) fn with_member(&self, member: Cow<'static, str>) -> Self {
        Self { member, ..self.clone() }
    }

    /// The URL of the endpoint.
    ///
    /// No error says anything about a refresh token: the request for which the URL is needed was not sent.
    pub(super) async fn locate(&self, transport: &TokenTransport, deadline: Deadline) -> Result<Uri, Error> {
        let located = deadline.limit(self.locate_without_limit(transport)).await.unwrap_or_else(|| {
            Err(Error::transient(
                "the metadata of the provider did not come in time; try again, or set a longer `TokenEndpoint::timeout`",
            ))
        });
        located.map_err(|error| match error.may_have_been_processed() {
            true => error.not_processed(),
            false => error,
        })
    }

    async fn locate_without_limit(&self, transport: &TokenTransport) -> Result<Uri, Error> {
        let mut metadata = self.provider.metadata.lock().await;
        let found = match metadata.as_ref() {
            Some(found) => found,
            None => metadata.insert(self.provider.read(transport).await?),
        };
        let member = &self.member;
        let url = found.field(member).ok_or_else(|| {
            Error::misconfigured(format!(
                "the provider's metadata have no `{member}`; check what the provider offers"
            ))
        })?;
        let endpoint = TokenEndpoint::new(&url).map(|endpoint| endpoint.url.0).ok();
        let is_as_secure =
            |url: &Uri| url.scheme_str() == Some("https") || self.provider.issuer.starts_with("http:");
        endpoint.filter(is_as_secure).ok_or_else(|| {
            Error::misconfigured(format!(
                "the `{member}` in the provider's metadata is not an https URL; correct it at the provider"
            ))
        })
    }

    /// Forgets the metadata if nothing is at the URL that they name: the provider may have moved.
    pub(super) async fn check(&self, status: StatusCode) {
        if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
            *self.provider.metadata.lock().await = None;
        }
    }
}

impl Provider {
    async fn read(&self, transport: &TokenTransport) -> Result<Members, Error> {
        let mut page = None;
        for url in self.locations() {
            let mut request = Request::new(Full::default());
            *request.uri_mut() = url;
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
            let response = transport.send(request).await?;
            let (status, purpose) = (response.status(), Purpose::Discovery);
            let received = Received { response: &response, status, purpose, secrets: &[] };
            if status.is_client_error() && !matches!(status.as_u16(), 408 | 429) {
                if received.speaker(false) == Speaker::Other {
                    page = Some(received.with_retry_after(received.not_the_provider()));
                }
                continue;
            }
            received.check(None)?;
            let object = JsonObject::parse(response.body()).ok_or_else(|| {
                Error::transient(
                    "the metadata of the provider are not a JSON object; try again, or check the issuer",
                )
            })?;
            self.check_issuer(&object)?;
            return Ok(Members::new(response.into_body()));
        }
        // A page may be that of a proxy, while the provider is deployed (R9).
        Err(page.unwrap_or_else(|| {
            Error::misconfigured("the issuer has no metadata of a provider; check its URL")
        }))
    }

    /// OpenID Connect Discovery 1.0 section 4, and RFC 8414 section 3.1.
    fn locations(&self) -> impl Iterator<Item = Uri> {
        let issuer = self.issuer.trim_end_matches('/');
        let path = issuer.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap_or_default();
        let origin = issuer.strip_suffix(&path).unwrap_or(issuer);
        let openid = format!("{issuer}/.well-known/openid-configuration");
        let oauth = format!("{origin}/.well-known/oauth-authorization-server{path}");
        [openid, oauth].into_iter().filter_map(|url| url.parse().ok())
    }

    /// RFC 8414 section 3.3: it must be the same text. Otherwise one provider could pose as another.
    fn check_issuer(&self, object: &JsonObject<'_>) -> Result<(), Error> {
        match object.string("issuer") {
            Some(issuer) if issuer == self.issuer => Ok(()),
            Some(issuer) => Err(Error::misconfigured(format!(
                "the metadata of the provider are those of another issuer ({}); use exactly that, if it is the one you mean",
                clean(&issuer, &[])
            ))),
            None => Err(Error::misconfigured(
                "the metadata of the provider name no issuer; check the issuer's URL",
            )),
        }
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.issuer)
    }
}

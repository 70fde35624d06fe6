//! What a failure means (R9): a refusal, one in doubt, a client that is set up wrongly, or words of somebody else.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use serde::de::IgnoredAny;

use crate::error::Error;
use crate::token_endpoint::{JsonObject, clean, clean_code, clean_media_type, without_bom};

/// What a request is for. It decides what a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A user logs in.
    Login,
    /// A user logs in with a body of JSON. The service need not speak OAuth.
    JsonLogin,
    /// The client logs in for itself.
    ClientLogin,
    Refresh,
    Revoke,
    /// The endpoints of the provider are looked up.
    Discovery,
}

impl Purpose {
    /// Where the request goes.
    fn endpoint(self) -> &'static str {
        match self {
            Self::Login | Self::JsonLogin | Self::ClientLogin | Self::Refresh => "token endpoint",
            Self::Revoke => "revocation endpoint",
            Self::Discovery => "issuer",
        }
    }
}

/// Marks a response whose body was too long to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLong;

/// A response that is being read.
#[derive(Clone, Copy)]
pub(crate) struct Received<'a> {
    pub(crate) response: &'a Response<Bytes>,
    /// The response's status, or the one that its body says.
    pub(crate) status: StatusCode,
    pub(crate) purpose: Purpose,
    pub(crate) secrets: &'a [&'a str],
}

/// Who speaks in a 4xx.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The provider, which says why.
    Provider,
    /// The provider, perhaps. It does not say why: an empty 400 stands for a dead refresh token, and for a wrong secret.
    Silent,
    /// Nobody knows: an empty 404 comes from a provider, a router or a proxy.
    Unknown,
    /// Something else: a proxy with a page, in a deployment for example.
    Other,
}

impl Received<'_> {
    /// Returns the error that the status stands for, unless it is a success.
    pub(crate) fn check(&self, object: Option<&JsonObject<'_>>) -> Result<(), Error> {
        let returned = format!("the {} returned {}", self.purpose.endpoint(), self.status.as_u16());
        let later = || Error::transient(format!("{returned}; try again later"));
        let error = match self.status.as_u16() {
            200..=299 => return Ok(()),
            // The server says that it did not process the request: a refresh token in it is unspent.
            408 | 429 | 503 => later().not_processed(),
            500..=599 => later(),
            300..=399 => Error::misconfigured(format!(
                "{returned}: redirects are not followed, because they could carry secrets elsewhere; use the URL that it \
                 redirects to"
            )),
            400..=499 => return Err(self.refusal(object.unwrap_or(&JsonObject::default()))),
            _ => Error::invalid_response(format!("{returned}; check its URL")),
        };
        Err(self.with_retry_after(error))
    }

    /// The error for a 4xx, or for a success with an `error` (RFC 6749 section 5.2).
    pub(crate) fn refusal(&self, object: &JsonObject<'_>) -> Error {
        let code = object.string("error").filter(|code| !code.is_empty());
        let description = object.string("error_description").filter(|text| !text.is_empty());
        let shown = code.as_deref().and_then(|code| clean_code(code, self.secrets));
        let said: Vec<_> =
            shown.iter().cloned().chain(description.map(|text| clean(&text, self.secrets))).collect();
        let said = if said.is_empty() { format!("status {}", self.status.as_u16()) } else { said.join(": ") };
        let error = match code {
            Some(code) => self.refused_because(&code, &said),
            None => self.refused_without_a_reason(self.speaker(false), &said),
        };
        self.with_retry_after(error.with_code(shown))
    }

    /// What the provider's `error` means.
    fn refused_because(&self, code: &str, said: &str) -> Error {
        let endpoint = self.purpose.endpoint();
        match (self.purpose, code) {
            (_, "invalid_client" | "unauthorized_client") => Error::misconfigured(format!(
                "the {endpoint} refused the client ({said}); check the client id, its secret, how it authenticates and \
                 what it may do"
            )),
            (_, "temporarily_unavailable") => {
                Error::transient(format!("the {endpoint} is not available ({said}); try again later")).not_processed()
            }
            (_, "server_error") => Error::transient(format!("the {endpoint} failed ({said}); try again later")),
            // These are about the request. Another grant may do better, and the refresh token is not dead.
            (Purpose::Refresh, code) if is_about_request(code) => {
                Error::login_required(format!(
                    "the token endpoint does not accept the refresh ({said}); log in again, or check the client's settings \
                     and the scope"
                ))
                .inconclusive()
            }
            (Purpose::Refresh, _) => {
                Error::login_required(format!("the refresh token was refused ({said}); log in again"))
            }
            (
                Purpose::Login | Purpose::JsonLogin | Purpose::ClientLogin,
                "invalid_grant" | "access_denied",
            ) => refused_log_in(said),
            // Words of its own, such as `Unauthorized`.
            (Purpose::JsonLogin, code) if !is_about_request(code) && self.is_refusal() => refused_log_in(said),
            (Purpose::Login | Purpose::JsonLogin | Purpose::ClientLogin, _) => Error::misconfigured(format!(
                "the token endpoint refused the request ({said}); check the client's settings and the scope"
            )),
            (Purpose::Revoke | Purpose::Discovery, _) => Error::misconfigured(format!(
                "the {endpoint} refused the request ({said}); check its URL and what the client may do"
            )),
        }
    }

    fn refused_without_a_reason(&self, speaker: Speaker, said: &str) -> Error {
        let endpoint = self.purpose.endpoint();
        match (self.purpose, speaker) {
            (Purpose::Refresh, Speaker::Provider | Speaker::Silent) => Error::login_required(format!(
                "the token endpoint refused the refresh without a reason ({said}); log in again, and check how the client \
                 authenticates"
            ))
            .inconclusive(),
            (_, Speaker::Other) | (Purpose::Refresh, Speaker::Unknown) => self.not_the_provider(),
            (Purpose::Login | Purpose::JsonLogin, Speaker::Silent) => refused_log_in(said),
            // A service has nobody who could log in.
            (Purpose::ClientLogin, Speaker::Silent) => Error::misconfigured(format!(
                "the token endpoint refused the client without a reason ({said}); check the client id, its secret, and \
                 whether it has to authenticate with `ClientAuth::basic` or `ClientAuth::post`"
            )),
            (Purpose::Login | Purpose::JsonLogin | Purpose::ClientLogin, _) => Error::misconfigured(format!(
                "the token endpoint does not accept the request ({said}); check its URL"
            )),
            (Purpose::Revoke | Purpose::Discovery, _) => Error::misconfigured(format!(
                "the {endpoint} refused the request ({said}); check its URL and what the client may do"
            )),
        }
    }

    /// Who sent this 4xx, if it says why or does not.
    pub(crate) fn speaker(&self, says_why: bool) -> Speaker {
        match self.body() {
            _ if says_why => Speaker::Provider,
            Body::Other => Speaker::Other,
            _ if self.is_refusal() => Speaker::Silent,
            _ => Speaker::Unknown,
        }
    }

    fn is_refusal(&self) -> bool {
        matches!(self.status.as_u16(), 400 | 401 | 403)
    }

    /// The error for a 4xx from something in front of the provider, which never saw the request.
    pub(crate) fn not_the_provider(&self) -> Error {
        let header = self.response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = header.and_then(|text| clean_media_type(text, self.secrets));
        let body = match self.body() {
            Body::Empty => "an empty body".to_owned(),
            _ => media_type.unwrap_or_else(|| "a body of unknown type".to_owned()),
        };
        let (endpoint, status) = (self.purpose.endpoint(), self.status.as_u16());
        Error::transient(format!(
            "the {endpoint} returned {status} with {body}, which is not the provider's; try again later, or check its URL"
        ))
        .not_processed()
    }

    /// Adds the status, and what the server asked for in any failure (R10).
    pub(crate) fn with_retry_after(&self, error: Error) -> Error {
        let error = error.with_status(self.status.as_u16());
        let is_failure = self.status.is_client_error() || self.status.is_server_error();
        match retry_after(self.response.headers(), SystemTime::now()).filter(|_| is_failure) {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }

    fn body(&self) -> Body {
        let body = without_bom(self.response.body()).trim_ascii();
        // What `Content-Type` says is not asked: it is often wrong.
        match body.first() {
            _ if self.response.extensions().get::<TooLong>().is_some() => Body::Other,
            None => Body::Empty,
            Some(b'{' | b'[' | b'n') if serde_json::from_slice::<IgnoredAny>(body).is_ok() => Body::Json,
            Some(_) => Body::Other,
        }
    }
}

/// What the body of a failure is.
enum Body {
    Empty,
    Json,
    Other,
}

/// The codes of RFC 6749 that are neither about the grant nor about the client.
fn is_about_request(code: &str) -> bool {
    matches!(code, "invalid_request" | "invalid_scope" | "unsupported_grant_type")
}

fn refused_log_in(said: &str) -> Error {
    Error::login_required(format!("the identity provider refused the log-in ({said}); check the credentials"))
}

/// The wait in `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let date = || Some(httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default());
    text.parse().ok().map(Duration::from_secs).or_else(date)
}

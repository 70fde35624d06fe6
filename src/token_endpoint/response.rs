//! Reads a token endpoint's answer (RFC 6749 section 5), or a revocation's: by status first, then by `error`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Response, StatusCode};
use serde_json::value::RawValue;

use super::Redactor;
use crate::Timing;
use crate::{Credentials, Error};

/// What the answer is to: it decides what a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Login,
    Refresh,
    Revoke,
}

impl Purpose {
    /// Who was asked.
    fn endpoint(self) -> &'static str {
        match self {
            Self::Login | Self::Refresh => "token endpoint",
            Self::Revoke => "revocation endpoint",
        }
    }
}

/// A JSON object whose values are read one by one, so that an odd one among those that don't matter does no
/// harm.
pub(crate) type Object<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// The credentials in an RFC 6749 answer, or what is wrong.
pub(crate) fn parse(
    answer: &Response<Bytes>,
    asked: Purpose,
    redactor: &Redactor<'_>,
) -> Result<Credentials, Error> {
    let object = object(answer.body());
    let failed = failure(answer.status(), answer.headers(), asked, object.as_ref(), redactor);
    if let Some(error) = failed {
        return Err(error);
    }
    let object = object.ok_or_else(|| unreadable(answer))?;
    if let Some(code) = string(&object, "error").filter(|code| !code.is_empty()) {
        return Err(refusal(StatusCode::BAD_REQUEST, asked, Some(&code), &object, redactor));
    }
    // Some servers send an empty one with every answer.
    if object.get("error").is_some_and(|error| !matches!(error.get(), "null" | r#""""#)) {
        return Err(Error::invalid_response("the token endpoint answered with an `error` that is no text"));
    }
    parse_token_object(&object)
}

/// What an answer says of a revocation (RFC 7009 section 2.2): the status says it all.
pub(crate) fn revoked(answer: &Response<Bytes>, redactor: &Redactor<'_>) -> Result<(), Error> {
    let object = object(answer.body());
    let code = object.as_ref().and_then(|object| string(object, "error"));
    if answer.status() == StatusCode::BAD_REQUEST && code.as_deref() == Some("invalid_token") {
        // The RFC has a success for a token that is unknown or dead already; some servers say it so.
        return Ok(());
    }
    let failed = failure(answer.status(), answer.headers(), Purpose::Revoke, object.as_ref(), redactor);
    failed.map_or(Ok(()), Err)
}

/// The error of an answer that is no success.
pub(crate) fn failure(
    status: StatusCode,
    headers: &HeaderMap,
    asked: Purpose,
    object: Option<&Object<'_>>,
    redactor: &Redactor<'_>,
) -> Option<Error> {
    let endpoint = asked.endpoint();
    let error = match status.as_u16() {
        200..=299 => return None,
        // The server says that it did not act on the request: a refresh token in it is unspent.
        408 | 429 | 503 => transient(endpoint, status, headers).not_processed(),
        500..=599 => transient(endpoint, status, headers),
        300..=399 => Error::misconfigured(format!(
            "the {endpoint} answered {}: redirects are not followed, for they could carry secrets elsewhere; \
             use the URL that it redirects to",
            status.as_u16()
        )),
        400..=499 => {
            let none = Object::new();
            let object = object.unwrap_or(&none);
            let code = string(object, "error");
            refusal(status, asked, code.as_deref(), object, redactor)
        }
        _ => Error::invalid_response(format!("the {endpoint} answered {}", status.as_u16())),
    };
    Some(error)
}

/// A 4xx (RFC 6749 section 5.2).
fn refusal(
    status: StatusCode,
    asked: Purpose,
    code: Option<&str>,
    object: &Object<'_>,
    redactor: &Redactor<'_>,
) -> Error {
    let said = match (code, string(object, "error_description")) {
        (None, None) => format!("status {}", status.as_u16()),
        (Some(code), None) => redactor.clean(code),
        (None, Some(text)) => redactor.clean(&text),
        (Some(code), Some(text)) => format!("{}: {}", redactor.clean(code), redactor.clean(&text)),
    };
    match (asked, code) {
        (_, Some("invalid_client")) => Error::misconfigured(format!(
            "the {} refused the client ({said}); check the client id, its secret and how it authenticates",
            asked.endpoint()
        )),
        (Purpose::Revoke, _) => Error::misconfigured(format!(
            "the revocation endpoint refused the request ({said}); check its URL and what the client may do"
        )),
        (Purpose::Refresh, _) => {
            Error::login_required(format!("the refresh token was refused ({said}); log in again"))
        }
        (Purpose::Login, Some("invalid_grant" | "access_denied")) => Error::login_required(format!(
            "the identity provider refused the log-in ({said}); check the credentials"
        )),
        (Purpose::Login, Some(_)) => Error::misconfigured(format!(
            "the token endpoint refused the request ({said}); check the client's settings and the scope"
        )),
        (Purpose::Login, None) if matches!(status.as_u16(), 400 | 401 | 403) => Error::login_required(
            format!("the identity provider refused the log-in ({said}); check the credentials"),
        ),
        (Purpose::Login, None) => Error::misconfigured(format!(
            "the token endpoint does not take the request ({said}); check its URL"
        )),
    }
}

/// The credentials in a token object (RFC 6749 section 5.1).
pub(crate) fn parse_token_object(object: &Object<'_>) -> Result<Credentials, Error> {
    let bearer = |kind: String| kind.eq_ignore_ascii_case("bearer");
    if object.contains_key("token_type") && !string(object, "token_type").is_some_and(bearer) {
        return Err(Error::invalid_response("the token endpoint issued a token of another type than Bearer"));
    }
    let access_token = string(object, "access_token")
        .ok_or_else(|| Error::invalid_response("the token endpoint answered without an access_token"))?;
    let credentials = Credentials::new(access_token).map_err(|_| {
        Error::invalid_response(
            "the token endpoint issued an access_token that is no bearer token (RFC 6750)",
        )
    })?;
    let credentials = match string(object, "refresh_token").filter(|token| !token.is_empty()) {
        Some(refresh_token) => credentials.with_refresh_token(refresh_token).map_err(|_| {
            Error::invalid_response("the token endpoint issued a refresh_token with control characters")
        })?,
        None => credentials,
    };
    Ok(match lifetime(object) {
        Some(lifetime) => credentials.with_lifetime(lifetime),
        None => credentials,
    })
}

/// The members of a JSON object; `None` for anything else.
pub(crate) fn object(json: &[u8]) -> Option<Object<'_>> {
    serde_json::from_slice::<&RawValue>(json).ok().and_then(|raw| members(raw))
}

pub(crate) fn members(raw: &RawValue) -> Option<Object<'_>> {
    serde_json::from_str(raw.get()).ok()
}

pub(crate) fn string(object: &Object<'_>, name: &str) -> Option<String> {
    serde_json::from_str(object.get(name)?.get()).ok()
}

/// A success whose body is no JSON object: a proxy's page, or torn on its way. Another attempt may fare better.
pub(crate) fn unreadable(answer: &Response<Bytes>) -> Error {
    let what = if answer.body().is_empty() { "an empty body" } else { "something that is no JSON object" };
    Error::transient(format!("the token endpoint answered {} with {what}", answer.status().as_u16()))
}

fn transient(endpoint: &str, status: StatusCode, headers: &HeaderMap) -> Error {
    let error = Error::transient(format!("the {endpoint} answered {}", status.as_u16()));
    match retry_after(headers, SystemTime::now()) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// `expires_in` (R4): seconds as an integer, a float or a numeric string. Zero, negative and what is no number
/// mean unknown; huge is clamped.
fn lifetime(object: &Object<'_>) -> Option<Duration> {
    let raw = object.get("expires_in")?.get();
    let text = serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned());
    // "inf" is a float to Rust, and no number to anybody else.
    let digits = text.bytes().any(|byte| byte.is_ascii_digit());
    let seconds = text.trim().parse::<f64>().ok().filter(|seconds| digits && *seconds > 0.0)?;
    Some(
        Duration::try_from_secs_f64(seconds)
            .map_or(Timing::MAX_LIFETIME, |lifetime| lifetime.min(Timing::MAX_LIFETIME)),
    )
}

/// `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    Some(httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests;

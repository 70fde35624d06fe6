//! Reads the response of a token endpoint (RFC 6749 section 5) or of a revocation endpoint (RFC 7009 section 2.2):
//! first its status, then its `error`.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Response, StatusCode};

use super::{JsonObject, clean};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::timing::Timing;

/// What a request is for. It decides what a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Login,
    Refresh,
    Revoke,
}

impl Purpose {
    /// Where the request goes.
    fn endpoint(self) -> &'static str {
        if self == Self::Revoke { "revocation endpoint" } else { "token endpoint" }
    }
}

/// Returns the credentials in an RFC 6749 response, or what is wrong with it.
pub(crate) fn read_tokens(
    response: &Response<Bytes>,
    purpose: Purpose,
    secrets: &[&str],
) -> Result<Credentials, Error> {
    let object = JsonObject::parse(response.body());
    check_status(response.status(), response.headers(), purpose, object.as_ref(), secrets)?;
    let object = object.ok_or_else(|| unreadable(response))?;
    match object.get("error") {
        // Some servers send an empty one with every response.
        None | Some("null" | r#""""#) => read_token_object(&object),
        Some(_) if object.string("error").is_some() => {
            Err(refusal(StatusCode::BAD_REQUEST, purpose, &object, secrets))
        }
        Some(_) => Err(Error::invalid_response(
            "the token endpoint sent an `error` that is not a string; check the endpoint's URL",
        )),
    }
}

/// Returns whether a revocation was successful. The status says it all (RFC 7009 section 2.2).
pub(crate) fn read_revocation(response: &Response<Bytes>, secrets: &[&str]) -> Result<(), Error> {
    let object = JsonObject::parse(response.body());
    let code = object.as_ref().and_then(|object| object.string("error"));
    if response.status() == StatusCode::BAD_REQUEST && code.as_deref() == Some("invalid_token") {
        // By the RFC, an unknown or dead token is a success. Some servers report it in this way.
        return Ok(());
    }
    check_status(response.status(), response.headers(), Purpose::Revoke, object.as_ref(), secrets)
}

/// Returns the error that a status stands for, unless it is a success.
pub(crate) fn check_status(
    status: StatusCode,
    headers: &HeaderMap,
    purpose: Purpose,
    object: Option<&JsonObject<'_>>,
    secrets: &[&str],
) -> Result<(), Error> {
    let returned = format!("the {} returned {}", purpose.endpoint(), status.as_u16());
    Err(match status.as_u16() {
        200..=299 => return Ok(()),
        // The server says that it did not process the request: a refresh token in it is unspent.
        408 | 429 | 503 => transient(&returned, headers).not_processed(),
        500..=599 => transient(&returned, headers),
        300..=399 => Error::misconfigured(format!(
            "{returned}: redirects are not followed, because they could carry secrets elsewhere; use the URL that it \
             redirects to"
        )),
        400..=499 => refusal(status, purpose, object.unwrap_or(&JsonObject::default()), secrets),
        _ => Error::invalid_response(format!("{returned}; check its URL")),
    })
}

/// The error for a 4xx, or for a success with an `error` (RFC 6749 section 5.2).
fn refusal(status: StatusCode, purpose: Purpose, object: &JsonObject<'_>, secrets: &[&str]) -> Error {
    let code = object.string("error");
    let description = object.string("error_description");
    let said: Vec<_> = [&code, &description].into_iter().flatten().map(|text| clean(text, secrets)).collect();
    let said = if said.is_empty() { format!("status {}", status.as_u16()) } else { said.join(": ") };
    match (purpose, code.as_deref(), status.as_u16()) {
        (_, Some("invalid_client"), _) => Error::misconfigured(format!(
            "the {} refused the client ({said}); check the client id, its secret and how it authenticates",
            purpose.endpoint()
        )),
        (Purpose::Revoke, ..) => Error::misconfigured(format!(
            "the revocation endpoint refused the request ({said}); check its URL and what the client may do"
        )),
        (Purpose::Refresh, ..) => {
            Error::login_required(format!("the refresh token was refused ({said}); log in again"))
        }
        (Purpose::Login, Some("invalid_grant" | "access_denied"), _)
        | (Purpose::Login, None, 400 | 401 | 403) => Error::login_required(format!(
            "the identity provider refused the log-in ({said}); check the credentials"
        )),
        (Purpose::Login, Some(_), _) => Error::misconfigured(format!(
            "the token endpoint refused the request ({said}); check the client's settings and the scope"
        )),
        (Purpose::Login, None, _) => Error::misconfigured(format!(
            "the token endpoint does not accept the request ({said}); check its URL"
        )),
    }
}

/// Returns the credentials in a token object (RFC 6749 section 5.1).
pub(crate) fn read_token_object(object: &JsonObject<'_>) -> Result<Credentials, Error> {
    let bearer = |kind: String| kind.eq_ignore_ascii_case("bearer");
    if object.get("token_type").is_some() && !object.string("token_type").is_some_and(bearer) {
        return Err(Error::invalid_response(
            "the token endpoint issued a token whose type is not Bearer; check the client's settings",
        ));
    }
    let access_token = object.string("access_token").ok_or_else(|| {
        Error::invalid_response("the token endpoint responded without an access_token; check its URL")
    })?;
    let mut credentials = Credentials::new(access_token).map_err(|_| {
        Error::invalid_response(
            "the token endpoint issued an access_token that is not a bearer token (RFC 6750 section 2.1); check the \
             endpoint's URL",
        )
    })?;
    if let Some(refresh_token) = object.string("refresh_token").filter(|token| !token.is_empty()) {
        credentials = credentials.with_refresh_token(refresh_token).map_err(|_| {
            Error::invalid_response(
                "the token endpoint issued a refresh_token with control characters; check the endpoint's URL",
            )
        })?;
    }
    Ok(credentials.with_lifetime(lifetime(object).unwrap_or_default()))
}

/// The error for a success whose body is not a JSON object: a proxy's page, or a body torn on its way. Another
/// attempt may succeed.
pub(crate) fn unreadable(response: &Response<Bytes>) -> Error {
    let body = if response.body().is_empty() { "an empty body" } else { "a body that is not a JSON object" };
    let status = response.status().as_u16();
    Error::transient(format!("the token endpoint returned {status} with {body}; try again, or check its URL"))
}

fn transient(returned: &str, headers: &HeaderMap) -> Error {
    let error = Error::transient(format!("{returned}; try again later"));
    match retry_after(headers, SystemTime::now()) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// The lifetime in `expires_in` (R4): seconds as an integer, a float or a numeric string. Zero, a negative number
/// and everything else mean that it is unknown. `Credentials` clamp a huge one.
fn lifetime(object: &JsonObject<'_>) -> Option<Duration> {
    let text = object.string("expires_in").or_else(|| object.get("expires_in").map(str::to_owned))?;
    // Rust reads "inf" as a float.
    let digits = text.bytes().any(|byte| byte.is_ascii_digit());
    let seconds = text.trim().parse::<f64>().ok().filter(|seconds| digits && *seconds > 0.0)?;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Timing::MAX_LIFETIME))
}

/// The wait in `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let date = || Some(httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default());
    text.parse().ok().map(Duration::from_secs).or_else(date)
}

#[cfg(test)]
mod tests;

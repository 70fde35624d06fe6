//! Reads the response of a token endpoint (RFC 6749 section 5) or of a revocation endpoint (RFC 7009 section 2.2):
//! first its status, then its `error`.

mod failure;
mod unreadable;

use std::time::Duration;

use http::StatusCode;

pub(crate) use failure::{Purpose, Received, Speaker, TooLong};
pub(crate) use unreadable::unreadable;

use super::JsonObject;
use super::json::pointer;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::timing::Timing;

/// What a token object may be, besides what RFC 6749 says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    /// Another type than Bearer.
    pub(crate) token_type: Option<String>,
    /// The member that is the bearer token, if it is not `access_token`.
    pub(crate) bearer: Option<String>,
    /// The member that is the refresh token, if it is not `refresh_token`.
    pub(crate) refresh_token: Option<String>,
    /// The member that is the lifetime of the bearer token, if it was named.
    pub(crate) expires_in: Option<String>,
    /// The members that are kept with the tokens.
    pub(crate) kept: Vec<String>,
}

impl Expected {
    /// Whether members can have these names. Each may be a JSON Pointer.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let named = [&self.bearer, &self.refresh_token, &self.expires_in].into_iter().flatten();
        match named.chain(&self.kept).find(|name| !pointer::is_valid(name)) {
            None => Ok(()),
            Some(name) => Err(Error::misconfigured(format!(
                "token request: `{name}` is not a JSON Pointer (RFC 6901), where `~` is written as `~0` and a slash in a \
                 name as `~1`; correct it"
            ))),
        }
    }
}

/// Returns the object in a success, or what is wrong with the response.
pub(crate) fn read_object(received: Received<'_>) -> Result<JsonObject<'_>, Error> {
    let object = JsonObject::parse(received.response.body());
    received.check(object.as_ref())?;
    let object = object.ok_or_else(|| unreadable(received.response))?;
    match object.get("error") {
        // Some servers send one with every response, and have these for none.
        None | Some("null" | "false" | "0" | r#""""#) => Ok(object),
        Some(_) if object.string("error").is_some() => {
            Err(Received { status: StatusCode::BAD_REQUEST, ..received }.refusal(&object))
        }
        Some(_) => Err(Error::invalid_response(
            "the token endpoint sent an `error` that is not a string; check the endpoint's URL",
        )),
    }
}

/// Returns whether a revocation was successful. The status says it all (RFC 7009 section 2.2).
pub(crate) fn read_revocation(received: Received<'_>) -> Result<(), Error> {
    let object = JsonObject::parse(received.response.body());
    let code = object.as_ref().and_then(|object| object.string("error"));
    if received.status == StatusCode::BAD_REQUEST && code.as_deref() == Some("invalid_token") {
        // By the RFC, an unknown or dead token is a success. Some servers report it in this way.
        return Ok(());
    }
    received.check(object.as_ref())
}

/// Returns the credentials in a token object (RFC 6749 section 5.1).
pub(crate) fn read_token_object(object: &JsonObject<'_>, expected: &Expected) -> Result<Credentials, Error> {
    let is_expected = |kind: String| {
        let other = expected.token_type.as_deref();
        ["bearer"].into_iter().chain(other).any(|expected| kind.eq_ignore_ascii_case(expected))
    };
    let bearer = expected.bearer.as_deref().unwrap_or("access_token");
    // The type is that of the access token.
    let has_type = expected.bearer.is_none() && object.get("token_type").is_some();
    if has_type && !object.string("token_type").is_some_and(is_expected) {
        return Err(Error::invalid_response(
            "the token endpoint issued a token whose type is not Bearer; check the client's settings",
        ));
    }
    let access_token = object.string(bearer).ok_or_else(|| {
        Error::invalid_response(format!(
            "the response of the token endpoint has no string `{bearer}`; check its URL and the scope"
        ))
    })?;
    let mut credentials = Credentials::of_server(&access_token).ok_or_else(|| {
        Error::invalid_response(format!(
            "the `{bearer}` that the token endpoint issued is not a bearer token (RFC 6750 section 2.1); check the \
             endpoint's URL",
        ))
    })?;
    let name = expected.refresh_token.as_deref().unwrap_or("refresh_token");
    if let Some(refresh_token) = object.string(name).filter(|token| !token.is_empty()) {
        credentials = credentials.with_refresh_token(refresh_token).map_err(|_| {
            Error::invalid_response(format!(
                "the `{name}` that the token endpoint issued has control characters; check the endpoint's URL",
            ))
        })?;
    }
    for name in &expected.kept {
        if let Some(value) = object.text(name) {
            credentials = credentials.with_field(name, value.as_str());
        }
    }
    // `expires_in` is the lifetime of the access token. Another token says in itself when it expires (R4).
    let default = expected.bearer.is_none().then_some("expires_in");
    let lifetime = expected.expires_in.as_deref().or(default).and_then(|name| lifetime(object, name));
    Ok(credentials.with_lifetime(lifetime.unwrap_or_default()))
}

/// The lifetime in this member (R4): seconds as an integer, a float or a numeric string. Zero, a negative number
/// and everything else mean that it is unknown. `Credentials` clamp a huge one.
fn lifetime(object: &JsonObject<'_>, name: &str) -> Option<Duration> {
    let text = object.string(name).or_else(|| object.get(name).map(str::to_owned))?;
    // Rust reads "inf" as a float.
    let digits = text.bytes().any(|byte| byte.is_ascii_digit());
    let seconds = text.trim().parse::<f64>().ok().filter(|seconds| digits && *seconds > 0.0)?;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Timing::MAX_LIFETIME))
}

#[cfg(test)]
mod tests;

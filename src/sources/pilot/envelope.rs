//! PILOT's envelope: `{"code": 200, "error_msg": "", "page": 0, "total": 1, "num_of_pages": 1, "result": …}`.

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::credentials::Credentials;
use crate::error::Error;
use crate::token_endpoint::{
    Expected, JsonObject, Purpose, Received, Speaker, clean, read_token_object, unreadable,
};

/// Returns the credentials in an envelope. Its `result` is a token object or, for the HPC login, the access token
/// itself.
pub(super) fn read(
    response: &Response<Bytes>,
    purpose: Purpose,
    secrets: &[&str],
) -> Result<Credentials, Error> {
    let envelope = JsonObject::parse(response.body());
    check(response, purpose, envelope.as_ref(), secrets)?;
    let envelope = envelope.ok_or_else(|| unreadable(response))?;
    if envelope.get("result").is_none() {
        return Err(Error::invalid_response("PILOT responded without a result; check the endpoint's URL"));
    }
    if let Some(access_token) = envelope.string("result") {
        return Credentials::of_server(&access_token).ok_or_else(|| {
            Error::invalid_response(
                "PILOT issued an access token that is not a bearer token (RFC 6750 section 2.1); check the \
                 endpoint's URL",
            )
        });
    }
    let token = envelope.object("result").ok_or_else(|| {
        Error::invalid_response("PILOT's result is not a token object; check the endpoint's URL")
    })?;
    read_token_object(&token, &Expected::default())
}

/// Checks the status of the response. The envelope's `code` repeats the status. If a proxy changed the status to 200, the
/// `code` counts.
fn check(
    response: &Response<Bytes>,
    purpose: Purpose,
    envelope: Option<&JsonObject<'_>>,
    secrets: &[&str],
) -> Result<(), Error> {
    let code = |envelope: &JsonObject<'_>| envelope.get("code")?.parse::<StatusCode>().ok();
    let code = envelope.and_then(code);
    let status = code.filter(|_| response.status().is_success()).unwrap_or(response.status());
    let received = Received { response, status, purpose, secrets };
    let said = envelope.and_then(|envelope| envelope.string("error_msg")).unwrap_or_default();
    let shown = if said.is_empty() { format!("status {}", status.as_u16()) } else { clean(&said, secrets) };
    if purpose == Purpose::Refresh && status.as_u16() == 500 && said.starts_with("Unable to get token") {
        // The backend reports every failed refresh so: a dead refresh token, and an identity provider that is down.
        return Err(received.with_retry_after(inconclusive(&shown)));
    }
    if !status.is_client_error() || matches!(status.as_u16(), 408 | 429) {
        return received.check(envelope);
    }
    let speaker = match received.speaker(!said.is_empty()) {
        // An envelope is PILOT's, and FastAPI responds to a request that is malformed.
        Speaker::Unknown if code.is_some() || status.as_u16() == 422 => Speaker::Silent,
        speaker => speaker,
    };
    let error = match (purpose, speaker) {
        (_, Speaker::Other) | (Purpose::Refresh, Speaker::Unknown) => received.not_the_provider(),
        (Purpose::Refresh, Speaker::Provider) => {
            Error::login_required(format!("PILOT refused the refresh token ({shown}); log in again"))
        }
        (Purpose::Refresh, Speaker::Silent) => inconclusive(&shown),
        _ if speaker != Speaker::Unknown && matches!(status.as_u16(), 401 | 403 | 404) => {
            Error::login_required(format!(
                "PILOT refused the log-in ({shown}); check the user name and the password"
            ))
        }
        _ => Error::misconfigured(format!(
            "PILOT does not accept the request (status {}); check the endpoint's URL and PILOT's version",
            status.as_u16()
        )),
    };
    Err(received.with_retry_after(error))
}

/// The refresh failed, and the refresh token may still be good.
fn inconclusive(shown: &str) -> Error {
    let message = format!("PILOT could not refresh ({shown}); log in again if that stays");
    Error::login_required(message).inconclusive()
}

#[cfg(test)]
mod tests;

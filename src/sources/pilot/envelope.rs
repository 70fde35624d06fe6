//! PILOT's envelope: `{"code": 200, "error_msg": "", "page": 0, "total": 1, "num_of_pages": 1, "result": …}`.

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::credentials::Credentials;
use crate::error::Error;
use crate::token_endpoint::{JsonObject, Purpose, check_status, clean, read_token_object, unreadable};

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
        return Credentials::new(access_token).map_err(|_| {
            Error::invalid_response(
                "PILOT issued an access token that is not a bearer token (RFC 6750 section 2.1); check the \
                 endpoint's URL",
            )
        });
    }
    let token = envelope.object("result").ok_or_else(|| {
        Error::invalid_response("PILOT's result is not a token object; check the endpoint's URL")
    })?;
    read_token_object(&token)
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
    let status = match envelope.and_then(code) {
        Some(code) if response.status().is_success() => code,
        _ => response.status(),
    };
    let said = envelope.and_then(|envelope| envelope.string("error_msg")).unwrap_or_default();
    let shown = if said.is_empty() { format!("status {}", status.as_u16()) } else { clean(&said, secrets) };
    // The backend reports every failed refresh as a 500, that of a dead refresh token included.
    let is_dead_refresh_token = status.as_u16() == 500 && said.starts_with("Unable to get token");
    let is_refusal = status.is_client_error() && !matches!(status.as_u16(), 408 | 429);
    match purpose {
        Purpose::Refresh if is_dead_refresh_token || is_refusal => {
            Err(Error::login_required(format!("PILOT refused the refresh token ({shown}); log in again")))
        }
        Purpose::Login if matches!(status.as_u16(), 401 | 403 | 404) => Err(Error::login_required(format!(
            "PILOT refused the log-in ({shown}); check the user name and the password"
        ))),
        Purpose::Login if is_refusal => Err(Error::misconfigured(format!(
            "PILOT does not accept the request (status {}); check the endpoint's URL and PILOT's version",
            status.as_u16()
        ))),
        _ => check_status(status, response.headers(), purpose, envelope, secrets),
    }
}

#[cfg(test)]
mod tests;

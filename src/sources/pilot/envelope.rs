//! PILOT's envelope: `{"code": 200, "error_msg": "", "page": 0, "total": 1, "num_of_pages": 1, "result": …}`.

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::token_endpoint::{
    Object, Purpose, Redactor, failure, members, object, parse_token_object, string, unreadable,
};
use crate::{Credentials, Error};

/// The credentials in an envelope whose `result` is a token object, or, from the HPC login, the access token
/// itself.
pub(super) fn parse(
    answer: &Response<Bytes>,
    asked: Purpose,
    redactor: &Redactor<'_>,
) -> Result<Credentials, Error> {
    let envelope = object(answer.body());
    if let Some(error) = refused(answer, asked, envelope.as_ref(), redactor) {
        return Err(error);
    }
    let envelope = envelope.ok_or_else(|| unreadable(answer))?;
    let result =
        envelope.get("result").ok_or_else(|| Error::invalid_response("PILOT answered without a result"))?;
    if let Ok(access_token) = serde_json::from_str::<String>(result.get()) {
        return Credentials::new(access_token).map_err(|_| {
            Error::invalid_response("PILOT issued an access token that is no bearer token (RFC 6750)")
        });
    }
    let token =
        members(result).ok_or_else(|| Error::invalid_response("PILOT's result is no token object"))?;
    parse_token_object(&token)
}

/// Status first; the envelope's `code` repeats it, and stands for it where a proxy made it 200.
fn refused(
    answer: &Response<Bytes>,
    asked: Purpose,
    envelope: Option<&Object<'_>>,
    redactor: &Redactor<'_>,
) -> Option<Error> {
    let code = |envelope: &Object<'_>| envelope.get("code")?.get().parse::<u16>().ok();
    let status = match envelope.and_then(code).and_then(|code| StatusCode::from_u16(code).ok()) {
        Some(code) if answer.status().is_success() => code,
        _ => answer.status(),
    };
    let said = envelope.and_then(|envelope| string(envelope, "error_msg")).unwrap_or_default();
    let shown = match said.is_empty() {
        true => format!("status {}", status.as_u16()),
        false => redactor.clean(&said),
    };
    match (asked, status.as_u16()) {
        (_, 200..=299) => None,
        // The backend answers every failed refresh so, a dead refresh token included.
        (Purpose::Refresh, 500) if said.starts_with("Unable to get token") => {
            Some(Error::login_required(format!("PILOT refused the refresh token ({shown}); log in again")))
        }
        (Purpose::Refresh, 400..=499) if !matches!(status.as_u16(), 408 | 429) => {
            Some(Error::login_required(format!("PILOT refused the refresh token ({shown}); log in again")))
        }
        (Purpose::Login, 401 | 403 | 404) => Some(Error::login_required(format!(
            "PILOT refused the log-in ({shown}); check user name and password"
        ))),
        (Purpose::Login, 400..=499) if !matches!(status.as_u16(), 408 | 429) => {
            Some(Error::misconfigured(format!(
                "PILOT does not take the request (status {}); is its version another one?",
                status.as_u16()
            )))
        }
        _ => failure(status, answer.headers(), asked, envelope, redactor),
    }
}

#[cfg(test)]
mod tests;

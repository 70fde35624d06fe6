//! Reads what a command has printed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use crate::credentials::Credentials;
use crate::sources::external::text::{NoToken, expiring, token};
use crate::token_endpoint::{JsonObject, without_bom};

/// What a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// JSON if it begins like that, which no bearer token does.
    Any,
    ExecCredential,
}

/// The input of a plugin, in its environment (`ExecCredential` of `client.authentication.k8s.io/v1`).
pub(super) const EXEC_INFO: &str = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":false}}"#;

const EXPIRED: &str = "a token that has expired";
const NO_BEARER_TOKEN: &str = "something else than a bearer token (RFC 6750 section 2.1)";

/// Returns the credentials, or what there is in their place.
pub(super) fn read(
    output: &[u8],
    format: Format,
    renew_after: Option<Duration>,
) -> Result<Credentials, &'static str> {
    let output = without_bom(output).trim_ascii();
    if output.first() == Some(&b'{') {
        let object = JsonObject::parse(output).ok_or("JSON that can't be read")?;
        let (token, expiry) = match object.string("kind").as_deref() {
            Some("ExecCredential") => exec_credential(&object)?,
            _ if format == Format::ExecCredential => return Err("no `ExecCredential`"),
            _ => azure(&object)?,
        };
        let credentials = Credentials::new(token).map_err(|_| NO_BEARER_TOKEN)?;
        return expiring(credentials, expiry, renew_after).ok_or(EXPIRED);
    }
    if format == Format::ExecCredential {
        return Err("no `ExecCredential`");
    }
    token(output, renew_after).map_err(|what| match what {
        NoToken::Empty => "nothing",
        NoToken::Torn => "the beginning of a token only",
        NoToken::Other => NO_BEARER_TOKEN,
        NoToken::Expired => EXPIRED,
    })
}

type TokenAndExpiry = (String, Option<SystemTime>);

fn exec_credential(object: &JsonObject<'_>) -> Result<TokenAndExpiry, &'static str> {
    let version = object.string("apiVersion").unwrap_or_default();
    if !matches!(version.strip_prefix("client.authentication.k8s.io/"), Some("v1" | "v1beta1")) {
        return Err("an `ExecCredential` of an unknown version");
    }
    let status = object.object("status").ok_or("an `ExecCredential` without a status")?;
    let token = status.string("token").filter(|token| !token.is_empty());
    let token = token.ok_or("an `ExecCredential` without a token (client certificates are not supported)")?;
    // A time that can't be read is an error: without one the token would not expire.
    let expiry = match status.get("expirationTimestamp") {
        None | Some("null") => None,
        Some(_) => {
            let text = status.string("expirationTimestamp").unwrap_or_default();
            let time =
                text.parse::<Timestamp>().map_err(|_| "an `expirationTimestamp` that is not a time")?;
            Some(time.into())
        }
    };
    Ok((token, expiry))
}

/// `az account get-access-token`. Its `expiresOn` is a local time without a zone, and not read.
fn azure(object: &JsonObject<'_>) -> Result<TokenAndExpiry, &'static str> {
    let token = object.string("accessToken").ok_or("JSON without an `accessToken`")?;
    let seconds = object.string("expires_on").or_else(|| object.get("expires_on").map(str::to_owned));
    let expiry = match seconds.as_deref() {
        None | Some("null") => None,
        Some(text) => {
            let seconds = text.trim().parse().map_err(|_| "an `expires_on` that is not a time")?;
            let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
            Some(time.ok_or("an `expires_on` that is not a time")?)
        }
    };
    Ok((token, expiry))
}

#[cfg(test)]
mod tests;

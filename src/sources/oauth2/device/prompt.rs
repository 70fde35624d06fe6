//! What the provider wants the user to see (RFC 8628 section 3.2).

use std::fmt;
use std::time::Duration;

use http::Uri;
use secrecy::SecretString;

use crate::error::Error;
use crate::origins::Origin;
use crate::token_endpoint::Members;

/// Where the user has to go, and what to enter there.
///
/// Whoever sees the code can log in with it on this device's behalf, so show it to the user alone. `Debug` does not show it.
#[derive(Clone)]
pub struct DevicePrompt {
    verification_uri: String,
    verification_uri_complete: Option<String>,
    user_code: String,
    expires_in: Duration,
}

impl DevicePrompt {
    /// Returns the URL to open.
    pub fn verification_uri(&self) -> &str {
        &self.verification_uri
    }

    /// Returns a URL that has the code in it, such as for a QR code, if the provider sent one. The user should compare the code
    /// there with [`user_code`](Self::user_code).
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.verification_uri_complete.as_deref()
    }

    /// Returns the code to enter there.
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Returns how much time the user has.
    pub fn expires_in(&self) -> Duration {
        self.expires_in
    }
}

impl fmt::Debug for DevicePrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevicePrompt").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// A code that waits for the user.
pub(super) struct WaitingCode {
    pub(super) prompt: DevicePrompt,
    pub(super) device_code: SecretString,
    pub(super) interval: Duration,
}

/// The wait between two requests, if the provider does not say it (RFC 8628 section 3.2).
const INTERVAL: Duration = Duration::from_secs(5);
/// The shortest wait between two requests.
const LEAST_INTERVAL: Duration = Duration::from_secs(1);

/// Reads the response. The user has `limit` at most.
pub(super) fn read(members: &Members, limit: Duration) -> Result<WaitingCode, Error> {
    let text = |name| members.field(name).map(|text| text.to_string()).filter(|text| !text.is_empty());
    let missing = |what| {
        Error::invalid_response(format!(
            "the device authorization endpoint responded without a usable {what}; check the endpoint's URL"
        ))
    };
    // A terminal would obey control characters.
    let shown = |name| text(name).filter(|text: &String| !text.chars().any(char::is_control));
    let url =
        |name| shown(name).filter(|text| text.parse::<Uri>().is_ok_and(|uri| Origin::of(&uri).is_some()));
    let seconds = |name| {
        let number = text(name)?.trim().parse::<f64>().ok().filter(|seconds| *seconds > 0.0)?;
        Duration::try_from_secs_f64(number).ok()
    };
    // Google says `verification_url`.
    let verification_uri = url("verification_uri").or_else(|| url("verification_url"));
    Ok(WaitingCode {
        prompt: DevicePrompt {
            verification_uri: verification_uri.ok_or_else(|| missing("verification_uri"))?,
            verification_uri_complete: url("verification_uri_complete"),
            user_code: shown("user_code").ok_or_else(|| missing("user_code"))?,
            expires_in: seconds("expires_in").unwrap_or(limit).min(limit),
        },
        device_code: text("device_code").ok_or_else(|| missing("device_code"))?.into(),
        interval: seconds("interval").unwrap_or(INTERVAL).max(LEAST_INTERVAL),
    })
}

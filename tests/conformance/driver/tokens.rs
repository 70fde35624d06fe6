//! Credentials and times, from and to JSON.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reauth::{Credentials, Error};
use serde_json::{Value, json};

pub fn credentials_of(tokens: &Value) -> Result<Credentials, String> {
    let build = || -> Result<Credentials, Error> {
        let mut credentials = Credentials::new(tokens["access"].as_str().unwrap_or_default())?;
        if let Some(refresh) = tokens["refresh"].as_str() {
            credentials = credentials.with_refresh_token(refresh)?;
        }
        if let Some(lifetime) = seconds(&tokens["lifetime"]) {
            credentials = credentials.with_lifetime(lifetime);
        }
        if let Some(since_1970) = seconds(&tokens["expires_at"]) {
            credentials = credentials.with_expires_at(UNIX_EPOCH + since_1970);
        }
        Ok(credentials)
    };
    build().map_err(|error| error.to_string())
}

pub fn tokens_of(credentials: &Credentials) -> Value {
    let since_1970 = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let expires_at = credentials.expires_at().map(|at| (since_1970(at).as_millis() as f64) / 1000.0);
    json!({
        "access": credentials.access_token(),
        "refresh": credentials.refresh_token(),
        "expires_at": expires_at,
    })
}

/// Seconds, to the millisecond.
pub fn seconds(value: &Value) -> Option<Duration> {
    value.as_f64().map(|seconds| Duration::from_millis((seconds * 1000.0).round() as u64))
}

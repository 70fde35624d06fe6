//! From the name of an access token to its text, and back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::form::Moment;
use super::scenario::Tokens;

/// The wall clock when a scenario begins, in seconds since 1970.
pub(crate) const START: u64 = 2_000_000_000;

/// The access token that is sent: the name itself, or an unsigned JWT that contains it.
pub(super) fn text_of(tokens: &Tokens) -> String {
    let Some(jwt) = &tokens.jwt else { return tokens.access.clone() };
    let seconds = |Moment(at): Moment| START as f64 + at as f64 / 1000.0;
    let mut claims = json!({ "jti": tokens.access, "exp": seconds(jwt.exp) });
    if let Some(iat) = jwt.iat {
        claims["iat"] = json!(seconds(iat));
    }
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// The name of an access token.
pub(super) fn name_of(text: &str) -> String {
    let payload = text.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let claims = payload.and_then(|payload| serde_json::from_slice::<Value>(&payload).ok());
    let name = claims.and_then(|claims| claims["jti"].as_str().map(str::to_owned));
    name.unwrap_or_else(|| text.to_owned())
}

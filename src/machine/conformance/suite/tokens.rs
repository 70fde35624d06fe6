//! Credentials by name: read from a scenario, turned into the text of a token, and back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::fields::{Fields, Read, duration, moment, string};
use super::scenario::{Expiry, Jwt, Moment, Tokens};

/// The wall clock when a scenario begins, in seconds since 1970.
pub(crate) const START: u64 = 2_000_000_000;

pub(super) fn tokens(value: Value) -> Read<Tokens> {
    let mut fields = Fields::of(value)?;
    let jwt = fields.take("jwt").map(|value| {
        let mut fields = Fields::of(value)?;
        let jwt = Jwt {
            exp: moment(&fields.need("exp")?)?,
            iat: fields.take("iat").as_ref().map(moment).transpose()?,
        };
        fields.end()?;
        Ok::<_, String>(jwt)
    });
    let expiry = match (fields.take("lifetime"), fields.take("expires_at")) {
        (None, None) => Expiry::Unknown,
        (Some(lifetime), None) => Expiry::After(duration(&lifetime)?),
        (None, Some(at)) => Expiry::At(moment(&at)?),
        _ => return Err("a lifetime, or a time of expiry, not both".into()),
    };
    let tokens = Tokens {
        access: named(fields.text("access")?, "at-")?,
        refresh: fields.take("refresh").map(|value| named(string(value)?, "rt-")).transpose()?,
        expiry,
        jwt: jwt.transpose()?,
    };
    fields.end()?;
    Ok(tokens)
}

/// A name with its prefix, `at-` or `rt-`.
pub(super) fn named(name: String, prefix: &str) -> Read<String> {
    let good = name.strip_prefix(prefix).is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    });
    if good { Ok(name) } else { Err(format!("`{name}` is no name with `{prefix}`")) }
}

/// The access token that goes over the wire: the name itself, or an unsigned JWT that bears it.
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

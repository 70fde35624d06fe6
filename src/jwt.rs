//! Reads the times in a JWT. They are not verified, because they only decide when to refresh.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use serde_json::Value;
use zeroize::Zeroizing;

/// RFC 7515 section 2 forbids padding, but some issuers pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(crate) struct Claims {
    pub(crate) exp: SystemTime,
    pub(crate) iat: Option<SystemTime>,
}

/// The `exp` and `iat` (RFC 7519 section 4.1) of a token in JWS compact form. `None` for any other token, and without an
/// `exp`.
pub(crate) fn claims(token: &str) -> Option<Claims> {
    let (rest, _signature) = token.rsplit_once('.')?;
    // With a fourth part, this one has a dot, which base64 does not.
    let (_header, payload) = rest.split_once('.')?;
    let payload = Zeroizing::new(BASE64.decode(payload).ok()?);
    let payload: Value = serde_json::from_slice(&payload).ok()?;
    let time = |name: &str| {
        let seconds = payload.get(name)?.as_f64().filter(|s| *s > 0.0)?;
        UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
    };
    Some(Claims { exp: time("exp")?, iat: time("iat") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        format!("e30.{}.c2ln", BASE64.encode(payload))
    }

    fn seconds(time: SystemTime) -> u64 {
        time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }

    #[test]
    fn r04_reads_exp_and_iat() {
        let claims = claims(&token(r#"{"exp":2000000300,"iat":2000000000.5}"#));
        let claims = claims.unwrap_or_else(|| unreachable!("a JWT"));
        assert_eq!(seconds(claims.exp), 2_000_000_300);
        assert_eq!(claims.iat.map(seconds), Some(2_000_000_000));
    }

    #[test]
    fn r04_anything_else_has_no_claims() {
        for other in [
            "opaque".to_owned(),
            "a.b".into(),
            "a.b.c".into(),
            "a.b.c.d.e".into(),
            token("[]"),
            token("{}"),
            token(r#"{"exp":"soon"}"#),
            token(r#"{"exp":-5}"#),
            token(r#"{"exp":1e300}"#),
        ] {
            assert!(claims(&other).is_none(), "{other}");
        }
    }
}

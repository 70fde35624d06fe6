//! A token in the text that somebody else wrote.

use std::time::{Duration, SystemTime};

use crate::credentials::Credentials;
use crate::jwt;

/// What a text has in place of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoToken {
    Empty,
    /// The beginning of a JWT: the text is just being written.
    Torn,
    /// It has characters that no bearer token has.
    Other,
    Expired,
}

/// Reads a text that is a token and nothing else, except for white space around it.
///
/// The token expires when its `exp` says so, if it is a JWT, and after `renew_after` if that is sooner.
pub(super) fn token(text: &[u8], renew_after: Option<Duration>) -> Result<Credentials, NoToken> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(NoToken::Empty);
    }
    let text = std::str::from_utf8(text).map_err(|_| NoToken::Other)?;
    if is_torn(text) {
        return Err(NoToken::Torn);
    }
    let credentials = Credentials::new(text).map_err(|_| NoToken::Other)?;
    expiring(credentials, None, renew_after).ok_or(NoToken::Expired)
}

/// Sets the expiry; `None` if that has passed.
///
/// The token may be old, so that the time since its `iat` says nothing about what is left of it.
pub(super) fn expiring(
    credentials: Credentials,
    stated: Option<SystemTime>,
    renew_after: Option<Duration>,
) -> Option<Credentials> {
    let expiry = stated.or_else(|| jwt::claims(credentials.access_token()).map(|claims| claims.exp));
    let now = SystemTime::now();
    if expiry.is_some_and(|expiry| expiry <= now) {
        return None;
    }
    // Zero is no limit.
    let renew_after = renew_after.filter(|after| !after.is_zero());
    let left = expiry.and_then(|expiry| expiry.duration_since(now).ok());
    Some(match (expiry, renew_after) {
        (_, Some(after)) if left.is_none_or(|left| after < left) => credentials.with_lifetime(after),
        (Some(expiry), _) => credentials.with_expires_at(expiry),
        (None, _) => credentials,
    })
}

/// Whether this is the beginning of a JWT, which has three parts (RFC 7515 section 7.1), or five if it is encrypted (RFC 7516
/// section 7.1). If the last part is cut off, nobody can tell: the server rejects it, and the text is read again.
fn is_torn(text: &str) -> bool {
    /// What the usual headers begin with: `{"alg`, `{"typ`, `{"kid`.
    const BEGINNINGS: [&str; 3] = ["eyJhbGci", "eyJ0eXAi", "eyJraWQi"];
    let is_jwt = BEGINNINGS.iter().any(|begin| text.starts_with(begin) || begin.starts_with(text));
    let parts = text.split('.').count();
    is_jwt && (text.ends_with('.') || !matches!(parts, 3 | 5))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl";

    #[test]
    fn f151_every_beginning_of_a_jwt_is_recognized_up_to_its_signature() {
        let signature = JWT.rfind('.').unwrap_or_default() + 1;
        for end in 1..=signature {
            assert_eq!(token(&JWT.as_bytes()[..end], None).err(), Some(NoToken::Torn), "{end}");
        }
        assert!(token(JWT.as_bytes(), None).is_ok());
    }

    #[test]
    fn r86_other_tokens_that_begin_alike_are_taken() {
        // The keys of Grafana are base64 of JSON; an encrypted JWT has five parts.
        for other in
            ["eyJrIjoiYWJjIiwibiI6IngifQ==", "eyJhbGciOiJkaXIifQ..aXY.Y3Q.dGFn", "ya29.a0Af", "s.hvs-1"]
        {
            assert!(token(other.as_bytes(), None).is_ok(), "{other}");
        }
    }
}

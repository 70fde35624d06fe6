//! The header value that holds a token, and which texts are a token.

use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

/// The header value of a token. Its memory is overwritten when the last owner, which may be a request, drops it.
pub(super) fn header(prefix: &str, token: &str) -> Option<HeaderValue> {
    let mut text = Zeroizing::new(Vec::with_capacity(prefix.len() + token.len()));
    text.extend_from_slice(prefix.as_bytes());
    text.extend_from_slice(token.as_bytes());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// RFC 6750 section 2.1: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
pub(super) fn is_b64token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

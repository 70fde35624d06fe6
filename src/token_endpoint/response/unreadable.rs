//! What a success means whose body is not a JSON object.

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use serde::de::IgnoredAny;

use crate::error::Error;
use crate::token_endpoint::without_bom;

/// The error for a success whose body is not a JSON object.
///
/// A proxy's page, and a body that was lost on its way, may be different next time. Anything else stays as it is.
pub(crate) fn unreadable(response: &Response<Bytes>) -> Error {
    let body = without_bom(response.body()).trim_ascii();
    let returned = format!("the token endpoint returned {}", response.status().as_u16());
    let again = |what| Error::transient(format!("{returned} with {what}; try again, or check its URL"));
    if body.is_empty() {
        again("an empty body")
    } else if is_form(response, body) {
        Error::invalid_response(format!(
            "{returned} with a form-encoded body, which this crate does not read; have the provider send JSON, or write a \
             `CredentialSource` for it"
        ))
    } else if body.starts_with(b"<") {
        again("a page")
    } else if is_torn(body) {
        again("JSON that is cut off")
    } else {
        Error::invalid_response(format!("{returned} with a body that is not a JSON object; check its URL"))
    }
}

/// RFC 6749 has JSON only. Some older servers send the fields as a form.
fn is_form(response: &Response<Bytes>, body: &[u8]) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = form_urlencoded::parse(body).next().is_some_and(|(name, _)| {
        matches!(&*name, "access_token" | "refresh_token" | "token_type" | "expires_in" | "scope" | "error")
    });
    first || kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
}

/// Whether this is the beginning of a JSON object.
fn is_torn(body: &[u8]) -> bool {
    let is_cut = match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str::<IgnoredAny>(text).is_err_and(|error| error.is_eof()),
        // Cut off in the middle of a character.
        Err(error) => error.error_len().is_none(),
    };
    body.starts_with(b"{") && is_cut
}

//! The bodies of token requests.

use bytes::Bytes;
use form_urlencoded::Serializer;

/// An `application/x-www-form-urlencoded` body (RFC 6749 appendix B). The copy inside the HTTP stack can't be
/// overwritten afterwards.
pub(crate) struct Form(String);

impl Form {
    pub(crate) const CONTENT_TYPE: &'static str = "application/x-www-form-urlencoded";

    pub(crate) fn new() -> Self {
        Self(String::new())
    }

    /// The form of a token request.
    pub(crate) fn of_grant(grant_type: &str) -> Self {
        let mut form = Self::new();
        form.field("grant_type", grant_type);
        form
    }

    pub(crate) fn field(&mut self, name: &str, value: &str) -> &mut Self {
        let written = std::mem::take(&mut self.0);
        self.0 = Serializer::for_suffix(written, 0).append_pair(name, value).finish();
        self
    }

    pub(crate) fn into_body(self) -> Bytes {
        Bytes::from(self.0)
    }
}

/// A JSON object of strings.
pub(crate) fn json_body(fields: &[(&str, &str)]) -> Bytes {
    let object: serde_json::Map<_, _> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    Bytes::from(serde_json::Value::Object(object).to_string())
}

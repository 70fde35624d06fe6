//! The body of a token request. The copy inside the HTTP stack can't be overwritten afterwards.

use bytes::Bytes;
use form_urlencoded::Serializer;

/// An `application/x-www-form-urlencoded` body (RFC 6749 appendix B).
#[derive(Default)]
pub(crate) struct Form(String);

impl Form {
    /// The form of a token request.
    pub(crate) fn of_grant(grant_type: &str) -> Self {
        let mut form = Self::default();
        form.field("grant_type", grant_type);
        form
    }

    pub(crate) fn field(&mut self, name: &str, value: &str) -> &mut Self {
        let written = std::mem::take(&mut self.0);
        self.0 = Serializer::for_suffix(written, 0).append_pair(name, value).finish();
        self
    }

    pub(super) fn into_body(self) -> Bytes {
        Bytes::from(self.0)
    }
}

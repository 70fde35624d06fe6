//! What a token request returns.

use std::fmt;

use bytes::Bytes;
use zeroize::Zeroizing;

use super::JsonObject;
use crate::credentials::Credentials;

/// The response to a [`TokenRequest`](super::TokenRequest): credentials, and whatever else the provider sent.
///
/// `Debug` shows no value.
#[derive(Clone)]
pub struct TokenResponse {
    credentials: Credentials,
    members: Members,
}

impl TokenResponse {
    pub(super) fn new(credentials: Credentials, members: Members) -> Self {
        Self { credentials, members }
    }

    /// Returns the credentials in the response.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Returns the credentials in the response, and drops the rest.
    pub fn into_credentials(self) -> Credentials {
        self.credentials
    }

    /// Returns a member of the response, such as `id_token` or `scope`: the text of a string, or the JSON text of another
    /// value. `None` if there is no such member, or if it is null. It may be a secret: do not log it.
    ///
    /// A name that begins with a slash is a JSON Pointer (RFC 6901), such as `/data/user/id`.
    pub fn field(&self, name: &str) -> Option<Zeroizing<String>> {
        self.members.field(name)
    }
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

/// The members of a JSON object, as a provider sent it.
#[derive(Clone)]
pub(crate) struct Members(Bytes);

impl Members {
    pub(super) fn new(json: Bytes) -> Self {
        Self(json)
    }

    /// The text of a string, or the JSON text of another value than null.
    pub(crate) fn field(&self, name: &str) -> Option<Zeroizing<String>> {
        JsonObject::parse(&self.0)?.text(name)
    }
}

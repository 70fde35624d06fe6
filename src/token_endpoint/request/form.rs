//! The fields of a request, and how they are written (RFC 6749 appendix B).

use std::borrow::Cow;
use std::fmt;

use form_urlencoded::Serializer;
use secrecy::{ExposeSecret, SecretString};

use crate::error::Error;

/// Fields whose values must not be in a URL.
const NOT_IN_URLS: &[&str] = &[
    "access_token",
    "actor_token",
    "api_key",
    "apikey",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "id_token",
    "passwd",
    "password",
    "refresh_token",
    "secret",
    "subject_token",
    "token",
];

/// The fields, in their order.
#[derive(Clone, Default)]
pub(super) struct Form(Vec<Field>);

#[derive(Clone)]
pub(in crate::token_endpoint) struct Field {
    name: Cow<'static, str>,
    value: SecretString,
    is_secret: bool,
    /// A few extensions allow it (RFC 8693 section 2.1).
    may_repeat: bool,
}

impl Form {
    pub(super) fn push(&mut self, field: Field) {
        self.0.push(field);
    }

    pub(super) fn insert_first(&mut self, field: Field) {
        self.0.insert(0, field);
    }

    pub(super) fn extend(&mut self, fields: Vec<Field>) {
        self.0.extend(fields);
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|field| field.name != name);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|field| field.name == name)
    }

    /// The text of the form, for a body or for the query of a URL.
    ///
    /// The copies of it inside the HTTP stack can't be overwritten afterwards.
    pub(super) fn encode(&self, for_url: bool) -> Result<String, Error> {
        let mut text = Serializer::new(String::new());
        for (at, field) in self.0.iter().enumerate() {
            let is_again = self.0[..at].iter().any(|other| other.name == field.name);
            if is_again && !field.may_repeat {
                return Err(twice());
            }
            if for_url && NOT_IN_URLS.iter().any(|name| name.eq_ignore_ascii_case(&field.name)) {
                return Err(Error::misconfigured(format!(
                    "token request: `{}` is a secret, and a GET would put it into the URL; send a POST, or use a header",
                    field.name
                )));
            }
            text.append_pair(&field.name, field.value.expose_secret());
        }
        Ok(text.finish())
    }

    /// The values that no message may show.
    pub(super) fn secrets(&self) -> impl Iterator<Item = SecretString> {
        self.0.iter().filter(|field| field.is_secret).map(|field| field.value.clone())
    }
}

/// The names alone.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|field| &field.name)).finish()
    }
}

impl Field {
    /// A field with a value that may be shown.
    pub(in crate::token_endpoint) fn open(
        name: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
    ) -> Self {
        Self { name: name.into(), value: value.into().into(), is_secret: false, may_repeat: false }
    }

    /// A field with a value that must not be shown.
    pub(in crate::token_endpoint) fn secret(
        name: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
    ) -> Self {
        Self { is_secret: true, ..Self::open(name, value) }
    }

    /// A field with a value that may be shown, and a name that may come again.
    pub(super) fn repeated(name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        Self { may_repeat: true, ..Self::open(name, value) }
    }
}

/// No parameter may come twice (RFC 6749 section 3.2).
pub(super) fn twice() -> Error {
    Error::misconfigured("token request: a field comes twice; leave one of them out")
}

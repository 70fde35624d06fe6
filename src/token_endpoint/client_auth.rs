//! How a client proves its identity to the token endpoint (RFC 6749 section 2.3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::Form;
use crate::error::Error;

/// A client's id and secret, and the one way in which they are sent. No other way is tried.
#[derive(Clone, Debug)]
pub struct ClientAuth {
    client_id: String,
    /// Empty for a client that has none.
    client_secret: SecretString,
    method: AuthMethod,
}

#[derive(Clone, Copy, Debug)]
enum AuthMethod {
    Basic,
    BasicRaw,
    Post,
    None,
}

impl ClientAuth {
    /// Sends id and secret by HTTP Basic, form-encoded first, as RFC 6749 section 2.3.1 says (`client_secret_basic`).
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the client id is empty.
    pub fn basic(client_id: impl Into<String>, client_secret: impl Into<String>) -> Result<Self, Error> {
        Self::new(client_id, client_secret, AuthMethod::Basic)
    }

    /// Sends id and secret by HTTP Basic, as they are. It is for servers that do not decode them.
    ///
    /// # Errors
    ///
    /// As [`basic`](Self::basic); also if the client id contains a colon, at which a server would split it.
    pub fn basic_raw(client_id: impl Into<String>, client_secret: impl Into<String>) -> Result<Self, Error> {
        let client_id = client_id.into();
        if client_id.contains(':') {
            return Err(Error::misconfigured(
                "client id: it contains a colon, which raw basic authentication can't carry; use `ClientAuth::basic`",
            ));
        }
        Self::new(client_id, client_secret, AuthMethod::BasicRaw)
    }

    /// Sends id and secret in the body (`client_secret_post`).
    ///
    /// # Errors
    ///
    /// As [`basic`](Self::basic).
    pub fn post(client_id: impl Into<String>, client_secret: impl Into<String>) -> Result<Self, Error> {
        Self::new(client_id, client_secret, AuthMethod::Post)
    }

    /// Sends the id in the body: a public client, without a secret.
    ///
    /// # Errors
    ///
    /// As [`basic`](Self::basic).
    pub fn none(client_id: impl Into<String>) -> Result<Self, Error> {
        Self::new(client_id, "", AuthMethod::None)
    }

    fn new(id: impl Into<String>, secret: impl Into<String>, method: AuthMethod) -> Result<Self, Error> {
        let client_id = non_empty(id.into(), "client id")?;
        Ok(Self { client_id, client_secret: secret.into().into(), method })
    }

    /// Adds the proof of the client's identity to a form, or returns it as the value of the `Authorization` header.
    pub(crate) fn apply<'a>(&'a self, form: &mut Form<'a>) -> Result<Option<HeaderValue>, Error> {
        let (id, secret) = (self.client_id.as_str(), self.secret());
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        match self.method {
            AuthMethod::Basic => return basic(&encoded(id), &encoded(secret)).map(Some),
            AuthMethod::BasicRaw => return basic(id, secret).map(Some),
            AuthMethod::Post => form.extend([("client_id", id), ("client_secret", secret)]),
            AuthMethod::None => form.push(("client_id", id)),
        }
        Ok(None)
    }

    /// The secret, to keep it out of what a server repeats.
    pub(crate) fn secret(&self) -> &str {
        self.client_secret.expose_secret()
    }
}

/// Returns the text, or an error that names the field.
pub(crate) fn non_empty(text: String, field: &str) -> Result<String, Error> {
    if text.is_empty() {
        return Err(Error::misconfigured(format!("{field}: it is empty; set it")));
    }
    Ok(text)
}

/// The header value of RFC 7617 section 2.
fn basic(user: &str, password: &str) -> Result<HeaderValue, Error> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Error::misconfigured("client secret: a header can't carry it; use `ClientAuth::post`")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

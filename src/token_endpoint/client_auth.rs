//! How a client proves to the token endpoint who it is (RFC 6749 section 2.3.1).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::Form;
use crate::Error;

/// Client authentication: exactly one way, and never a guess.
#[derive(Clone)]
pub struct ClientAuth {
    client_id: String,
    method: Method,
}

#[derive(Clone)]
enum Method {
    Basic(SecretString),
    BasicRaw(SecretString),
    Post(SecretString),
    None,
}

impl ClientAuth {
    /// `client_secret_basic`: HTTP Basic, id and secret form-encoded first, as RFC 6749 section 2.3.1 says.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when the client id is empty.
    pub fn basic(client_id: impl Into<String>, client_secret: impl Into<String>) -> Result<Self, Error> {
        Self::new(client_id, Method::Basic(client_secret.into().into()))
    }

    /// HTTP Basic with the bytes as they are, for servers that do not decode them.
    ///
    /// # Errors
    ///
    /// As [`basic`](Self::basic); also when the client id holds a colon, which Basic would split there.
    pub fn basic_raw(client_id: impl Into<String>, client_secret: impl Into<String>) -> Result<Self, Error> {
        let client_id = client_id.into();
        if client_id.contains(':') {
            return Err(Error::misconfigured(
                "client id: it holds a colon, which raw basic authentication can't carry",
            ));
        }
        Self::new(client_id, Method::BasicRaw(client_secret.into().into()))
    }

    /// `client_secret_post`: id and secret in the body.
    ///
    /// # Errors
    ///
    /// As [`basic`](Self::basic).
    pub fn post(client_id: impl Into<String>, client_secret: impl Into<String>) -> Result<Self, Error> {
        Self::new(client_id, Method::Post(client_secret.into().into()))
    }

    /// A public client: its id in the body, and no secret.
    ///
    /// # Errors
    ///
    /// As [`basic`](Self::basic).
    pub fn none(client_id: impl Into<String>) -> Result<Self, Error> {
        Self::new(client_id, Method::None)
    }

    fn new(client_id: impl Into<String>, method: Method) -> Result<Self, Error> {
        let client_id = non_empty(client_id.into(), "client id")?;
        Ok(Self { client_id, method })
    }

    /// Adds what proves the client's identity to a request.
    pub(crate) fn apply(&self, headers: &mut HeaderMap, form: &mut Form) -> Result<(), Error> {
        match &self.method {
            Method::Basic(secret) => {
                let secret = secret.expose_secret();
                let encoded =
                    |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                headers.insert(AUTHORIZATION, basic(&encoded(&self.client_id), &encoded(secret))?);
            }
            Method::BasicRaw(secret) => {
                headers.insert(AUTHORIZATION, basic(&self.client_id, secret.expose_secret())?);
            }
            Method::Post(secret) => {
                form.field("client_id", &self.client_id).field("client_secret", secret.expose_secret());
            }
            Method::None => {
                form.field("client_id", &self.client_id);
            }
        }
        Ok(())
    }

    /// The secret, so that it can be kept out of what a server echoes.
    pub(crate) fn secret(&self) -> Option<&str> {
        match &self.method {
            Method::Basic(secret) | Method::BasicRaw(secret) | Method::Post(secret) => {
                Some(secret.expose_secret())
            }
            Method::None => None,
        }
    }
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = match self.method {
            Method::Basic(_) => "basic",
            Method::BasicRaw(_) => "basic_raw",
            Method::Post(_) => "post",
            Method::None => "none",
        };
        f.debug_struct("ClientAuth").field("client_id", &self.client_id).field("method", &method).finish()
    }
}

/// The text, or an error that names the field.
pub(crate) fn non_empty(text: String, field: &str) -> Result<String, Error> {
    if text.is_empty() {
        return Err(Error::misconfigured(format!("{field}: it is empty")));
    }
    Ok(text)
}

/// RFC 7617 section 2.
fn basic(user: &str, password: &str) -> Result<HeaderValue, Error> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| Error::misconfigured("client secret: it can't stand in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

//! How a client proves its identity to the token endpoint (RFC 6749 section 2.3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::request::Field;
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

    /// What goes into a request.
    pub(super) fn prove(&self) -> Result<Proof, Error> {
        let (id, secret) = (self.client_id.as_str(), self.client_secret.expose_secret());
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let fields = match self.method {
            AuthMethod::Basic => return Proof::basic(&encoded(id), &encoded(secret), secret),
            AuthMethod::BasicRaw => return Proof::basic(id, secret, secret),
            AuthMethod::Post => vec![Field::open("client_id", id), Field::secret("client_secret", secret)],
            AuthMethod::None => vec![Field::open("client_id", id)],
        };
        Ok(Proof { fields, secrets: vec![self.client_secret.clone()], authorization: None })
    }
}

/// The proof of a client's identity.
#[derive(Default)]
pub(super) struct Proof {
    pub(super) authorization: Option<HeaderValue>,
    pub(super) fields: Vec<Field>,
    /// What no message may show.
    pub(super) secrets: Vec<SecretString>,
}

impl Proof {
    fn basic(user: &str, password: &str, secret: &str) -> Result<Self, Error> {
        let (value, encoded) = basic(user, password)?;
        let secrets = vec![encoded, secret.into()];
        Ok(Self { authorization: Some(value), fields: Vec::new(), secrets })
    }
}

/// Returns the text, or an error that names the field.
pub(crate) fn non_empty(text: String, field: &str) -> Result<String, Error> {
    if text.is_empty() {
        return Err(Error::misconfigured(format!("{field}: it is empty; set it")));
    }
    Ok(text)
}

/// The header value of RFC 7617 section 2, and what follows its scheme.
fn basic(user: &str, password: &str) -> Result<(HeaderValue, SecretString), Error> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    let encoded = SecretString::from(STANDARD.encode(pair.as_bytes()));
    let text = Zeroizing::new(format!("Basic {}", encoded.expose_secret()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Error::misconfigured("client secret: a header can't carry it; use `ClientAuth::post`")
    })?;
    value.set_sensitive(true);
    Ok((value, encoded))
}

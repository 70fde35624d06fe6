//! How a client proves its identity to the token endpoint (RFC 6749 section 2.3.1, RFC 7523 section 2.2).

mod assertion;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

pub(crate) use self::assertion::{MakeAssertion, maker, read as read_assertion};
use super::request::Field;
use super::resolved::Deadline;
use crate::error::Error;

/// A client's id and its proof of identity, and the one way in which they are sent. No other way is tried.
#[derive(Clone, Debug)]
pub struct ClientAuth {
    client_id: String,
    method: AuthMethod,
}

#[derive(Clone)]
enum AuthMethod {
    Basic(SecretString),
    BasicRaw(SecretString),
    Post(SecretString),
    None,
    Assertion(Arc<MakeAssertion>),
}

impl ClientAuth {
    /// Sends id and secret by HTTP Basic, form-encoded first, as RFC 6749 section 2.3.1 says (`client_secret_basic`).
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the client id is empty.
    pub fn basic(client_id: impl Into<String>, client_secret: impl Into<String>) -> Result<Self, Error> {
        Self::new(client_id, AuthMethod::Basic(client_secret.into().into()))
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
        Self::new(client_id, AuthMethod::BasicRaw(client_secret.into().into()))
    }

    /// Sends id and secret in the body (`client_secret_post`).
    ///
    /// # Errors
    ///
    /// As [`basic`](Self::basic).
    pub fn post(client_id: impl Into<String>, client_secret: impl Into<String>) -> Result<Self, Error> {
        Self::new(client_id, AuthMethod::Post(client_secret.into().into()))
    }

    /// Sends the id in the body: a public client, without a secret.
    ///
    /// # Errors
    ///
    /// As [`basic`](Self::basic).
    pub fn none(client_id: impl Into<String>) -> Result<Self, Error> {
        Self::new(client_id, AuthMethod::None)
    }

    /// Sends a JWT that the closure makes, or reads, for each request (RFC 7523 section 2.2): `private_key_jwt`,
    /// `client_secret_jwt`, or the token of a workload from a file. The closure returns the JWT alone.
    ///
    /// The JWT names the client in `iss` and `sub`, and the provider in `aud`: its issuer, or the URL of its token endpoint.
    /// It lives a minute or so, and has an own `jti`, because many providers take it once.
    ///
    /// ```
    /// # #[cfg(feature = "reqwest")]
    /// # fn example() -> Result<(), reauth::Error> {
    /// use reauth::{ClientAuth, Error, oauth2};
    ///
    /// // The token of a pod, which Kubernetes replaces now and then.
    /// let client_auth = ClientAuth::assertion("my-service", || async {
    ///     let read = tokio::fs::read_to_string("/var/run/secrets/tokens/token").await;
    ///     read.map_err(|e| Error::transient("the pod's token can't be read; check its path").with_source(e))
    /// })?;
    /// let source = oauth2::ClientCredentials::new("https://id.example.com/token", client_auth)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// `examples/private_key_jwt.rs` signs with a key of the program.
    ///
    /// The time that the closure takes counts into the time limit of the request
    /// ([`TokenEndpoint::timeout`](super::TokenEndpoint::timeout)). If it fails, nothing is sent, and a refresh token is kept.
    /// A [`Transient`](crate::ErrorKind::Transient) error is tried again. Any other is reported as
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured), with the closure's error as its source.
    ///
    /// # Errors
    ///
    /// As [`basic`](Self::basic).
    ///
    /// # Cancel safety
    ///
    /// The future of the closure is dropped at the time limit, and with the request.
    pub fn assertion<F, Fut>(client_id: impl Into<String>, assertion: F) -> Result<Self, Error>
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, Error>> + Send + 'static,
    {
        Self::new(client_id, AuthMethod::Assertion(maker(assertion)))
    }

    fn new(id: impl Into<String>, method: AuthMethod) -> Result<Self, Error> {
        Ok(Self { client_id: non_empty(id.into(), "client id")?, method })
    }

    #[cfg(feature = "loopback")]
    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// What goes into a request.
    pub(super) async fn prove(&self, deadline: Deadline) -> Result<Proof, Error> {
        let id = self.client_id.as_str();
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        Ok(match &self.method {
            AuthMethod::Basic(secret) => {
                return Proof::basic(&encoded(id), &encoded(secret.expose_secret()), secret);
            }
            AuthMethod::BasicRaw(secret) => return Proof::basic(id, secret.expose_secret(), secret),
            AuthMethod::Post(secret) => Proof::in_form([
                Field::open("client_id", id),
                Field::secret("client_secret", secret.expose_secret()),
            ]),
            AuthMethod::None => Proof::in_form([Field::open("client_id", id)]),
            AuthMethod::Assertion(make) => {
                let assertion = assertion::make(&**make, deadline).await?;
                Proof::in_form([
                    Field::open("client_id", id),
                    Field::open("client_assertion_type", assertion::JWT_BEARER),
                    Field::secret("client_assertion", assertion.as_str()),
                ])
            }
        })
    }
}

impl fmt::Debug for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic(_) => "Basic",
            Self::BasicRaw(_) => "BasicRaw",
            Self::Post(_) => "Post",
            Self::None => "None",
            Self::Assertion(_) => "Assertion",
        })
    }
}

/// The proof of a client's identity.
#[derive(Default)]
pub(super) struct Proof {
    pub(super) authorization: Option<HeaderValue>,
    pub(super) fields: Vec<Field>,
    /// What no message may show, besides the fields.
    pub(super) secrets: Vec<SecretString>,
}

impl Proof {
    fn basic(user: &str, password: &str, secret: &SecretString) -> Result<Self, Error> {
        let (value, encoded) = basic(user, password)?;
        let secrets = vec![encoded, secret.clone()];
        Ok(Self { authorization: Some(value), fields: Vec::new(), secrets })
    }

    fn in_form(fields: impl Into<Vec<Field>>) -> Self {
        Self { fields: fields.into(), ..Self::default() }
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

//! A request for tokens, with any grant.

mod form;
mod json;
mod send;

use std::borrow::Cow;
use std::fmt;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde::Serialize;

pub(super) use self::form::Field;
use self::form::Form;
use self::json::JsonBody;
use super::{ClientAuth, Expected, ResolvedEndpoint};
use crate::error::Error;

/// A request for tokens with any grant: [`TokenEndpoint::request`](super::TokenEndpoint::request) makes one.
///
/// It has what the sources of this crate have: limits of time and size, failures whose [kind](crate::ErrorKind) says what
/// to do, and messages without a secret. The source below exchanges a key of the machine for tokens:
///
/// ```
/// # #[cfg(feature = "reqwest")]
/// # fn example() -> Result<(), reauth::Error> {
/// use reauth::{Authenticator, ClientAuth, TokenEndpoint, source_fn};
///
/// let endpoint = TokenEndpoint::new("https://id.example.com/token")?;
/// let client_auth = ClientAuth::basic("my-service", "s3cret")?;
/// let auth = Authenticator::new(source_fn(move || {
///     let request = endpoint.request().client(&client_auth).grant("urn:example:machine-key");
///     async move { Ok(request.field("key", "k3y")?.scope("read").send().await?.into_credentials()) }
/// }));
/// # Ok(())
/// # }
/// ```
///
/// It owns its parts, so it can be made outside of an `async` block and sent within. `Debug` shows no value.
///
/// The [grant type](Self::grant) decides what a refusal means: with `refresh_token` it is the end of that refresh token. With a grant
/// of the client alone (`client_credentials`, or none) the client's settings are wrong. With any other it is a refused log-in.
#[derive(Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct TokenRequest {
    /// Whether there is a transport shows when the request is sent.
    endpoint: Result<ResolvedEndpoint, Error>,
    client: Option<ClientAuth>,
    grant_type: Option<Cow<'static, str>>,
    form: Form,
    /// What is sent in place of the form.
    json: Option<JsonBody>,
    headers: HeaderMap,
    is_get: bool,
    expected: Expected,
    redacted: Vec<SecretString>,
}

impl TokenRequest {
    pub(super) fn new(endpoint: Result<ResolvedEndpoint, Error>) -> Self {
        Self {
            endpoint,
            client: None,
            grant_type: None,
            form: Form::default(),
            json: None,
            headers: HeaderMap::new(),
            is_get: false,
            expected: Expected::default(),
            redacted: Vec::new(),
        }
    }

    /// Sets how the client proves its identity. Default: it does not.
    pub fn client(mut self, client_auth: &ClientAuth) -> Self {
        self.client = Some(client_auth.clone());
        self
    }

    /// Sets the `grant_type`, such as `client_credentials` or `urn:ietf:params:oauth:grant-type:jwt-bearer`. Default: none
    /// is sent.
    pub fn grant(mut self, grant_type: impl Into<Cow<'static, str>>) -> Self {
        self.grant_type = Some(grant_type.into());
        self
    }

    /// Sets the scope to ask for, space-separated (RFC 6749 section 3.3). Default: no scope is sent.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.form.remove("scope");
        self.open("scope", scope)
    }

    /// Adds a form field. Its value is kept as a secret: no message shows it, even if the server repeats it.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the name is empty or is `grant_type`, or if it was added
    /// before: no field may come twice (RFC 6749 section 3.2). A field that the [client](Self::client) sends too is found
    /// when the request is sent.
    pub fn field(self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        if name.is_empty() {
            return Err(Error::misconfigured("token request: the name of a field is empty; set it"));
        }
        if name == "grant_type" {
            return Err(Error::misconfigured(
                "token request: `grant_type` is no field; use `TokenRequest::grant`",
            ));
        }
        if self.form.has(&name) {
            return Err(form::twice());
        }
        Ok(self.secret(name, value))
    }

    /// Adds a header, such as `Metadata: true`. Its value is kept as a secret, and is marked sensitive.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if a header can't have this name or this value, if the name comes
    /// twice, or if the request sets this header itself (`content-type`, `content-length`, `transfer-encoding`, `host`). An
    /// `authorization` that the [client](Self::client) sends too is found when the request is sent.
    pub fn header(mut self, name: &str, value: impl AsRef<str>) -> Result<Self, Error> {
        let refused = |why| Error::misconfigured(format!("token request: {why}"));
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| refused("no header can have this name; use letters, digits and hyphens"))?;
        let mut value = HeaderValue::from_str(value.as_ref())
            .map_err(|_| refused("a header can't carry this value; leave out control characters"))?;
        if [CONTENT_TYPE, CONTENT_LENGTH, TRANSFER_ENCODING, HOST].contains(&name) {
            return Err(refused("it sets this header itself; leave it out"));
        }
        if self.headers.contains_key(&name) {
            return Err(refused("a header comes twice; leave one of them out"));
        }
        value.set_sensitive(true);
        let no_room = |_| refused("it has no room for another header; leave some out");
        self.headers.try_insert(name, value).map_err(no_room)?;
        Ok(self)
    }

    /// Sends this as JSON, in place of a form. Many devices and services log in so. The request below logs in to a device that nests
    /// its token:
    ///
    /// ```
    /// # #[cfg(feature = "reqwest")]
    /// # fn example() -> Result<(), reauth::Error> {
    /// use reauth::{Authenticator, TokenEndpoint, source_fn};
    ///
    /// // It responds {"data": {"token": "…", "ttl": 3600}}.
    /// let endpoint = TokenEndpoint::new("https://device.example.com/api/login")?;
    /// let log_in = serde_json::json!({ "username": "ada", "password": "s3cret" });
    /// let request = endpoint.request().grant("password").json(&log_in)?;
    /// let request = request.bearer_field("/data/token").expires_in_field("/data/ttl");
    /// let auth = Authenticator::new(source_fn(move || {
    ///     let request = request.clone();
    ///     async move { Ok(request.send().await?.into_credentials()) }
    /// }));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Each text and each number in it is kept as a secret, as the value of a [field](Self::field) is; the names of members are not. It
    /// is sent as it is: the
    /// [grant type](Self::grant) does not go into it, and only says what a refusal means. Use `password` for a log-in and
    /// `refresh_token` for a refresh. A log-in that gets 400, 401 or 403 is refused, also if the `error` in the response is not one of
    /// RFC 6749. Without it, a member `grant_type` of the JSON says so.
    ///
    /// Nothing else has a place in the body. A request that also has a field, a scope, or a [client](Self::client) whose id is sent in
    /// a form fails with [`Misconfigured`](crate::ErrorKind::Misconfigured), and so does a [GET](Self::get).
    /// [`ClientAuth::basic`] is a header, and goes with JSON.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the value can't be written as JSON. The error does not have the cause,
    /// which may show a secret.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        self.json = Some(JsonBody::new(body)?);
        Ok(self)
    }

    /// Sends a GET with the fields in the URL, as the metadata servers of clouds want it. Default: a POST with a form.
    ///
    /// URLs end up in logs, so a request with a field that is known to be a secret (such as `client_secret`, `password`,
    /// `refresh_token` or `assertion`) fails with [`Misconfigured`](crate::ErrorKind::Misconfigured). Put a secret into a
    /// [header](Self::header).
    ///
    /// ```
    /// # #[cfg(feature = "reqwest")]
    /// # fn example() -> Result<(), reauth::Error> {
    /// use reauth::{Authenticator, TokenEndpoint, source_fn};
    ///
    /// // Azure's metadata server, which gives a virtual machine tokens of its managed identity.
    /// let url = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01";
    /// let endpoint = TokenEndpoint::danger_accept_plain_http(url)?;
    /// let request = endpoint.request().get().header("metadata", "true")?.field("resource", "https://vault.azure.net")?;
    /// let auth = Authenticator::new(source_fn(move || {
    ///     let request = request.clone();
    ///     async move { Ok(request.send().await?.into_credentials()) }
    /// }));
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(mut self) -> Self {
        self.is_get = true;
        self
    }

    /// Accepts this `token_type` too, compared without case. A token exchange whose token is not an access token has `N_A`
    /// (RFC 8693 section 2.2.1). Default: `Bearer`, or none.
    pub fn accept_token_type(mut self, token_type: impl Into<String>) -> Self {
        self.expected.token_type = Some(token_type.into());
        self
    }

    /// Keeps a member of the response, such as `id_token` or `scope`, with the tokens: as
    /// [`Credentials::field`](crate::Credentials::field), and in the store. It may be called more than once. Default: none is
    /// kept. [`TokenResponse::field`](super::TokenResponse::field) has all of them.
    ///
    /// A name that begins with a slash is a JSON Pointer (RFC 6901), such as `/data/user/id`: it finds a member that is nested, and
    /// the field keeps it as its name. That is so for the next three settings too. A request with a wrong escape in a pointer fails
    /// with [`Misconfigured`](crate::ErrorKind::Misconfigured) before it is sent.
    pub fn keep_field(mut self, name: impl Into<String>) -> Self {
        self.expected.kept.push(name.into());
        self
    }

    /// Takes another member of the response for the bearer token, such as the `id_token` that Kubernetes wants, or
    /// `/data/token`. Default: `access_token`. Its lifetime is what it says in itself, if it is a JWT: `expires_in` is about the
    /// access token. Where it is about the bearer token, name it with [`expires_in_field`](Self::expires_in_field).
    pub fn bearer_field(mut self, name: impl Into<String>) -> Self {
        self.expected.bearer = Some(name.into());
        self
    }

    /// Takes another member of the response for the refresh token, such as `/data/refresh`. Default: `refresh_token`. A response
    /// without it has none.
    pub fn refresh_token_field(mut self, name: impl Into<String>) -> Self {
        self.expected.refresh_token = Some(name.into());
        self
    }

    /// Takes another member of the response for the lifetime of the bearer token in seconds, such as `/data/ttl`. Default:
    /// `expires_in`, or none if there is another [bearer token](Self::bearer_field). What is not a lifetime counts as unknown.
    ///
    /// If the server says the time at which the token expires, read it with [`TokenResponse::field`](super::TokenResponse::field),
    /// and add it with [`Credentials::with_expires_at`](crate::Credentials::with_expires_at).
    pub fn expires_in_field(mut self, name: impl Into<String>) -> Self {
        self.expected.expires_in = Some(name.into());
        self
    }

    /// Says where the tokens are in the response, and what else is kept.
    pub(crate) fn expecting(mut self, expected: Expected) -> Self {
        self.expected = expected;
        self
    }

    /// Keeps one more text out of messages, such as an older token that a server may repeat. The values of
    /// [fields](Self::field) and [headers](Self::header), and the secret of the [client](Self::client), are kept out anyway.
    pub fn redact(mut self, secret: impl Into<String>) -> Self {
        self.redacted.push(secret.into().into());
        self
    }

    /// Adds a field with a value that may be shown.
    pub(crate) fn open(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.form.push(Field::open(name, value));
        self
    }

    /// Adds a field with a value that may be shown, and a name that may come again.
    pub(crate) fn repeated(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.form.push(Field::repeated(name, value));
        self
    }

    /// Adds a field with a value that must not be shown.
    pub(crate) fn secret(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.form.push(Field::secret(name, value));
        self
    }
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRequest")
            .field("endpoint", &self.endpoint)
            .field("client", &self.client)
            .field("grant_type", &self.grant_type)
            .field("fields", &self.form)
            .field("headers", &self.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

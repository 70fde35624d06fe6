//! What a source returns: an access token, with a refresh token and an expiry if it has them.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::auth_header::BEARER;
use crate::error::Error;
use crate::timing::Timing;
use header::{header, is_b64token};

/// An access token, with its refresh token and its expiry if they are known.
///
/// ```
/// use reauth::Credentials;
/// use std::time::Duration;
///
/// // An access token alone:
/// let credentials = Credentials::new("at-1")?;
/// // An access token that is valid for five minutes, and a refresh token:
/// let credentials = Credentials::new("at-1")?
///     .with_refresh_token("rt-1")?
///     .with_lifetime(Duration::from_secs(300));
/// assert!(!format!("{credentials:?}").contains("t-1"));
/// # Ok::<(), reauth::Error>(())
/// ```
///
/// Credentials are immutable and cheap to clone: clones share one allocation.
///
/// `Debug` shows no secret. Credentials do not implement serde's traits, so that no program serializes them by accident;
/// [`expose_json`](Self::expose_json) makes the text for a store.
///
/// The memory of both tokens is overwritten when the last clone, and the last request that was sent with it, is
/// dropped. The copies in the buffers of the HTTP stack are out of this crate's reach.
#[derive(Clone)]
pub struct Credentials(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    /// `Bearer …`: the only place where the access token is kept. Requests share its memory.
    header: HeaderValue,
    /// How many bytes of it stand before the token.
    prefix: u16,
    refresh_token: Option<Arc<SecretString>>,
    /// `None` if there are none, which is usual.
    fields: Option<Arc<Fields>>,
    expiry: Expiry,
    /// The log-in for which an authenticator handed these out.
    login: Option<Login>,
}

/// A log-in of one authenticator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Login {
    /// A number that no other authenticator of this process has.
    pub(crate) authenticator: NonZeroU32,
    /// How many log-outs came before it.
    pub(crate) number: u32,
}

/// Names and values of what a provider sent besides the tokens.
pub(crate) type Fields = BTreeMap<String, SecretString>;

/// When an access token expires, in the form in which the source said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// The source did not say.
    Unknown,
    /// This long after the request for the token was sent.
    After(Duration),
    /// At this time.
    At(SystemTime),
}

impl Credentials {
    /// Makes credentials from an access token alone.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when the token is empty, or has another character than visible ASCII.
    /// It could not be sent in a header. Tokens that a server sends have to be a `b64token` (RFC 6750 section 2.1).
    pub fn new(access_token: impl Into<String>) -> Result<Self, Error> {
        let access_token = Zeroizing::new(access_token.into());
        let is_visible = !access_token.is_empty() && access_token.bytes().all(|byte| byte.is_ascii_graphic());
        let header = is_visible.then(|| header(BEARER, &access_token)).flatten();
        let header = header.ok_or_else(|| {
            Error::misconfigured(
                "access token: it is empty, or has white space or a character that is not ASCII; pass the token \
                 alone, without a scheme",
            )
        })?;
        let prefix = BEARER.len() as u16;
        let (refresh_token, fields, expiry, login) = (None, None, Expiry::Unknown, None);
        Ok(Self(Arc::new(Parts { header, prefix, refresh_token, fields, expiry, login })))
    }

    /// As [`new`](Self::new), for the token of a server. It has to be a `b64token` (RFC 6750 section 2.1: letters, digits and
    /// `-._~+/`, then any number of `=`), so that an error page is not taken for a token.
    pub(crate) fn of_server(access_token: &str) -> Option<Self> {
        if is_b64token(access_token) { Self::new(access_token).ok() } else { None }
    }

    /// Adds a refresh token, or replaces it.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when the token is empty or has a control character.
    pub fn with_refresh_token(self, refresh_token: impl Into<String>) -> Result<Self, Error> {
        let refresh_token = Zeroizing::new(refresh_token.into());
        if refresh_token.is_empty() || refresh_token.chars().any(char::is_control) {
            return Err(Error::misconfigured(
                "refresh token: it is empty or has a control character; pass the token as the provider sent it",
            ));
        }
        // From a slice: a `String` that has spare room would be moved, and leave a copy.
        let secret = Arc::new(SecretString::from(refresh_token.as_str()));
        Ok(self.changed(|parts| parts.refresh_token = Some(secret)))
    }

    /// Sets the lifetime of the access token (`expires_in`). [`Duration::ZERO`] means unknown. The longest lifetime is
    /// [`Timing::MAX_LIFETIME`].
    ///
    /// The lifetime starts just before the source was asked for the token. For credentials that are themselves the
    /// source of an [`Authenticator`](crate::Authenticator), it starts when the authenticator is built.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        let expiry = match lifetime {
            Duration::ZERO => Expiry::Unknown,
            lifetime => Expiry::After(lifetime.min(Timing::MAX_LIFETIME)),
        };
        self.changed(|parts| parts.expiry = expiry)
    }

    /// Sets the time at which the access token expires.
    #[must_use]
    pub fn with_expires_at(self, expires_at: SystemTime) -> Self {
        self.changed(|parts| parts.expiry = Expiry::At(expires_at))
    }

    /// Adds something else that the provider sent, such as the `id_token` or the granted `scope`, or replaces it. It is kept
    /// with the tokens, in the store too, and its memory is overwritten as theirs is.
    #[must_use]
    pub fn with_field(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let value = Zeroizing::new(value.into());
        self.changed(|parts| {
            // From a slice: a `String` that has spare room would be moved, and leave a copy.
            let fields = Arc::make_mut(parts.fields.get_or_insert_default());
            fields.insert(name.into(), SecretString::from(value.as_str()));
        })
    }

    /// Returns the access token. It is a secret: do not log it.
    pub fn access_token(&self) -> &str {
        // It was checked to be ASCII when it was put there.
        std::str::from_utf8(self.access_bytes()).unwrap_or_default()
    }

    /// Returns the refresh token, if there is one. It is a secret: do not log it.
    pub fn refresh_token(&self) -> Option<&str> {
        self.0.refresh_token.as_ref().map(|token| token.expose_secret())
    }

    /// Returns a field of this name, if the credentials have one: what [`with_field`](Self::with_field) added, or what the
    /// source keeps of a response, as [`oauth2::ClientCredentials::keep_field`](crate::oauth2::ClientCredentials::keep_field)
    /// and its likes say. It may be a secret: do not log it.
    ///
    /// A field stays if the response to a refresh does not have it.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.0.fields.as_ref()?.get(name).map(|value| value.expose_secret())
    }

    /// Returns the time at which the access token expires, if it is known. Credentials that an
    /// [`Authenticator`](crate::Authenticator) returns have it whenever their lifetime is known.
    pub fn expires_at(&self) -> Option<SystemTime> {
        match self.0.expiry {
            Expiry::At(at) => Some(at),
            Expiry::After(_) | Expiry::Unknown => None,
        }
    }

    pub(crate) fn fields(&self) -> Option<&Fields> {
        self.0.fields.as_deref()
    }

    /// Adds the fields of `older` that these do not have.
    pub(crate) fn with_fields_of(self, older: &Self) -> Self {
        match (&self.0.fields, &older.0.fields) {
            (_, None) => self,
            (None, Some(older)) => self.clone().changed(|parts| parts.fields = Some(older.clone())),
            (Some(newer), Some(older)) => {
                let mut fields = Fields::clone(older);
                fields.extend(newer.iter().map(|(name, value)| (name.clone(), value.clone())));
                self.changed(|parts| parts.fields = Some(Arc::new(fields)))
            }
        }
    }

    pub(crate) fn expiry(&self) -> Expiry {
        self.0.expiry
    }

    /// Returns the value of the header that carries the access token: `Bearer …`, or with the scheme of the
    /// [`AuthHeader`](crate::AuthHeader) of the authenticator that handed these out. It is a secret, and marked sensitive, so
    /// that no HTTP library logs or indexes it.
    pub fn header_value(&self) -> HeaderValue {
        self.0.header.clone()
    }

    pub(crate) fn header(&self) -> &HeaderValue {
        &self.0.header
    }

    /// The same credentials with this before the token in the header.
    pub(crate) fn with_prefix(self, prefix: &str) -> Self {
        if self.prefix() == prefix.as_bytes() {
            return self;
        }
        match (header(prefix, self.access_token()), u16::try_from(prefix.len())) {
            (Some(header), Ok(prefix)) => {
                self.changed(|parts| (parts.header, parts.prefix) = (header, prefix))
            }
            _ => self,
        }
    }

    /// The log-in for which these were handed out; `None` if no authenticator has handed them out.
    pub(crate) fn login(&self) -> Option<Login> {
        self.0.login
    }

    pub(crate) fn of_login(self, login: Login) -> Self {
        self.changed(|parts| parts.login = Some(login))
    }

    /// A clone whose access token has memory of its own.
    pub(crate) fn copy(&self) -> Self {
        // The token was valid in a header before, so it still is.
        let prefix = std::str::from_utf8(self.prefix()).unwrap_or_default();
        let header = header(prefix, self.access_token()).unwrap_or_else(|| self.0.header.clone());
        self.clone().changed(|parts| parts.header = header)
    }

    pub(crate) fn same_access_token(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.access_bytes() == other.access_bytes()
    }

    /// Whether these are what a program got before, although it may have changed the other parts since.
    pub(crate) fn is_same_as(&self, used: &Self) -> bool {
        self.same_access_token(used) && (used.0.login.is_none() || self.0.login == used.0.login)
    }

    pub(crate) fn same_tokens(&self, other: &Self) -> bool {
        self.same_access_token(other) && self.refresh_token() == other.refresh_token()
    }

    fn access_bytes(&self) -> &[u8] {
        self.0.header.as_bytes().get(self.0.prefix.into()..).unwrap_or_default()
    }

    fn prefix(&self) -> &[u8] {
        self.0.header.as_bytes().get(..self.0.prefix.into()).unwrap_or_default()
    }

    fn changed(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_token", &"[redacted]")
            .field("refresh_token", &self.0.refresh_token.as_ref().map(|_| "[redacted]"))
            .field("expiry", &self.0.expiry)
            .field("fields", &self.0.fields.iter().flat_map(|fields| fields.keys()).collect::<Vec<_>>())
            .finish()
    }
}

mod header;
pub(crate) mod json;
#[cfg(test)]
mod tests;

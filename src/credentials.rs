//! What a source hands out: an access token, perhaps a refresh token, perhaps an expiry.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::Error;
use crate::Timing;

/// An access token, with the refresh token and the expiry that came with it, if any.
///
/// ```
/// use reauth::Credentials;
/// use std::time::Duration;
///
/// // if you only have an access token
/// let credentials = Credentials::new("at-1")?;
/// // if you have an access token and a refresh token, and know how long the first one lasts
/// let credentials = Credentials::new("at-1")?
///     .with_refresh_token("rt-1")?
///     .with_lifetime(Duration::from_secs(300));
/// assert!(!format!("{credentials:?}").contains("t-1"));
/// # Ok::<(), reauth::Error>(())
/// ```
///
/// Immutable, and cheap to clone: clones share one allocation. `Debug` shows no secret, and nothing
/// serializes it by accident: [`expose_json`](Self::expose_json) is the one way out, for a store. The memory
/// of both tokens is overwritten when the last clone is dropped, and with it the last request that was sent with
/// them; the copies in the HTTP stack's buffers are out of this crate's reach.
#[derive(Clone)]
pub struct Credentials(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    /// `Bearer …`: the one place where the access token is kept. Requests share its memory.
    header: HeaderValue,
    refresh_token: Option<Arc<SecretString>>,
    expiry: Expiry,
}

/// When an access token lapses, as its giver put it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// Nobody said.
    Unknown,
    /// So long after the request for it was sent.
    After(Duration),
    /// At a time of day.
    At(SystemTime),
}

impl Credentials {
    /// Credentials of an access token alone.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when the token is no `b64token` (RFC 6750
    /// section 2.1: letters, digits, `-._~+/`, then `=`), because it could not stand in a header.
    pub fn new(access_token: impl Into<String>) -> Result<Self, Error> {
        let access_token = Zeroizing::new(access_token.into());
        let header = Some(&access_token).filter(|token| is_b64token(token)).and_then(|token| header(token));
        let Some(header) = header else {
            return Err(Error::misconfigured(
                "access token: it is empty or has characters that no bearer token may have (RFC 6750 section 2.1)",
            ));
        };
        Ok(Self(Arc::new(Inner { header, refresh_token: None, expiry: Expiry::Unknown })))
    }

    /// The same with this refresh token.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) when it is empty or holds a control character.
    pub fn with_refresh_token(self, refresh_token: impl Into<String>) -> Result<Self, Error> {
        let refresh_token = refresh_token.into();
        if refresh_token.is_empty() || refresh_token.chars().any(char::is_control) {
            return Err(Error::misconfigured("refresh token: it is empty or holds a control character"));
        }
        Ok(self.changed(|inner| inner.refresh_token = Some(Arc::new(refresh_token.into()))))
    }

    /// The same with a lifetime (`expires_in`), counted from the instant before the request for the token
    /// was sent; for credentials given to an [`Authenticator`](crate::Authenticator) as they are, from its
    /// construction.
    ///
    /// Zero means unknown, and more than [`Timing::MAX_LIFETIME`] counts as that.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        let expiry = match lifetime {
            Duration::ZERO => Expiry::Unknown,
            lifetime => Expiry::After(lifetime.min(Timing::MAX_LIFETIME)),
        };
        self.changed(|inner| inner.expiry = expiry)
    }

    /// The same with a time of day at which the access token lapses.
    #[must_use]
    pub fn with_expires_at(self, expires_at: SystemTime) -> Self {
        self.changed(|inner| inner.expiry = Expiry::At(expires_at))
    }

    /// The access token. A secret: don't log it.
    pub fn access_token(&self) -> &str {
        // It was checked to be ASCII when it was put there.
        std::str::from_utf8(self.access_bytes()).unwrap_or_default()
    }

    /// The refresh token, if there is one. A secret: don't log it.
    pub fn refresh_token(&self) -> Option<&str> {
        self.0.refresh_token.as_ref().map(|token| token.expose_secret())
    }

    /// The time of day at which the access token lapses, where it is known. Credentials handed out by an
    /// [`Authenticator`](crate::Authenticator) have it whenever their lifetime is known.
    pub fn expires_at(&self) -> Option<SystemTime> {
        match self.0.expiry {
            Expiry::At(at) => Some(at),
            Expiry::After(_) | Expiry::Unknown => None,
        }
    }

    /// Everything, **secrets included**, as a JSON object of `access_token`, `refresh_token` and
    /// `expires_at` (seconds since 1970): what a store writes. The text is overwritten when dropped.
    pub fn expose_json(&self) -> Zeroizing<String> {
        // What lapsed before 1970 has lapsed; left out, it would be a token that never lapses.
        let expires_at =
            self.expires_at().map(|at| at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
        Zeroizing::new(
            serde_json::json!({
                "access_token": self.access_token(),
                "refresh_token": self.refresh_token(),
                "expires_at": expires_at,
            })
            .to_string(),
        )
    }

    /// Reads what [`expose_json`](Self::expose_json) wrote.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) when it is no such object, or a part of it is unusable.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let invalid = |field: &'static str| Error::store(format!("stored credentials: no usable {field}"));
        let value: serde_json::Value = serde_json::from_str(json).map_err(|_| invalid("JSON object"))?;
        let access_token = value["access_token"].as_str().ok_or_else(|| invalid("access_token"))?;
        let mut credentials = Self::new(access_token).map_err(|_| invalid("access_token"))?;
        let part = |name: &str| Some(&value[name]).filter(|part| !part.is_null());
        if let Some(refresh_token) = part("refresh_token") {
            let refresh_token = refresh_token.as_str().ok_or_else(|| invalid("refresh_token"))?;
            credentials =
                credentials.with_refresh_token(refresh_token).map_err(|_| invalid("refresh_token"))?;
        }
        if let Some(expires_at) = part("expires_at") {
            // One that can't be read must not become a token that never lapses.
            let at = expires_at.as_u64().and_then(|at| UNIX_EPOCH.checked_add(Duration::from_secs(at)));
            credentials = credentials.with_expires_at(at.ok_or_else(|| invalid("expires_at"))?);
        }
        Ok(credentials)
    }

    pub(crate) fn expiry(&self) -> Expiry {
        self.0.expiry
    }

    /// `Authorization: Bearer …`, marked sensitive, so that no HTTP library logs or indexes it.
    pub(crate) fn bearer(&self) -> &HeaderValue {
        &self.0.header
    }

    /// The same, the access token in memory of its own.
    pub(crate) fn copy(&self) -> Self {
        // What was a header value once is one again.
        let header = header(self.access_token()).unwrap_or_else(|| self.0.header.clone());
        self.clone().changed(|inner| inner.header = header)
    }

    pub(crate) fn same_access_token(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.access_bytes() == other.access_bytes()
    }

    fn access_bytes(&self) -> &[u8] {
        self.0.header.as_bytes().get(SCHEME.len()..).unwrap_or_default()
    }

    pub(crate) fn same_tokens(&self, other: &Self) -> bool {
        self.same_access_token(other) && self.refresh_token() == other.refresh_token()
    }

    fn changed(mut self, change: impl FnOnce(&mut Inner)) -> Self {
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
            .finish()
    }
}

/// What stands before the token (RFC 6750 section 2.1).
const SCHEME: &str = "Bearer ";

/// The header value of a token, in memory that is overwritten when its last owner, a request perhaps, is gone.
fn header(token: &str) -> Option<HeaderValue> {
    let mut text = Zeroizing::new(Vec::with_capacity(SCHEME.len() + token.len()));
    text.extend_from_slice(SCHEME.as_bytes());
    text.extend_from_slice(token.as_bytes());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// RFC 6750 section 2.1: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn is_b64token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

#[cfg(test)]
mod tests;

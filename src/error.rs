//! One error type, with a kind that a program can act on.

mod facts;
mod kind;

use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::facts::{Reach, Refusal};
pub use self::kind::ErrorKind;
use crate::store::Holder;

/// Why there are no credentials.
///
/// A program acts on the [kind](Error::kind):
///
/// | kind | what to do |
/// | --- | --- |
/// | [`LoginRequired`](ErrorKind::LoginRequired) | Have the user log in again, then call [`set_credentials`](crate::Authenticator::set_credentials) or build another authenticator. |
/// | [`Transient`](ErrorKind::Transient) | Try again later, after [`retry_after`](Error::retry_after) if that is known. |
/// | [`Misconfigured`](ErrorKind::Misconfigured) | Stop, and have an operator correct the settings that the message names. |
/// | [`InvalidResponse`](ErrorKind::InvalidResponse) | Try again later. If it stays, report it to the operator of the identity provider, or run the command that failed by hand. |
/// | [`Store`](ErrorKind::Store) | Check the store. |
///
/// `Display` is one sentence about this error. The cause, if there is one, is the
/// [`source`](std::error::Error::source). If a store is the reason why there is no token, the sentence ends with the store's own words,
/// because many programs print no causes. Neither has a secret or the body of a response in it.
///
/// An error is cheap to clone. All callers that waited for the same refresh get the same one.
///
/// Through `reqwest-middleware` it is found by downcast:
///
/// ```
/// # #[cfg(feature = "reqwest")]
/// fn needs_login(error: &reqwest_middleware::Error) -> bool {
///     let reqwest_middleware::Error::Middleware(inner) = error else { return false };
///     inner
///         .downcast_ref::<reauth::Error>()
///         .is_some_and(|e| e.kind() == reauth::ErrorKind::LoginRequired)
/// }
/// ```
#[derive(Clone)]
pub struct Error(Arc<Details>);

#[derive(Clone)]
struct Details {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    retry_after: Option<Duration>,
    code: Option<Box<str>>,
    status: Option<u16>,
    reach: Reach,
    refusal: Refusal,
    holder: Option<Box<Holder>>,
    is_late: bool,
}

impl Error {
    /// The identity provider refused, and nothing is left to try ([`ErrorKind::LoginRequired`]).
    pub fn login_required(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::LoginRequired, message)
    }

    /// The next attempt may succeed ([`ErrorKind::Transient`]).
    ///
    /// If a refresh fails with it, the refresh token *may have been spent*: the request was sent, and its response was
    /// lost. Add [`not_processed`](Self::not_processed) when the server certainly did not act on the request.
    pub fn transient(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Transient, message)
    }

    /// The client is set up wrongly ([`ErrorKind::Misconfigured`]).
    pub fn misconfigured(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Misconfigured, message)
    }

    /// The server reported success, and sent no usable credentials ([`ErrorKind::InvalidResponse`]).
    pub fn invalid_response(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidResponse, message)
    }

    /// The credential store failed ([`ErrorKind::Store`]).
    pub fn store(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Store, message)
    }

    /// The source can't do this at all: it can't refresh, or it can't log in ([`ErrorKind::LoginRequired`]).
    ///
    /// The authenticator then takes the next step. If none is left, callers get the error.
    pub fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Self::login_required(message);
        Arc::make_mut(&mut error.0).refusal = Refusal::Unsupported;
        error
    }

    /// Adds the cause. Programs print the whole chain of causes, so it must not have a secret in it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Arc::make_mut(&mut self.0).source = Some(Arc::from(source.into()));
        self
    }

    /// Adds the time for which the server asked clients to wait (`Retry-After`, RFC 9110 section 10.2.3).
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        Arc::make_mut(&mut self.0).retry_after = Some(wait);
        self
    }

    /// States that the server did not act on the request, so that it is safe to send the same refresh token again: the
    /// server was not reached, or it said so (408, 429, 503).
    #[must_use]
    pub fn not_processed(mut self) -> Self {
        Arc::make_mut(&mut self.0).reach = Reach::NotProcessed;
        self
    }

    /// States that the request did not reach the server: its name was not found, or there was no connection. This includes
    /// [`not_processed`](Self::not_processed). A first log-in then fails within
    /// [`Timing::FIRST_LOGIN_DEADLINE`](crate::Timing::FIRST_LOGIN_DEADLINE), because the URL may be wrong.
    #[must_use]
    pub fn unreached(mut self) -> Self {
        Arc::make_mut(&mut self.0).reach = Reach::Unreached;
        self
    }

    /// States that the provider refused a refresh without saying that the refresh token is the reason, such as with an empty
    /// 400. It qualifies [`login_required`](Self::login_required).
    ///
    /// The authenticator goes on as after any refusal: it reads the store, then logs in. If nothing is left, callers get the
    /// error. But the refresh token is kept and tried again later, at growing intervals.
    #[must_use]
    pub fn inconclusive(mut self) -> Self {
        Arc::make_mut(&mut self.0).refusal = Refusal::Inconclusive;
        self
    }

    /// Returns the kind, by which a program decides what to do.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the time for which the server asked clients to wait, if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns the error code that the provider sent (RFC 6749 section 5.2), such as `invalid_grant`, if it sent one.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Returns the process that holds the store, if there are no credentials because of it. It may stand still.
    pub fn holder(&self) -> Option<&Holder> {
        self.0.holder.as_deref()
    }

    fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Details {
            kind,
            message: message.into(),
            source: None,
            retry_after: None,
            code: None,
            status: None,
            reach: Reach::MaybeProcessed,
            refusal: Refusal::Definite,
            holder: None,
            is_late: false,
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("retry_after", &self.0.retry_after)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// A `TokenEndpoint` is taken where a URL is, which is converted and may be wrong.
impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

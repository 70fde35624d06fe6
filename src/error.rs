//! One error type, with a kind that a program can act on.

use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a program can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The identity provider refused what is held, and nothing is left to try: the user (or the
    /// operator) has to log in again. Retrying on its own can't help.
    LoginRequired,
    /// A connection, a timeout, a torn answer, a 408, a 429 or a 5xx: the next attempt may succeed.
    /// [`Error::retry_after`] says when the server asked to be tried again.
    Transient,
    /// The client itself is set up wrongly (its id, its secret, a URL, a scope): a person has to change
    /// the settings.
    Misconfigured,
    /// The server answered with success, but what it sent is no usable credential.
    InvalidResponse,
    /// The credential store failed.
    Store,
}

/// Why no credential could be had.
///
/// Cheap to clone: every caller that waited for the same refresh gets the same error. `Display` is one
/// sentence about this error alone; the cause, if there is one, is behind
/// [`source`](std::error::Error::source). Neither holds a secret or the body of an answer.
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
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    retry_after: Option<Duration>,
    processed: bool,
    unsupported: bool,
}

impl Error {
    /// The identity provider refused, and nothing is left to try ([`ErrorKind::LoginRequired`]).
    pub fn login_required(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::LoginRequired, message)
    }

    /// The next attempt may succeed ([`ErrorKind::Transient`]).
    ///
    /// After a refresh it also says that the refresh token *may have been spent*: the request went out and
    /// its answer is unknown. Add [`not_processed`](Self::not_processed) when it is certain that it was not.
    pub fn transient(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Transient, message)
    }

    /// The client is set up wrongly ([`ErrorKind::Misconfigured`]).
    pub fn misconfigured(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Misconfigured, message)
    }

    /// The server said success and sent no usable credential ([`ErrorKind::InvalidResponse`]).
    pub fn invalid_response(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidResponse, message)
    }

    /// The credential store failed ([`ErrorKind::Store`]).
    pub fn store(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Store, message)
    }

    /// The source has no way to do what it was asked (to refresh, or to log in): the next step is tried,
    /// and where none is left the caller is told to log in again.
    pub fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Self::login_required(message);
        error.inner_mut().unsupported = true;
        error
    }

    /// Adds the cause. It is shown by whoever prints the chain: it must not hold a secret.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner_mut().source = Some(Arc::from(source.into()));
        self
    }

    /// Adds the time that the server asked to be left alone (`Retry-After`, RFC 9110 section 10.2.3).
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.inner_mut().retry_after = Some(wait);
        self
    }

    /// States that the server did not act on the request (it was never reached, or it said so: 408, 429,
    /// 503), so that sending the same refresh token again is safe.
    #[must_use]
    pub fn not_processed(mut self) -> Self {
        self.inner_mut().processed = false;
        self
    }

    /// What a program can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// How long the server asked to be left alone, if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the server may have acted on the request that failed.
    pub(crate) fn may_have_been_processed(&self) -> bool {
        self.0.processed
    }

    pub(crate) fn is_unsupported(&self) -> bool {
        self.0.unsupported
    }

    fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            source: None,
            retry_after: None,
            processed: true,
            unsupported: false,
        }))
    }

    fn inner_mut(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
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

/// What can't fail has no error.
impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

//! Why a request has no response.

use std::error::Error as StdError;

use crate::error::Error;

/// Why a request has no response: there are no credentials for it, or the inner service failed.
///
/// The error of the inner service, or of the closure that sends, keeps its type, so that it can be matched on.
///
/// ```
/// use reauth::AuthError;
///
/// #[derive(Debug)]
/// enum MyError {
///     Login(reauth::Error),
///     Http(std::io::Error),
/// }
///
/// impl From<reauth::Error> for MyError {
///     fn from(error: reauth::Error) -> Self {
///         Self::Login(error)
///     }
/// }
///
/// impl From<std::io::Error> for MyError {
///     fn from(error: std::io::Error) -> Self {
///         Self::Http(error)
///     }
/// }
///
/// fn example(result: Result<u16, AuthError<std::io::Error>>) -> Result<u16, MyError> {
///     result.map_err(AuthError::flatten)
/// }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError<E> {
    /// There are no credentials to send. The request was not sent.
    #[error("no credentials for the request")]
    Credentials(#[source] Error),
    /// The inner service's error. It reads as it would without the layer.
    #[error(transparent)]
    Service(E),
}

impl<E> AuthError<E> {
    /// Returns the error as one of another type that both kinds convert into, such as the error enum of a program.
    pub fn flatten<T>(self) -> T
    where
        T: From<Error> + From<E>,
    {
        match self {
            Self::Credentials(error) => error.into(),
            Self::Service(error) => error.into(),
        }
    }

    /// Changes the type of the inner service's error.
    pub fn map_service<T>(self, change: impl FnOnce(E) -> T) -> AuthError<T> {
        match self {
            Self::Credentials(error) => AuthError::Credentials(error),
            Self::Service(error) => AuthError::Service(change(error)),
        }
    }

    /// Returns the error in a box, without `AuthError` around it: an [`Error`], or the inner service's error.
    ///
    /// For stacks whose errors are boxes: `.map_err(AuthError::into_boxed)`.
    pub fn into_boxed(self) -> Box<dyn StdError + Send + Sync>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        match self {
            Self::Credentials(error) => Box::new(error),
            Self::Service(error) => error.into(),
        }
    }
}

/// Tells an error of `AuthMiddleware` from those of other middlewares and of reqwest, without a downcast.
///
/// ```
/// use reauth::AuthError;
///
/// fn explain(error: reqwest_middleware::Error) -> String {
///     match AuthError::from(error) {
///         AuthError::Credentials(error) => format!("log in again: {error}"),
///         other => other.to_string(),
///     }
/// }
/// ```
#[cfg(feature = "reqwest")]
impl From<reqwest_middleware::Error> for AuthError<reqwest_middleware::Error> {
    fn from(error: reqwest_middleware::Error) -> Self {
        match error {
            reqwest_middleware::Error::Middleware(error) => match error.downcast::<Error>() {
                Ok(error) => Self::Credentials(error),
                Err(error) => Self::Service(reqwest_middleware::Error::Middleware(error)),
            },
            error => Self::Service(error),
        }
    }
}

//! The error of the tower service.

use std::error::Error as StdError;
use std::fmt;

use crate::Error;

/// Why a request has no answer: no credential could be had, or the inner service failed.
///
/// The inner service's error keeps its type, because people match on it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuthError<E> {
    /// There is no credential to send; the request was not sent.
    Credentials(Error),
    /// The inner service's own error.
    Service(E),
}

impl<E> AuthError<E> {
    /// As a boxed error, with the inner service's error unwrapped: for stacks whose errors are boxes,
    /// `.map_err(AuthError::into_boxed)`.
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

impl<E: fmt::Display> fmt::Display for AuthError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials(_) => f.write_str("no credential for the request"),
            // Transparent: an added layer does not change how an error reads.
            Self::Service(error) => error.fmt(f),
        }
    }
}

impl<E: StdError + 'static> StdError for AuthError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Credentials(error) => Some(error),
            Self::Service(error) => error.source(),
        }
    }
}

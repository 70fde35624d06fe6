//! The error of the tower service.

use std::error::Error as StdError;

use crate::error::Error;

/// Why a request has no response: there are no credentials for it, or the inner service failed.
///
/// The inner service's error keeps its type, so that it can be matched on.
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

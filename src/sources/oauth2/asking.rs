//! How a source asks a person to log in: with a closure of the program.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::source::BoxFuture;

/// How much longer the authenticator waits than the user may take. The source then says itself why it failed, or exchanges the code.
pub(super) const MARGIN: Duration = Duration::from_secs(60);

/// The closure that shows a user what to do.
pub(super) struct AskUser<T>(Arc<dyn Fn(T) -> BoxFuture<'static, Result<(), Error>> + Send + Sync>);

impl<T> AskUser<T> {
    pub(super) fn new<F, Fut>(ask: F) -> Self
    where
        F: Fn(T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Error>> + Send + 'static,
    {
        Self(Arc::new(move |shown| -> BoxFuture<'static, _> { Box::pin(ask(shown)) }))
    }

    pub(super) fn ask(&self, shown: T) -> Asking {
        Asking(Some((self.0)(shown)))
    }
}

impl<T> Clone for AskUser<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A user is being asked. `None` when that was done.
pub(super) struct Asking(Option<BoxFuture<'static, Result<(), Error>>>);

impl Asking {
    /// Returns the end of the log-in if the user could not be asked. It is never tried again by itself, because that would ask
    /// the user again.
    pub(super) fn failed(&mut self, context: &mut Context<'_>) -> Option<Error> {
        let Poll::Ready(asked) = self.0.as_mut()?.as_mut().poll(context) else { return None };
        self.0 = None;
        let error = asked.err()?;
        if error.kind() == ErrorKind::LoginRequired {
            return Some(error);
        }
        let message = "the user could not be asked to log in, as the source of this error says; log in again";
        Some(Error::login_required(message).with_source(error))
    }
}

//! Log-out: the credentials end here, and in the store.

use super::Authenticator;
use crate::Error;

impl Authenticator {
    /// Forgets the credentials (log-out), here and in the store. A refresh in the air is dropped, and its
    /// result does not come back; its waiters get [`LoginRequired`](crate::ErrorKind::LoginRequired).
    ///
    /// A source that can log in by itself does so at the next call.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) when the store could not forget; it is tried again before the
    /// next login.
    ///
    /// # Cancel safety
    ///
    /// Once polled, nothing that was held is handed out again; a store that was not reached is cleared
    /// before the next login.
    pub async fn clear(&self) -> Result<(), Error> {
        self.inner.cache.clear(self.inner.clock.now());
        self.inner.tell();
        self.inner.forget().await
    }
}

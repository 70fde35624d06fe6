//! Log-out: the credentials end here, in the store, and at the provider.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::{Authenticator, Inner};
use crate::{Credentials, Error, Event, TokenEndpoint};

impl Authenticator {
    /// Forgets the credentials (log-out), here and in the store. A refresh in the air is dropped, and its
    /// result does not come back; its waiters get [`LoginRequired`](crate::ErrorKind::LoginRequired).
    ///
    /// Then, where the source knows how ([`CredentialSource::revoke`], a `revocation_endpoint` of the
    /// [`oauth2`](crate::oauth2) sources), has the provider revoke what was in memory. That is best effort: one
    /// attempt, within [`TokenEndpoint::DEFAULT_TIMEOUT`]; a failure is an
    /// [event](crate::Event::RevocationFailed) and never an error here. What only the store held is forgotten
    /// unread, and not revoked; nor is what a request that is under way may still bring.
    ///
    /// A source that can log in by itself does so at the next call, and waits for none of this.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) when the store could not forget; it is tried again before the
    /// next login.
    ///
    /// # Cancel safety
    ///
    /// Once polled, nothing that was held is handed out again; a store that was not reached is cleared
    /// before the next login. What was not revoked yet stays as it is at the provider.
    ///
    /// [`CredentialSource::revoke`]: crate::CredentialSource::revoke
    pub async fn log_out(&self) -> Result<(), Error> {
        let ended = self.inner.cache.log_out(self.inner.clock.now());
        self.inner.tell();
        let forgot = self.inner.forget().await;
        self.inner.revoke(&ended).await;
        forgot
    }
}

impl Inner {
    /// Has the source revoke what a log-out ended (R17).
    async fn revoke(&self, ended: &[Credentials]) {
        let mut revoking = pin!(async {
            for credentials in ended {
                // Whoever has logged in meanwhile may have been given the same: that is theirs now.
                if !self.cache.has(credentials) {
                    self.revoke_one(credentials).await;
                }
            }
        });
        // A source that does not revoke is done here, and needs no timer.
        if poll_fn(|context| Poll::Ready(revoking.as_mut().poll(context).is_ready())).await {
            return;
        }
        if Handle::try_current().is_err() {
            // No timer here: log-out from another executor has to do without a limit.
            return revoking.await;
        }
        if timeout(TokenEndpoint::DEFAULT_TIMEOUT, revoking).await.is_err() {
            self.not_revoked(Error::transient("the identity provider did not answer the revocation in time"));
        }
    }

    async fn revoke_one(&self, credentials: &Credentials) {
        let mut asking = pin!(async { self.source.revoke(credentials).await });
        let answer = poll_fn(|context| {
            catch_unwind(AssertUnwindSafe(|| asking.as_mut().poll(context))).unwrap_or_else(|_panic| {
                Poll::Ready(Err(Error::transient("the credential source panicked over the revocation")))
            })
        });
        if let Err(error) = answer.await {
            self.not_revoked(error);
        }
    }

    fn not_revoked(&self, error: Error) {
        self.cache.note(Event::RevocationFailed { error });
        self.tell();
    }
}

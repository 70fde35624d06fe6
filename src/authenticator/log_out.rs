//! Log-out: the credentials end here, in the store, and at the provider.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::{Authenticator, Shared};
use crate::cache::drive;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::event::Event;
use crate::machine::Work;
use crate::token_endpoint::TokenEndpoint;

impl Authenticator {
    /// Logs out: forgets the credentials, here and in the store.
    ///
    /// A refresh that is running is dropped, and its result is discarded. Its callers get
    /// [`LoginRequired`](crate::ErrorKind::LoginRequired).
    ///
    /// Then the provider is asked to revoke what was in memory, if the source can do that
    /// ([`CredentialSource::revoke`], a `revocation_endpoint` of the [`oauth2`](crate::oauth2) sources). This is best effort:
    /// one attempt within [`TokenEndpoint::DEFAULT_TIMEOUT`]. A failure is an
    /// [event](crate::Event::RevocationFailed) and never an error here. Credentials that only the store held are forgotten
    /// without being read, so they are not revoked. Tokens that a running token request may still get are not revoked either.
    ///
    /// A source that can log in by itself does so at the next call. That call does not wait for the store or the revocation.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) if the store could not be cleared. It is cleared before the next log-in.
    ///
    /// # Cancel safety
    ///
    /// Once this future has been polled, nothing that was held is handed out again. A store that was not reached is cleared
    /// before the next log-in. Credentials that were not revoked yet stay valid at the provider until they expire.
    ///
    /// [`CredentialSource::revoke`]: crate::CredentialSource::revoke
    pub async fn log_out(&self) -> Result<(), Error> {
        let grants = self.shared.cache.log_out(self.shared.clock.now());
        self.shared.tell();
        let forgot = drive(&self.shared.cache, Work::Forget, &self.shared).await;
        self.shared.revoke(&grants).await;
        forgot
    }
}

impl Shared {
    /// Has the source revoke what a log-out ended (R17).
    async fn revoke(&self, grants: &[Credentials]) {
        let mut revoking = pin!(async {
            for credentials in grants {
                // A log-in since then may have brought the same credentials again. Those are not revoked.
                if !self.cache.look(|state| state.has(credentials)) {
                    self.revoke_one(credentials).await;
                }
            }
        });
        // If the source revokes nothing, its future ends here, and needs no timer.
        if poll_fn(|context| Poll::Ready(revoking.as_mut().poll(context).is_ready())).await {
            return;
        }
        if Handle::try_current().is_err() {
            // A log-out from another executor has no timer here, and so no time limit.
            return revoking.await;
        }
        if timeout(TokenEndpoint::DEFAULT_TIMEOUT, revoking).await.is_err() {
            self.revocation_failed(Error::transient(
                "the identity provider did not respond to the revocation in time; the tokens may still be valid there",
            ));
        }
    }

    async fn revoke_one(&self, credentials: &Credentials) {
        let mut revoking = pin!(async { self.source.revoke(credentials).await });
        let result = poll_fn(|context| {
            catch_unwind(AssertUnwindSafe(|| revoking.as_mut().poll(context))).unwrap_or_else(|_panic| {
                let error =
                    "the credential source panicked during the revocation; report it to the source's author";
                Poll::Ready(Err(Error::transient(error)))
            })
        });
        if let Err(error) = result.await {
            self.revocation_failed(error);
        }
    }

    fn revocation_failed(&self, error: Error) {
        self.cache.note(Event::RevocationFailed { error });
        self.tell();
    }
}

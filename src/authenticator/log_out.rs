//! Log-out: the credentials end here, in the store, and at the provider.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{Authenticator, Shared};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::event::Event;
use crate::machine::Work;
use crate::token_endpoint::TokenEndpoint;

impl Authenticator {
    /// Logs out: forgets the credentials, here and in the store.
    ///
    /// The callers of a refresh in the air get [`LoginRequired`](crate::ErrorKind::LoginRequired). Its request is let
    /// finish. What it brings is revoked and not kept.
    ///
    /// Then the provider is asked to revoke what was in memory and in the store, if the source can do that
    /// ([`CredentialSource::revoke`], a `revocation_endpoint` of the [`oauth2`](crate::oauth2) sources). This is best effort:
    /// one attempt within [`TokenEndpoint::DEFAULT_TIMEOUT`]. A failure is an
    /// [event](crate::Event::RevocationFailed) and never an error here. What the store holds and can't be read is forgotten all
    /// the same, and not revoked.
    ///
    /// A source that can log in by itself does so at the next call. That call does not wait for the store or the revocation.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) if the store could not be cleared. It is cleared before the next log-in.
    ///
    /// # Cancel safety
    ///
    /// Once this future has been polled, nothing that was held is handed out again. Within a Tokio runtime the log-out then
    /// goes on in a task of its own, even if this future is dropped or not polled again. A store that was not reached is
    /// cleared before the next log-in. Credentials that were not revoked stay good at the provider until they expire.
    ///
    /// [`CredentialSource::revoke`]: crate::CredentialSource::revoke
    pub async fn log_out(&self) -> Result<(), Error> {
        let mut grants = self.shared.cache.log_out(self.shared.clock.now());
        self.shared.overtaken.notify_waiters();
        self.shared.tell();
        let shared = self.shared.clone();
        self.in_a_task(async move {
            let forgot = shared.do_at_store(Work::Forget).await;
            grants.extend(shared.cache.take_found(&grants));
            shared.revoke_all(&grants).await;
            forgot
        })
        .await
    }

    /// Does what a log-out, or credentials set by the program, leave to do. It happens in a task of its own, because a caller
    /// who goes away or stops polling must not keep the store from others (R18).
    pub(super) async fn in_a_task(
        &self,
        work: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) -> Result<(), Error> {
        let Ok(runtime) = Handle::try_current() else {
            return work.await;
        };
        let mut work = Box::pin(work);
        // Often there is nothing to wait for.
        let at_once = poll_fn(|context| Poll::Ready(work.as_mut().poll(context)));
        if let Poll::Ready(result) = at_once.await {
            return result;
        }
        let (done, result) = oneshot::channel();
        runtime.spawn(async move { done.send(work.await) });
        result.await.unwrap_or_else(|_| {
            Err(Error::store(
                "the runtime was shut down before the store was reached; log out again from a live one",
            ))
        })
    }
}

impl Shared {
    /// Has the source revoke what a log-out ended (R17).
    pub(super) async fn revoke_all(&self, grants: &[Credentials]) {
        let mut revoking = pin!(async {
            for credentials in grants {
                // A log-in since then may have brought the same credentials again. Those are not revoked.
                if !self.cache.look(|state| state.holds(credentials)) {
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

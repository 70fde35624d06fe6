//! Notices a source or a store that asks its own authenticator for credentials. It would wait for itself (R32).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Shared;
use super::limit::within;
use crate::credentials::Credentials;
use crate::error::Error;

tokio::task_local! {
    static CALLED_BY: CalledBy;
}

/// Marks a task while an authenticator calls its source or its store there.
struct CalledBy {
    /// The address of that authenticator.
    authenticator: usize,
    asked_itself: AtomicBool,
}

impl Shared {
    /// Fails in a call of this authenticator's own source or store.
    pub(super) fn check_not_called_by_itself(&self) -> Result<(), Error> {
        let is_own = CALLED_BY.try_with(|called| {
            let is_own = called.authenticator == self.address();
            called.asked_itself.fetch_or(is_own, Ordering::Relaxed);
            is_own
        });
        if is_own == Ok(true) { Err(asks_itself()) } else { Ok(()) }
    }

    /// Marks the task during this call.
    pub(super) fn marked<F: Future>(&self, call: F) -> impl Future<Output = F::Output> {
        CALLED_BY
            .scope(CalledBy { authenticator: self.address(), asked_itself: AtomicBool::new(false) }, call)
    }

    /// Gives the source until `limit` for a response.
    pub(super) fn response_of(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<Credentials, Error>>,
    ) -> impl Future<Output = Result<Credentials, Error>> {
        self.marked(async move {
            let response = within(limit, call).await.unwrap_or_else(|| {
                Err(Error::transient(
                    "the identity provider did not respond before the deadline of the refresh; check that it can be reached",
                ))
            });
            // The source may have hidden it in an error of its own, such as a broken connection.
            let asked_itself = CALLED_BY.with(|called| called.asked_itself.load(Ordering::Relaxed));
            response.map_err(|error| if asked_itself { asks_itself() } else { error })
        })
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

fn asks_itself() -> Error {
    Error::misconfigured(
        "the source or the store asks its own authenticator for credentials, which would wait for itself; give it an HTTP \
         client without this authenticator",
    )
}

//! Notices a source or a store that asks its own authenticator for credentials. It would wait for itself (R32).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Shared;
use super::exchanges::Place;
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
    /// The place of this exchange among those that may happen at once.
    place: Option<Arc<Place>>,
}

/// Waits for credentials of another identity, or for its authenticator. An exchange gives up its place meanwhile, because what
/// it waits for may need that place.
pub(crate) async fn without_place<T>(wait: impl Future<Output = T>) -> T {
    let Some(place) = CALLED_BY.try_with(|called| called.place.clone()).ok().flatten() else {
        return wait.await;
    };
    place.left_during(wait).await
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
        self.marked_with(None, call)
    }

    fn marked_with<F: Future>(&self, place: Option<Arc<Place>>, call: F) -> impl Future<Output = F::Output> {
        let called_by =
            CalledBy { authenticator: self.address(), asked_itself: AtomicBool::new(false), place };
        CALLED_BY.scope(called_by, call)
    }

    /// Gives the source until `limit` for a response.
    pub(super) fn response_of(
        &self,
        limit: Duration,
        place: Option<Arc<Place>>,
        call: impl Future<Output = Result<Credentials, Error>>,
    ) -> impl Future<Output = Result<Credentials, Error>> {
        self.marked_with(place, async move {
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

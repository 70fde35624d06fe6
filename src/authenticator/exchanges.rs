//! A limit of the log-ins and refreshes that several authenticators make at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore};

use super::limit::within;
use crate::error::Error;

/// The places of a set of authenticators. Clones share them.
#[derive(Clone)]
pub(crate) struct Exchanges(Arc<Semaphore>);

/// The place of one exchange.
pub(crate) struct Place {
    exchanges: Exchanges,
    use_of: Mutex<Use>,
    /// Locked while the exchange waits for a permit, so that it never has one and waits for another.
    taking: AsyncMutex<()>,
}

#[derive(Default)]
struct Use {
    permit: Option<OwnedSemaphorePermit>,
    /// How many credentials of other identities the exchange waits for.
    waits: usize,
}

impl Exchanges {
    #[cfg(feature = "identities")]
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// Waits for a place. Those who came first go first.
    pub(super) async fn place(&self, limit: Duration) -> Result<Arc<Place>, Error> {
        // What fails here was not sent, so that the refresh token is still good.
        let permit = within(limit, self.permit()).await.ok_or_else(|| {
            Error::transient(
                "other identities log in or refresh, and the limit of exchanges at once left no place for this one in time; \
                 raise the limit",
            )
            .not_processed()
        })?;
        let use_of = Mutex::new(Use { permit, waits: 0 });
        Ok(Arc::new(Place { exchanges: self.clone(), use_of, taking: AsyncMutex::default() }))
    }

    /// There is always one: the semaphore is never closed.
    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        self.0.clone().acquire_owned().await.ok()
    }
}

impl Place {
    /// Gives the place up while the exchange waits, and waits for another one afterwards.
    pub(super) async fn left_during<T>(&self, wait: impl Future<Output = T>) -> T {
        let waiting = Waiting::begin(self);
        let result = wait.await;
        waiting.end();
        self.take().await;
        result
    }

    /// Waits for a place, unless the exchange has one, or another of its waits goes on and will take one.
    async fn take(&self) {
        let _taking = self.taking.lock().await;
        if self.lock().needs_permit() {
            let permit = self.exchanges.permit().await;
            self.lock().take_back(permit);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Use> {
        self.use_of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Use {
    fn needs_permit(&self) -> bool {
        self.waits == 0 && self.permit.is_none()
    }

    /// Keeps the permit, unless the exchange has begun to wait again.
    fn take_back(&mut self, permit: Option<OwnedSemaphorePermit>) {
        if self.needs_permit() {
            self.permit = permit;
        }
    }
}

/// One wait of an exchange. A source may give a wait up, and it may have several at once.
struct Waiting<'a> {
    place: &'a Place,
    is_over: bool,
}

impl<'a> Waiting<'a> {
    fn begin(place: &'a Place) -> Self {
        let mut use_of = place.lock();
        use_of.waits += 1;
        // Dropped after the lock, because it wakes another exchange.
        let permit = use_of.permit.take();
        drop(use_of);
        drop(permit);
        Self { place, is_over: false }
    }

    fn end(mut self) {
        self.is_over = true;
        self.place.lock().waits -= 1;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            // A drop can't wait. So the exchange takes a place only if one is free.
            let permit = self.place.exchanges.0.clone().try_acquire_owned().ok();
            let mut use_of = self.place.lock();
            use_of.waits -= 1;
            use_of.take_back(permit);
        }
    }
}

#[cfg(all(test, feature = "identities", not(reauth_model)))]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn r77_a_place_that_does_not_come_puts_no_refresh_token_in_doubt() {
        let exchanges = Exchanges::new(1);
        let taken = exchanges.place(Duration::from_secs(1)).await;
        let error = exchanges.place(Duration::from_secs(1)).await.err();
        assert!(error.is_some_and(|error| !error.may_have_been_processed()));
        drop(taken);
        assert!(exchanges.place(Duration::from_secs(1)).await.is_ok());
    }
}

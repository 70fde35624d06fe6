//! The source and the store of a model, for the driver.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::store::Held;
use super::{World, credentials};
use crate::cache::{Turn, Waiters, driver};
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::machine::{Step, StoreCall};

/// The source and the store, for callers (flight 0) or for one flight.
pub(super) struct Outside {
    pub(super) world: Arc<World>,
    pub(super) flight: u64,
}

impl Outside {
    pub(super) fn respond(&self) -> Result<Credentials, Error> {
        self.world.requests.fetch_add(1, Ordering::SeqCst);
        let response = self.world.responses.lock().unwrap().pop_front();
        response.unwrap_or_else(|| Ok(credentials(&format!("at-{}", self.flight))))
    }
}

impl driver::World for Outside {
    fn now(&self) -> Reading {
        self.world.now
    }

    fn tell(&self) {}

    fn launch(&self, waiters: Arc<Waiters>) {
        self.world.launch(waiters);
    }

    fn watch(&self, _: &Arc<Waiters>, _: impl FnOnce() -> Duration) {}

    type Guard = Option<Held>;

    async fn store(&self, call: &StoreCall, turn: Turn<'_>, guard: &mut Self::Guard) -> Option<Step> {
        let store = self.world.store.as_ref()?;
        if let StoreCall::Guard(_) = call {
            drop(guard.take());
            *guard = Some(store.guard());
        }
        let _turn = self.world.turn.lock();
        turn.needs(call).then(|| turn.end(store.work(call), self.world.now))
    }

    fn may_lapse(&self, _: &Self::Guard) -> bool {
        false
    }

    async fn overtaken(&self, _: Turn<'_>) {}

    type Place = ();

    async fn place(&self, _: Duration) -> Result<(), Error> {
        Ok(())
    }

    async fn refresh(&self, _: &Credentials, _: Duration, (): ()) -> Result<Credentials, Error> {
        self.respond()
    }

    async fn login(&self, _: Duration, (): ()) -> Result<Credentials, Error> {
        if !self.world.logs_in {
            return Err(Error::unsupported("the source can't log in"));
        }
        self.respond()
    }

    async fn revoke(&self, credentials: &Credentials) {
        self.world.revoke(std::slice::from_ref(credentials));
    }

    async fn sleep(&self, _: Duration) {}
}

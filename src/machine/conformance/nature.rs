//! What all processes of a scenario share: both clocks, set by hand, and the store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use super::suite::{START, Setup, Shelf};
use crate::clock::Reading;

#[derive(Clone)]
pub(super) struct Nature(Arc<Mutex<Inner>>);

struct Inner {
    now: Reading,
    store: Option<Shelf>,
}

impl Nature {
    pub(super) fn new(setup: &Setup) -> Result<Self, String> {
        let now = Reading { monotonic: Duration::ZERO, wall: UNIX_EPOCH + Duration::from_secs(START) };
        let store = setup.store.as_ref().map(Shelf::new).transpose()?;
        Ok(Self(Arc::new(Mutex::new(Inner { now, store }))))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Reading {
        self.lock().now
    }

    pub(super) fn go_to(&self, monotonic: Duration) {
        let mut inner = self.lock();
        inner.now = inner.now.after(monotonic.saturating_sub(inner.now.monotonic));
    }

    pub(super) fn jump(&self, back: bool, by: Duration) {
        let wall = &mut self.lock().now.wall;
        if back { *wall -= by } else { *wall += by }
    }

    /// Does something with the store, if there is one.
    pub(super) fn with_store<T>(&self, with: impl FnOnce(&mut Shelf) -> T) -> Option<T> {
        self.lock().store.as_mut().map(with)
    }
}

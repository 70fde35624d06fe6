//! The locks of the cache: those of the standard library, or those of the model checker in its own build.

use std::sync::{Arc, PoisonError};

#[cfg(reauth_model)]
use loom::sync::{Mutex as RawMutex, MutexGuard};
#[cfg(not(reauth_model))]
use std::sync::{Mutex as RawMutex, MutexGuard};

/// A mutex that a panic elsewhere does not poison (R7). The code that changes what it guards cannot panic half-way.
pub(crate) struct Mutex<T>(RawMutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(RawMutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A shared value that is replaced as a whole and read without a lock.
#[cfg(not(reauth_model))]
pub(crate) struct Slot<T>(arc_swap::ArcSwapOption<T>);

#[cfg(not(reauth_model))]
impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self(arc_swap::ArcSwapOption::empty())
    }

    pub(crate) fn set(&self, value: Option<Arc<T>>) {
        self.0.store(value);
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(Option<&T>) -> R) -> R {
        read(self.0.load().as_deref())
    }
}

/// The same with a lock, because the checker does not know arc-swap. Seen from outside, the schedules are the same.
#[cfg(reauth_model)]
pub(crate) struct Slot<T>(Mutex<Option<Arc<T>>>);

#[cfg(reauth_model)]
impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn set(&self, value: Option<Arc<T>>) {
        *self.0.lock() = value;
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(Option<&T>) -> R) -> R {
        let value = self.0.lock().clone();
        read(value.as_deref())
    }
}

//! The place of one key: its authenticator, or the creation that makes it, or why that failed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::authenticator::{Authenticator, has_other_clones};
use crate::error::Error;
use crate::machine::{Failure, Pace, Streak};
use crate::timing::Timing;

/// How a creation ended; `None` while it runs.
pub(super) type Outcome = Option<Result<(), Error>>;

#[derive(Default)]
pub(super) struct Slot {
    number: Number,
    made: OnceLock<Authenticator>,
    /// `None` before the first creation, and after one that succeeded.
    creation: Mutex<Option<Box<Creation>>>,
    /// When it was last asked for, in milliseconds.
    used: AtomicU64,
}

/// Which slot it is. No other has the same number, also after this one is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number(u64);

impl Default for Number {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

#[derive(Default)]
struct Creation {
    running: Option<watch::Receiver<Outcome>>,
    /// The last failure, until a creation succeeds.
    failure: Option<Failure>,
}

/// What a caller has to do next.
pub(super) enum Ask {
    Use(Authenticator),
    Fail(Error),
    /// Wait for the creation that runs.
    Wait(watch::Receiver<Outcome>),
    /// Run a creation, and wait for it.
    Run(watch::Sender<Outcome>, watch::Receiver<Outcome>),
}

impl Slot {
    pub(super) fn number(&self) -> Number {
        self.number
    }

    pub(super) fn made(&self) -> Option<&Authenticator> {
        self.made.get()
    }

    /// Whether somebody has this slot or its authenticator, or something would be lost with it. Only the set may ask: while it
    /// holds the lock of the slot's part, nobody can begin to use what nobody uses.
    pub(super) fn is_in_use(self: &Arc<Self>) -> bool {
        self.has_users() || self.made().is_some_and(|made| !made.is_dispensable())
    }

    /// Whether somebody has this slot or its authenticator.
    pub(super) fn has_users(self: &Arc<Self>) -> bool {
        has_other_clones(self) || self.made().is_some_and(Authenticator::has_other_clones)
    }

    pub(super) fn touch(&self, now: Duration) {
        let now = millis(now);
        // Most of the time this writes nothing, so that threads can share the memory.
        if self.used.load(Ordering::Relaxed) != now {
            self.used.store(now, Ordering::Relaxed);
        }
    }

    pub(super) fn idle_time(&self, now: Duration) -> Duration {
        Duration::from_millis(millis(now).saturating_sub(self.used.load(Ordering::Relaxed)))
    }

    pub(super) fn ask(&self, now: Duration) -> Ask {
        let mut creation = self.creation();
        if let Some(made) = self.made() {
            return Ask::Use(made.clone());
        }
        let creation = creation.get_or_insert_default();
        if let Some(running) = &creation.running {
            return Ask::Wait(running.clone());
        }
        if let Some(failure) = &creation.failure {
            let retry_at = failure.retry_at(false, true);
            if now < retry_at {
                return Ask::Fail(failure.error_until(retry_at, now));
            }
        }
        let (sender, receiver) = watch::channel(None);
        creation.running = Some(receiver.clone());
        Ask::Run(sender, receiver)
    }

    /// Ends a creation, unless it was ended before. A failure is remembered as that of a flight is (R11).
    pub(super) fn end(
        &self,
        running: &watch::Receiver<Outcome>,
        result: Result<Authenticator, Error>,
        now: Duration,
        timing: &Arc<Timing>,
    ) {
        let mut slot = self.creation();
        let Some(creation) = slot.as_mut() else { return };
        if creation.running.take_if(|known| known.same_channel(running)).is_none() {
            return;
        }
        match result {
            Ok(made) => {
                let _ = self.made.set(made);
                *slot = None;
            }
            Err(error) => {
                let streak = creation.failure.as_ref().map(|failure| failure.streak_at(now, timing));
                let streak = streak.unwrap_or(Streak::none(now)).with_one_more(&error);
                let failure = Failure::new(error, streak, now, None, &mut Pace::new(timing.clone()));
                creation.failure = Some(failure);
            }
        }
    }

    fn creation(&self) -> MutexGuard<'_, Option<Box<Creation>>> {
        self.creation.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

//! The two clocks that decide whether a token has expired, behind one trait.
//!
//! [`SystemClock`] is the default. A test in which Tokio's time is paused uses [`TokioClock`].

mod system;
mod tokio;

pub use system::SystemClock;
pub use tokio::TokioClock;

use std::time::{Duration, SystemTime};

/// Tells the time. [`SystemClock`] is the default; replace it in tests.
///
/// A token has expired as soon as *either* clock says so. The wall clock goes on while the machine sleeps. The
/// monotonic clock can't be set back.
pub trait Clock: Send + Sync + 'static {
    /// Reads both clocks. Must not block.
    fn now(&self) -> Reading;

    /// Reads both clocks to within a few milliseconds. Must not block.
    ///
    /// Every request calls this, so it should be cheaper than [`now`](Self::now), which is called only when this
    /// reading says that something is due. The default calls [`now`](Self::now).
    fn coarse(&self) -> Reading {
        self.now()
    }
}

/// What both clocks showed at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The time since an origin that the clock chooses. It never goes back. It may stand still while the machine
    /// sleeps.
    pub monotonic: Duration,
    /// The time of day. It goes on while the machine sleeps, and it can be set.
    pub wall: SystemTime,
}

impl Reading {
    /// Returns the reading `wait` later on both clocks. A clock that can't represent the later time stays unchanged
    /// (wall), or shows its largest time (monotonic).
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self {
            monotonic: self.monotonic.saturating_add(wait),
            wall: self.wall.checked_add(wait).unwrap_or(self.wall),
        }
    }
}

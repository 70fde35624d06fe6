//! The two clocks that decide whether a token has lapsed, behind one trait.

mod system;

pub use system::SystemClock;

use std::time::{Duration, SystemTime};

/// What both clocks showed at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Time since an origin of the clock's own choosing. It never goes back; it may stand still while the
    /// machine sleeps.
    pub monotonic: Duration,
    /// The time of day. It goes on while the machine sleeps, and somebody can set it.
    pub wall: SystemTime,
}

impl Reading {
    /// The reading `wait` later on both clocks; unchanged where that can't be represented.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self {
            monotonic: self.monotonic.saturating_add(wait),
            wall: self.wall.checked_add(wait).unwrap_or(self.wall),
        }
    }
}

/// Tells the time. Replace it in tests; [`SystemClock`] is the default.
///
/// A token has lapsed as soon as *either* clock says so: the wall clock notices a night of sleep, the
/// monotonic one can't be set back.
pub trait Clock: Send + Sync + 'static {
    /// Both clocks, now. Must not block.
    fn now(&self) -> Reading;

    /// Both clocks, to within a few milliseconds (ten, at most, on Linux: a tick of the kernel): asked on every
    /// request, so it should be cheaper than [`now`](Self::now), which is asked when this reading says that something
    /// is due. Default: [`now`](Self::now).
    fn coarse(&self) -> Reading {
        self.now()
    }
}

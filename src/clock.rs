//! The two clocks that decide whether a token has lapsed, behind one trait.

use std::fmt;
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
    /// Both clocks, now. Called on every request: it must be cheap and must not block.
    fn now(&self) -> Reading;
}

/// The machine's clocks; the monotonic one is Tokio's, so that a test with paused time controls it.
#[derive(Clone)]
pub struct SystemClock {
    origin: tokio::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic reading starts at zero. Needs no runtime.
    pub fn new() -> Self {
        Self { origin: tokio::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Reading {
        Reading { monotonic: self.origin.elapsed(), wall: SystemTime::now() }
    }
}

impl fmt::Debug for SystemClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemClock")
    }
}

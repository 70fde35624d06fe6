//! How often to look at something that nobody may tell us about.

use std::time::Duration;

/// Growing waits with jitter, without an end.
pub(super) struct Delays {
    next: Duration,
    longest: Duration,
}

const FIRST: Duration = Duration::from_millis(100);

impl Delays {
    /// From 100 ms to a second, for somebody who has to wait.
    pub(super) fn new() -> Self {
        Self { next: FIRST, longest: Duration::from_secs(1) }
    }

    /// From 100 ms to half a minute, for somebody who is usually told.
    pub(super) fn rare() -> Self {
        Self { longest: Duration::from_secs(30), ..Self::new() }
    }
}

impl Iterator for Delays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let delay = self.next;
        self.next = (delay * 3 / 2).min(self.longest);
        // From three quarters to five quarters, so that processes don't look all at once.
        Some(delay.mul_f64(0.75 + fastrand::f64() / 2.0))
    }
}

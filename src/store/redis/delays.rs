//! How often to look at something that nobody may tell us about.

use std::time::Duration;

/// Growing waits with jitter, without an end: from 100 ms to a second.
pub(super) struct Delays(Duration);

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

impl Delays {
    pub(super) fn new() -> Self {
        Self(FIRST)
    }
}

impl Iterator for Delays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let delay = self.0;
        self.0 = (delay * 3 / 2).min(LONGEST);
        // From three quarters to five quarters, so that processes don't look all at once.
        Some(delay.mul_f64(0.75 + fastrand::f64() / 2.0))
    }
}

//! The clock of Redis, as far as it is known. All times that are stored are times of this clock, so that processes whose
//! own clocks differ see the same lifetimes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// By how much the clock of Redis is ahead of the one of this process.
#[derive(Debug, Default)]
pub(super) struct ServerTime(Mutex<Option<Offset>>);

#[derive(Clone, Copy, Debug)]
struct Offset {
    /// As it was measured last.
    milliseconds: i64,
    /// As stored times are moved by it.
    seconds: i64,
}

/// A smaller difference moves no stored time: that keeps the times of an entry that is read and written back, and those of
/// machines whose clocks go together.
const TOLERANCE: i64 = 1_000;

impl ServerTime {
    /// Takes in what Redis said, in milliseconds since 1970, between these two times.
    pub(super) fn measured(&self, server: i64, sent: SystemTime, received: SystemTime) {
        let (sent, received) = (milliseconds(sent), milliseconds(received));
        // Half of the way there and back. The wall clock may have been set meanwhile.
        let measured = server.saturating_sub(sent.saturating_add(received.saturating_sub(sent) / 2));
        let mut offset = self.lock();
        let kept = offset.map_or(0, |offset| offset.seconds);
        let is_off = measured.saturating_sub(kept.saturating_mul(1_000)).abs() > TOLERANCE;
        let seconds = if is_off { measured.saturating_add(500).div_euclid(1_000) } else { kept };
        *offset = Some(Offset { milliseconds: measured, seconds });
    }

    /// What the clock of Redis shows when this one shows `now`, in milliseconds since 1970. `None` before Redis said it.
    pub(super) fn at(&self, now: SystemTime) -> Option<i64> {
        let offset = (*self.lock())?;
        Some(milliseconds(now).saturating_add(offset.milliseconds))
    }

    /// The seconds to add to a time of this clock, and to take off from one of Redis'.
    pub(super) fn seconds(&self) -> i64 {
        self.lock().map_or(0, |offset| offset.seconds)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Offset>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn milliseconds(time: SystemTime) -> i64 {
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since_1970.as_millis().try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn f106_clocks_that_go_together_move_no_time_and_others_move_it_by_the_same_seconds() {
        let time = ServerTime::default();
        let at = |milliseconds| UNIX_EPOCH + Duration::from_millis(milliseconds);
        assert_eq!((time.at(at(0)), time.seconds()), (None, 0));
        // (what Redis said, what this clock showed before and after, by how much times are moved)
        for (server, sent, received, seconds) in [
            (10_400, 10_000, 10_100, 0),
            (10_999, 10_000, 10_000, 0),
            (310_300, 10_000, 10_000, 300),
            // The offset is kept while it is about right, so that times do not creep.
            (310_900, 10_000, 10_000, 300),
            (311_200, 10_000, 10_000, 301),
            (10_000, 310_000, 310_000, -300),
            (10_000, 310_000, 309_400, -300),
            (10_000, 10_000, 10_000, 0),
        ] {
            time.measured(server, at(sent), at(received));
            assert_eq!(time.seconds(), seconds, "{server} {sent} {received}");
        }
        time.measured(500, at(100), at(300));
        assert_eq!(time.at(at(1_000)), Some(1_300));
    }
}

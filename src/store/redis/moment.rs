//! A moment from which time is counted that goes on while the machine sleeps.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(platform::Reading);

impl Moment {
    pub(super) fn now() -> Self {
        Self(platform::now())
    }

    /// The time since then, suspended time included. At least as long as any clock says.
    pub(super) fn elapsed(&self) -> Duration {
        platform::between(self.0, platform::now())
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod platform {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    pub(super) type Reading = Duration;

    pub(super) fn now() -> Reading {
        let time = clock_gettime(ClockId::Boottime);
        Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
    }

    pub(super) fn between(start: Reading, end: Reading) -> Duration {
        end.saturating_sub(start)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod platform {
    use std::time::{Duration, Instant, SystemTime};

    pub(super) type Reading = (Instant, SystemTime);

    pub(super) fn now() -> Reading {
        (Instant::now(), SystemTime::now())
    }

    pub(super) fn between(start: Reading, end: Reading) -> Duration {
        // The monotonic clock may stand still during suspend, and the other one may be set back.
        let monotonic = end.0.saturating_duration_since(start.0);
        monotonic.max(end.1.duration_since(start.1).unwrap_or_default())
    }
}

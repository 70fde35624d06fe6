//! The clocks of the operating system.

use super::{Clock, Reading};

/// The clocks of the operating system: the default.
///
/// On Linux the kernel is asked through the vDSO, not through libc: a library that replaces libc's clocks, as libfaketime does,
/// has no effect. There [`coarse`](Clock::coarse) reads the kernel's coarse clocks, which a tick (10 ms at most) moves.
///
/// It does not follow Tokio's time when that is paused: tokens would not expire and back-offs not end with the time that a test
/// lets pass. Give such a test a [`TokioClock`](super::TokioClock).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// Makes the clock. Needs no runtime.
    pub fn new() -> Self {
        Self
    }
}

/// The kernel renews a reading of each clock at every tick. To look at that costs a fraction of the time.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod platform {
    use std::time::{Duration, UNIX_EPOCH};

    use rustix::time::{ClockId, DynamicClockId, Timespec, clock_gettime, clock_gettime_dynamic};

    use super::{Clock, Reading, SystemClock};

    impl Clock for SystemClock {
        fn now(&self) -> Reading {
            reading(clock_gettime(ClockId::Monotonic), clock_gettime(ClockId::Realtime))
        }

        fn coarse(&self) -> Reading {
            let known = |clock| clock_gettime_dynamic(DynamicClockId::Known(clock));
            match (known(ClockId::MonotonicCoarse), known(ClockId::RealtimeCoarse)) {
                (Ok(monotonic), Ok(wall)) => reading(monotonic, wall),
                // A sandbox may have the precise clocks alone.
                _ => self.now(),
            }
        }
    }

    fn reading(monotonic: Timespec, wall: Timespec) -> Reading {
        Reading { monotonic: duration(monotonic), wall: UNIX_EPOCH + duration(wall) }
    }

    /// The time since the origin of the clock. A clock that was set to a time before its origin counts as being there.
    fn duration(time: Timespec) -> Duration {
        Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod platform {
    use std::sync::LazyLock;
    use std::time::{Instant, SystemTime};

    use super::{Clock, Reading, SystemClock};

    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

    impl Clock for SystemClock {
        fn now(&self) -> Reading {
            Reading { monotonic: ORIGIN.elapsed(), wall: SystemTime::now() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant, SystemTime};

    #[test]
    fn r03_the_coarse_reading_goes_with_the_precise_one() {
        let clock = SystemClock::new();
        // Ticks can be late on a busy machine, by much less than matters to a token.
        let tolerance = Duration::from_secs(1);
        for _ in 0..10_000 {
            let (before, coarse, after) = (clock.now(), clock.coarse(), clock.now());
            assert!(before.monotonic <= coarse.monotonic + tolerance, "{before:?} {coarse:?}");
            assert!(before.wall <= coarse.wall + tolerance, "{before:?} {coarse:?}");
            assert!(coarse.monotonic <= after.monotonic + tolerance, "{coarse:?} {after:?}");
            assert!(coarse.wall <= after.wall + tolerance, "{coarse:?} {after:?}");
        }
    }

    /// Within what a busy machine makes of "at once".
    fn is_time_of_day(wall: SystemTime) -> bool {
        let now = SystemTime::now();
        now.duration_since(wall).or_else(|_| wall.duration_since(now)).is_ok_and(|off| off.as_secs() < 60)
    }

    #[test]
    fn r03_one_clock_goes_on_and_the_other_is_the_time_of_day() {
        let clock = SystemClock::new();
        let (before, machine) = (clock.now(), Instant::now());
        while Instant::now() == machine {}
        let after = clock.now();
        assert!(after.monotonic > before.monotonic, "{before:?} {after:?}");
        assert!(is_time_of_day(after.wall), "{after:?}");
        // It starts with the machine or the program: it is not the time of day, which can be set back.
        assert!(after.monotonic < Duration::from_secs(20 * 365 * 86_400), "{after:?}");
        assert_eq!(format!("{clock:?}"), "SystemClock");
    }

    #[tokio::test(start_paused = true)]
    async fn r03_paused_time_stops_neither_clock() {
        let clock = SystemClock::default();
        let (before, start) = (clock.now(), Instant::now());
        tokio::time::advance(Duration::from_secs(3600)).await;
        while Instant::now() == start {}
        let after = clock.now();
        assert!(after.monotonic > before.monotonic, "{before:?} {after:?}");
        assert!(after.monotonic < before.monotonic + Duration::from_secs(3600), "{before:?} {after:?}");
        assert!(is_time_of_day(after.wall), "{after:?}");
    }
}

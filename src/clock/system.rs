//! The machine's clocks.

use std::fmt;
use std::time::Instant;

use super::{Clock, Reading};

/// The machine's clocks: the default. On Linux they are the kernel's own, which a library that stands in for libc's
/// does not change.
///
/// Made within a Tokio runtime whose time is paused (`#[tokio::test(start_paused = true)]`), it follows Tokio's
/// clock instead of the monotonic one, so that a test of yours can let a token lapse:
///
/// ```
/// # use std::time::Duration;
/// use reauth::{Authenticator, Credentials, source_fn};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), reauth::Error> {
/// let auth = Authenticator::new(source_fn(|| async {
///     Ok(Credentials::new("at-1")?.with_lifetime(Duration::from_secs(60)))
/// }));
/// let first = auth.credentials().await?.expires_at();
/// tokio::time::sleep(Duration::from_secs(61)).await;
/// assert_ne!(auth.credentials().await?.expires_at(), first);
/// # Ok(())
/// # }
/// ```
///
/// One that is made before time is paused stays with the machine's clocks. Give such a test no real server to wait
/// for: where nothing else is to be done, paused time jumps to the next time limit, and the request has "timed out"
/// at once.
#[derive(Clone)]
pub struct SystemClock(Kind);

#[derive(Clone)]
enum Kind {
    Machine(machine::Clocks),
    Tokio(tokio::time::Instant),
}

impl SystemClock {
    /// The machine's clocks, or Tokio's while its time is paused. Needs no runtime.
    pub fn new() -> Self {
        Self(match tokio_is_paused() {
            true => Kind::Tokio(tokio::time::Instant::now()),
            false => Kind::Machine(machine::Clocks::new()),
        })
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Reading {
        match &self.0 {
            Kind::Machine(clocks) => clocks.now(),
            Kind::Tokio(origin) => {
                Reading { monotonic: origin.elapsed(), wall: std::time::SystemTime::now() }
            }
        }
    }

    fn coarse(&self) -> Reading {
        match &self.0 {
            Kind::Machine(clocks) => clocks.coarse(),
            Kind::Tokio(_) => self.now(),
        }
    }
}

impl fmt::Debug for SystemClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemClock")
    }
}

/// How often the machine's clock is looked at for a change: it has nanoseconds nearly everywhere.
const LOOKS: u32 = 10_000;

/// Whether Tokio's clock stands still while the machine's goes on.
fn tokio_is_paused() -> bool {
    let (tokio, machine) = (tokio::time::Instant::now(), Instant::now());
    (0..LOOKS).any(|_| Instant::now() > machine) && tokio::time::Instant::now() == tokio
}

/// The kernel keeps a reading of each clock, renewed at every tick: to look at it costs a fraction of the time.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod machine {
    use std::time::{Duration, UNIX_EPOCH};

    use rustix::time::{ClockId, DynamicClockId, Timespec, clock_gettime, clock_gettime_dynamic};

    use super::Reading;

    /// The monotonic clock starts with the machine.
    #[derive(Clone)]
    pub(super) struct Clocks;

    impl Clocks {
        pub(super) fn new() -> Self {
            Self
        }

        pub(super) fn now(&self) -> Reading {
            reading(clock_gettime(ClockId::Monotonic), clock_gettime(ClockId::Realtime))
        }

        pub(super) fn coarse(&self) -> Reading {
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

    /// Since the origin of its clock: no clock shows a time before that.
    fn duration(time: Timespec) -> Duration {
        Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod machine {
    use std::time::{Instant, SystemTime};

    use super::Reading;

    #[derive(Clone)]
    pub(super) struct Clocks {
        origin: Instant,
    }

    impl Clocks {
        pub(super) fn new() -> Self {
            Self { origin: Instant::now() }
        }

        pub(super) fn now(&self) -> Reading {
            Reading { monotonic: self.origin.elapsed(), wall: SystemTime::now() }
        }

        pub(super) fn coarse(&self) -> Reading {
            self.now()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

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
        // Since the machine started, or since the clock was made: no time of day, which can be set back.
        assert!(after.monotonic < Duration::from_secs(20 * 365 * 86_400), "{after:?}");
        assert_eq!(format!("{clock:?}"), "SystemClock");
    }

    #[tokio::test(start_paused = true)]
    async fn r03_in_paused_time_the_monotonic_clock_is_tokios() {
        let clock = SystemClock::new();
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(clock.now().monotonic, Duration::from_secs(3600));
        assert_eq!(clock.coarse().monotonic, Duration::from_secs(3600));
        assert!(is_time_of_day(clock.now().wall));
    }

    #[tokio::test]
    async fn r03_in_a_running_runtime_both_clocks_are_the_machines() {
        assert!(matches!(SystemClock::new().0, Kind::Machine(_)));
    }
}

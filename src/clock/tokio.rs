//! Tokio's clock, for tests.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{Clock, Reading};

/// Tokio's clock, for tests in which Tokio's time is paused. Both clocks go on with Tokio's time, so that a test can let
/// a token expire:
///
/// ```
/// # use std::time::Duration;
/// use reauth::clock::TokioClock;
/// use reauth::{Authenticator, Credentials, source_fn};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), reauth::Error> {
/// let source = source_fn(|| async { Ok(Credentials::new("at-1")?.with_lifetime(Duration::from_secs(60))) });
/// let auth = Authenticator::builder(source).clock(TokioClock::new()).build();
/// let first = auth.credentials().await?.expires_at();
/// tokio::time::sleep(Duration::from_secs(61)).await;
/// assert_ne!(auth.credentials().await?.expires_at(), first);
/// # Ok(())
/// # }
/// ```
///
/// The wall clock starts with the real time at which the clock was made.
///
/// Use no real server in such a test: while a task waits for the network, paused time jumps to the next time limit, and
/// the request fails at once with a timeout.
#[derive(Clone, Debug)]
pub struct TokioClock {
    origin: Instant,
    wall_at_origin: SystemTime,
}

impl TokioClock {
    /// Starts the clock at the current time. Needs no runtime.
    pub fn new() -> Self {
        Self { origin: Instant::now(), wall_at_origin: SystemTime::now() }
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Reading {
        let origin = Reading { monotonic: Duration::ZERO, wall: self.wall_at_origin };
        origin.after(self.origin.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn r03_in_paused_time_both_clocks_are_tokios() {
        let before = SystemTime::now();
        let clock = TokioClock::new();
        let start = clock.now();
        assert!((before..=SystemTime::now()).contains(&start.wall), "{start:?}");
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(clock.now(), start.after(Duration::from_secs(3600)));
        assert_eq!(clock.coarse(), clock.now());
    }

    #[tokio::test]
    async fn r03_a_clock_that_was_made_before_time_was_paused_follows_it_too() {
        let clock = TokioClock::default();
        tokio::time::pause();
        let paused = clock.now();
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(clock.now(), paused.after(Duration::from_secs(60)));
    }
}

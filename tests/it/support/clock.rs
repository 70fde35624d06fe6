//! A clock under the test's control.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reauth::clock::{Clock, Reading, TokioClock};
use reauth::{Authenticator, AuthenticatorBuilder, CredentialSource};

/// An authenticator whose clock is Tokio's, which the test has paused.
pub fn in_paused_time(source: impl CredentialSource) -> AuthenticatorBuilder {
    Authenticator::builder(source).clock(TokioClock::new())
}

/// A clock whose monotonic time is Tokio's, paused in the tests. The wall clock follows it until it is set.
#[derive(Clone)]
pub struct TestClock {
    origin: tokio::time::Instant,
    wall_at_origin: Arc<Mutex<SystemTime>>,
}

impl TestClock {
    /// Starts at 2033-05-18T03:33:20Z. Call it within a runtime whose time is paused.
    pub fn new() -> Self {
        let start = UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        Self { origin: tokio::time::Instant::now(), wall_at_origin: Arc::new(Mutex::new(start)) }
    }

    /// Sets the wall clock forward, as somebody does or as sleep does.
    pub fn jump_forward(&self, by: Duration) {
        *self.wall_at_origin.lock().unwrap() += by;
    }

    /// Sets the wall clock back.
    pub fn jump_back(&self, by: Duration) {
        *self.wall_at_origin.lock().unwrap() -= by;
    }

    pub fn wall(&self) -> SystemTime {
        self.now().wall
    }
}

impl Clock for TestClock {
    fn now(&self) -> Reading {
        let monotonic = self.origin.elapsed();
        Reading { monotonic, wall: *self.wall_at_origin.lock().unwrap() + monotonic }
    }
}

/// A clock that stands still until the test moves it. It is for tests with real files and processes, in which Tokio's time can't be
/// paused.
#[derive(Clone)]
pub struct StillClock(Arc<Mutex<Reading>>);

/// Starts in 1970.
impl Default for StillClock {
    fn default() -> Self {
        Self::at(UNIX_EPOCH)
    }
}

impl StillClock {
    /// Starts at the real time of day.
    pub fn new() -> Self {
        Self::at(SystemTime::now())
    }

    fn at(wall: SystemTime) -> Self {
        Self(Arc::new(Mutex::new(Reading { monotonic: Duration::ZERO, wall })))
    }

    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.after(by);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Reading {
        *self.0.lock().unwrap()
    }
}

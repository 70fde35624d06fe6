//! Both clocks of a scenario. Unlike the clock of `support`, this one continues when the runtime is replaced.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reauth::clock::{Clock, Reading};
use tokio::time::Instant;

use super::suite::START;

#[derive(Clone)]
pub struct ScenarioClock(Arc<Mutex<Inner>>);

struct Inner {
    /// The monotonic time at `origin`, an instant of the current runtime. Without a runtime the time stands still.
    before: Duration,
    origin: Option<Instant>,
    /// The wall clock when the monotonic clock was at zero.
    wall: SystemTime,
}

impl ScenarioClock {
    /// Stands still until it is [started](Self::start).
    pub fn new() -> Self {
        let wall = UNIX_EPOCH + Duration::from_secs(START);
        Self(Arc::new(Mutex::new(Inner { before: Duration::ZERO, origin: None, wall })))
    }

    /// Follows the time of the runtime that this is called in.
    pub fn start(&self) {
        self.0.lock().unwrap().origin = Some(Instant::now());
    }

    /// Stands still from now on. Must be called in the same runtime.
    pub fn stop(&self) {
        let before = self.now().monotonic;
        let mut inner = self.0.lock().unwrap();
        inner.before = before;
        inner.origin = None;
    }

    pub fn jump(&self, back: bool, by: Duration) {
        let mut inner = self.0.lock().unwrap();
        if back { inner.wall -= by } else { inner.wall += by }
    }
}

impl Clock for ScenarioClock {
    fn now(&self) -> Reading {
        let inner = self.0.lock().unwrap();
        let monotonic = inner.before + inner.origin.map_or(Duration::ZERO, |origin| origin.elapsed());
        Reading { monotonic, wall: inner.wall + monotonic }
    }
}

//! Both clocks, as the runner sets them. They go on when the runtime is replaced.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reauth::clock::{Clock, Reading};
use tokio::runtime::Runtime;
use tokio::time::Instant;

#[derive(Clone)]
pub struct DrivenClock(Arc<Mutex<Inner>>);

struct Inner {
    /// The wall clock when the monotonic clock was at zero.
    wall: SystemTime,
    /// The monotonic time at `origin`, an instant of the current runtime. Without a runtime the time stands still.
    before: Duration,
    origin: Option<Instant>,
}

impl DrivenClock {
    pub fn new(mono: u64, wall: u64) -> Self {
        let inner = Inner { wall: UNIX_EPOCH, before: Duration::from_millis(mono), origin: None };
        let clock = Self(Arc::new(Mutex::new(inner)));
        clock.set_wall(wall);
        clock
    }

    /// Sets the wall clock, in milliseconds since 1970.
    pub fn set_wall(&self, wall: u64) {
        let monotonic = self.now().monotonic;
        self.0.lock().unwrap().wall = UNIX_EPOCH + Duration::from_millis(wall) - monotonic;
    }

    /// A runtime whose time is paused. This clock follows it from now on.
    pub fn start(&self) -> Runtime {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let entered = runtime.enter();
        self.0.lock().unwrap().origin = Some(Instant::now());
        drop(entered);
        runtime
    }

    /// Drops the runtime with everything that runs on it.
    pub fn stop(&self, runtime: Runtime) {
        let entered = runtime.enter();
        let before = self.now().monotonic;
        drop(entered);
        self.stand_still_at(before);
        drop(runtime);
    }
}

impl DrivenClock {
    fn stand_still_at(&self, monotonic: Duration) {
        let mut inner = self.0.lock().unwrap();
        inner.before = monotonic;
        inner.origin = None;
    }
}

impl Clock for DrivenClock {
    fn now(&self) -> Reading {
        let inner = self.0.lock().unwrap();
        let monotonic = inner.before + inner.origin.map_or(Duration::ZERO, |origin| origin.elapsed());
        Reading { monotonic, wall: inner.wall + monotonic }
    }
}

//! Both clocks of a scenario. Unlike the clock of `support`, this one continues when the runtime is replaced, and several
//! processes, each with a runtime of its own, have the same wall clock.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reauth::clock::{Clock, Reading};
use tokio::runtime::Runtime;
use tokio::time::Instant;

use super::suite::START;

/// The wall clock when the monotonic clock was at zero.
#[derive(Clone)]
pub struct Wall(Arc<Mutex<SystemTime>>);

impl Wall {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(UNIX_EPOCH + Duration::from_secs(START))))
    }

    pub fn at(&self, monotonic: Duration) -> Reading {
        Reading { monotonic, wall: *self.0.lock().unwrap() + monotonic }
    }

    pub fn jump(&self, back: bool, by: Duration) {
        let mut wall = self.0.lock().unwrap();
        if back { *wall -= by } else { *wall += by }
    }
}

#[derive(Clone)]
pub struct ScenarioClock {
    wall: Wall,
    own: Arc<Mutex<Own>>,
}

struct Own {
    /// The monotonic time at `origin`, an instant of the current runtime. Without a runtime the time stands still.
    before: Duration,
    origin: Option<Instant>,
}

impl ScenarioClock {
    /// Stands still until it is [started](Self::start).
    pub fn new(wall: Wall, monotonic: Duration) -> Self {
        Self { wall, own: Arc::new(Mutex::new(Own { before: monotonic, origin: None })) }
    }

    /// A runtime whose time is paused. This clock follows it from now on.
    pub fn start(&self) -> Runtime {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let entered = runtime.enter();
        self.own.lock().unwrap().origin = Some(Instant::now());
        drop(entered);
        runtime
    }

    /// Drops the runtime with everything that runs on it. This clock stands still from now on.
    pub fn stop(&self, runtime: Runtime) {
        let entered = runtime.enter();
        let before = self.now().monotonic;
        *self.own.lock().unwrap() = Own { before, origin: None };
        drop(entered);
        drop(runtime);
    }
}

impl Clock for ScenarioClock {
    fn now(&self) -> Reading {
        let own = self.own.lock().unwrap();
        let monotonic = own.before + own.origin.map_or(Duration::ZERO, |origin| origin.elapsed());
        self.wall.at(monotonic)
    }
}

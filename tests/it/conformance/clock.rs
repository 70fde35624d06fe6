//! Both clocks of a scenario. Unlike the clock of `support`, this one continues when the runtime is replaced, and several
//! processes, each with a runtime of its own, have the same wall clock. The driver of the suite uses this file, too.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reauth::clock::{Clock, Reading};
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// The wall clock when the monotonic clock was at zero.
#[derive(Clone)]
pub struct Wall(Arc<Mutex<SystemTime>>);

impl Wall {
    /// The monotonic clock is at zero, and the wall clock at so long after 1970.
    pub fn new(since_1970: Duration) -> Self {
        Self(Arc::new(Mutex::new(UNIX_EPOCH + since_1970)))
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
        let runtime = runtime();
        self.follow(&runtime);
        runtime
    }

    /// Drops the runtime with everything that runs on it. This clock stands still from now on.
    pub fn stop(&self, runtime: Runtime) {
        self.pause(&runtime);
        drop(runtime);
    }

    /// Follows the time of this runtime from now on.
    pub fn follow(&self, runtime: &Runtime) {
        let _entered = runtime.enter();
        self.own.lock().unwrap().origin = Some(Instant::now());
    }

    /// Stands still. This is the runtime that it has followed.
    pub fn pause(&self, runtime: &Runtime) {
        let _entered = runtime.enter();
        let before = self.now().monotonic;
        *self.own.lock().unwrap() = Own { before, origin: None };
    }
}

/// A runtime whose time is paused.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

impl Clock for ScenarioClock {
    fn now(&self) -> Reading {
        let own = self.own.lock().unwrap();
        let monotonic = own.before + own.origin.map_or(Duration::ZERO, |origin| origin.elapsed());
        self.wall.at(monotonic)
    }
}

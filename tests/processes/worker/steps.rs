//! The steps at which a worker is killed or held.

use std::sync::Mutex;

use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::Notify;

use super::say;
use crate::protocol::{Act, Said, Step};

#[derive(Default)]
pub struct Steps {
    next: Mutex<Vec<(Step, Act)>>,
    go: Notify,
}

impl Steps {
    /// At the next such step, this happens.
    pub fn arm(&self, step: Step, act: Act) {
        self.next.lock().unwrap().push((step, act));
    }

    /// Lets the call go on that is held, or the next one that would be.
    pub fn go(&self) {
        self.go.notify_one();
    }

    pub async fn at(&self, step: Step) {
        let armed = {
            let mut next = self.next.lock().unwrap();
            let place = next.iter().position(|(armed, _)| *armed == step);
            place.map(|place| next.remove(place).1)
        };
        let Some(act) = armed else { return };
        say(&Said::At(step));
        match act {
            Act::Kill => kill_process(getpid(), Signal::KILL).unwrap(),
            Act::Hold => self.go.notified().await,
        }
    }
}

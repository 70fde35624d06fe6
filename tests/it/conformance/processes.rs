//! The clients of a scenario's processes. They share the store and the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::client::Live;
use super::clock::Wall;
use super::store::SharedStore;
use super::suite::{Action, Client, Process, START, Seen, Setup, Stored, credentials_of};

/// Each process has a runtime and a paused time of its own. They advance in turns of this length. Whatever is due at the same
/// multiple of it happens at the same time.
const TURN: Duration = Duration::from_millis(50);

pub struct Processes {
    setup: Setup,
    wall: Wall,
    store: Option<SharedStore>,
    /// The monotonic clock.
    now: Duration,
    running: BTreeMap<Process, Live>,
    /// Those that stand still, and since when.
    stopped: BTreeMap<Process, (Duration, Live)>,
}

impl Processes {
    pub fn new(setup: &Setup) -> Result<Self, String> {
        let store = setup.store.as_ref().map(SharedStore::new).transpose()?;
        let (setup, wall, now) = (setup.clone(), Wall::new(Duration::from_secs(START)), Duration::ZERO);
        Ok(Self { setup, wall, store, now, running: BTreeMap::new(), stopped: BTreeMap::new() })
    }

    /// The process, which is started if there is none.
    fn process(&mut self, process: Process) -> Result<&mut Live, String> {
        if let Some((_, stopped)) = self.stopped.get_mut(&process) {
            return Ok(stopped);
        }
        if !self.running.contains_key(&process) {
            let store = self.store.as_ref().map(|store| store.of(process));
            let live = Live::new(&self.setup, store, self.wall.clone(), self.now)?;
            self.running.insert(process, live);
        }
        Ok(self.running.get_mut(&process).unwrap())
    }

    fn shared(&self) -> Result<&SharedStore, String> {
        self.store.as_ref().ok_or_else(|| "there is no store".to_owned())
    }

    fn moves(&self) -> u64 {
        self.store.as_ref().map_or(0, SharedStore::moves)
    }

    /// Runs everything until it waits for time or a response.
    fn settle(&mut self) {
        loop {
            let before = self.moves();
            self.running.values_mut().for_each(Live::settle);
            if self.moves() == before {
                return;
            }
        }
    }

    fn advance(&mut self, by: Duration) {
        let target = self.now + by;
        while self.now < target {
            let left = target - self.now;
            let turn = if self.running.len() > 1 { left.min(TURN) } else { left };
            let before = self.moves();
            self.running.values_mut().for_each(|live| live.advance(turn));
            self.now += turn;
            if self.moves() != before {
                self.settle();
            }
        }
    }
}

impl Client for Processes {
    fn act(&mut self, process: Process, action: &Action) -> Result<(), String> {
        if self.stopped.contains_key(&process) && !action.needs_no_move() {
            return Err("the process stands still".into());
        }
        match action {
            Action::Kill => {
                let stopped = self.stopped.remove(&process).map(|(_, live)| live);
                stopped.or_else(|| self.running.remove(&process)).ok_or("there is no such process")?;
                self.store.iter().for_each(|store| store.go_on(process));
            }
            Action::Stop => {
                let live = self.running.remove(&process).ok_or("it does not run")?;
                self.stopped.insert(process, (self.now, live));
                self.store.iter().for_each(|store| store.stop(process));
            }
            Action::GoOn => {
                let (since, mut live) = self.stopped.remove(&process).ok_or("it was not stopped")?;
                self.store.iter().for_each(|store| store.go_on(process));
                live.go_on(self.now - since);
                self.running.insert(process, live);
            }
            Action::Advance(by) => {
                self.process(process)?;
                self.advance(*by);
            }
            Action::WallClockJump { back, by } => self.wall.jump(*back, *by),
            Action::StoreChanged(tokens) => {
                self.shared()?.put(tokens.as_ref().map(credentials_of).transpose()?)?;
            }
            Action::StoreRespondsLate => self.shared()?.land(process)?,
            Action::StoreSetBack => self.shared()?.set_back(),
            _ => self.process(process)?.act(action)?,
        }
        self.settle();
        Ok(())
    }

    fn seen(&mut self) -> BTreeMap<Process, Seen> {
        let stopped = self.stopped.iter_mut().map(|(process, (_, live))| (process, live));
        self.running.iter_mut().chain(stopped).map(|(process, live)| (*process, live.seen())).collect()
    }

    fn waiting(&self) -> BTreeSet<String> {
        let stopped = self.stopped.values().map(|(_, live)| live);
        self.running.values().chain(stopped).flat_map(Live::waiting).collect()
    }

    fn stored(&self) -> Option<Stored> {
        self.store.as_ref()?.stored()
    }

    fn guarded_by(&self) -> Option<Process> {
        self.store.as_ref()?.guarded_by()
    }
}

//! The clients of a scenario's processes. They share the store and the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::machine::Machine;
use super::nature::Nature;
use super::suite::{Action, Client, Process, Seen, Setup, Stored, credentials_of};

pub(super) struct Processes {
    setup: Setup,
    nature: Nature,
    running: BTreeMap<Process, Machine>,
    stopped: BTreeMap<Process, Machine>,
}

impl Processes {
    pub(super) fn new(setup: &Setup) -> Result<Self, String> {
        let nature = Nature::new(setup)?;
        Ok(Self { setup: setup.clone(), nature, running: BTreeMap::new(), stopped: BTreeMap::new() })
    }

    /// The process, which is started if there is none.
    fn process(&mut self, process: Process) -> Result<&mut Machine, String> {
        if let Some(stopped) = self.stopped.get_mut(&process) {
            return Ok(stopped);
        }
        if !self.running.contains_key(&process) {
            self.running.insert(process, Machine::new(process, &self.setup, &self.nature)?);
        }
        self.running.get_mut(&process).ok_or_else(|| "there is no such process".into())
    }

    /// Polls everything until nothing moves without time or a response.
    fn settle(&mut self) -> Result<(), String> {
        loop {
            let mut moved = false;
            for machine in self.running.values_mut() {
                moved |= machine.settle()?;
            }
            if !moved {
                return Ok(());
            }
        }
    }

    /// Both clocks go on. What is due on the way happens at its time.
    fn advance(&mut self, by: Duration) -> Result<(), String> {
        let next = |this: &Self| this.running.values().filter_map(Machine::next_timer).min();
        let target = self.nature.now().monotonic + by;
        while let Some(due) = next(self).filter(|due| *due <= target) {
            self.nature.go_to(due);
            self.settle()?;
            if next(self) == Some(due) {
                return Err("something that is due stands still".into());
            }
        }
        self.nature.go_to(target);
        Ok(())
    }

    fn stop(&mut self, process: Process) -> Result<(), String> {
        let machine = self.running.remove(&process).ok_or("it does not run")?;
        self.stopped.insert(process, machine);
        self.nature.with_store(|store| store.stop(process)).unwrap_or(());
        Ok(())
    }

    fn go_on(&mut self, process: Process) -> Result<(), String> {
        let machine = self.stopped.remove(&process).ok_or("it was not stopped")?;
        self.running.insert(process, machine);
        self.nature.with_store(|store| store.go_on(process)).unwrap_or(());
        Ok(())
    }

    /// Nothing is left of it.
    fn kill(&mut self, process: Process) -> Result<(), String> {
        let machine = self.running.remove(&process).or_else(|| self.stopped.remove(&process));
        drop(machine.ok_or("there is no such process")?);
        self.nature.with_store(|store| store.go_on(process)).unwrap_or(());
        Ok(())
    }
}

impl Client for Processes {
    fn act(&mut self, process: Process, action: &Action) -> Result<(), String> {
        if self.stopped.contains_key(&process) && !action.needs_no_move() {
            return Err("the process stands still".into());
        }
        let store = "there is no store";
        match action {
            Action::Kill => self.kill(process)?,
            Action::Stop => self.stop(process)?,
            Action::GoOn => self.go_on(process)?,
            Action::Advance(by) => {
                self.process(process)?;
                self.advance(*by)?;
            }
            Action::WallClockJump { back, by } => self.nature.jump(*back, *by),
            Action::StoreChanged(tokens) => {
                let tokens = tokens.as_ref().map(credentials_of).transpose()?;
                self.nature.with_store(|store| store.change(tokens)).ok_or(store)??;
            }
            Action::StoreRespondsLate => {
                self.nature.with_store(|store| store.land(process)).ok_or(store)??
            }
            Action::StoreSetBack => self.nature.with_store(|store| store.set_back()).ok_or(store)?,
            _ => self.process(process)?.act(action)?,
        }
        self.settle()
    }

    fn seen(&mut self) -> BTreeMap<Process, Seen> {
        let all = self.running.iter_mut().chain(&mut self.stopped);
        all.map(|(process, machine)| (*process, machine.seen())).collect()
    }

    fn waiting(&self) -> BTreeSet<String> {
        self.running.values().chain(self.stopped.values()).flat_map(Machine::waiting).collect()
    }

    fn stored(&self) -> Option<Stored> {
        self.nature.with_store(|store| store.stored()).flatten()
    }

    fn guarded_by(&self) -> Option<Process> {
        self.nature.with_store(|store| store.guarded_by()).flatten()
    }
}

//! Runs a program.

use std::time::Duration;

use reauth::Credentials;

use super::ledger::{Origin, SharedLedger};
use super::lives::{Fate, Life};
use super::member::{Call, Member};
use super::program::{ProviderMode, Setup, Step, StoreMode};
use super::provider::Provider;
use super::store::SharedStore;
use crate::conformance::{Process, START, Wall};

/// The processes take turns. A turn is short while something happens, and gets longer while nothing does.
const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(1);

/// The promises that the program found broken.
pub fn run(setup: &Setup, steps: &[Step]) -> Vec<String> {
    fastrand::seed(setup.jitter);
    let has_jumps = steps.iter().any(|step| matches!(step, Step::Jump(_)));
    let mut fleet = Fleet::new(setup, has_jumps);
    for (number, step) in steps.iter().enumerate() {
        fleet.ledger.lock().note(format!("--- {number} {step:?}"));
        fleet.take(step);
        if !fleet.ledger.lock().broken.is_empty() {
            return fleet.broken();
        }
    }
    fleet.calm_down();
    fleet.broken()
}

struct Fleet {
    setup: Setup,
    ledger: SharedLedger,
    wall: Wall,
    provider: Provider,
    store: SharedStore,
    now: Duration,
    members: Vec<Member>,
    lives: u32,
}

impl Fleet {
    fn new(setup: &Setup, has_jumps: bool) -> Self {
        let ledger = SharedLedger::new(setup.lapses, has_jumps);
        let wall = Wall::new(Duration::from_secs(START));
        let provider = Provider::new(ledger.clone(), setup.lifetime, setup.login);
        let store = SharedStore::new(ledger.clone(), setup.lapses, setup.latency);
        if !setup.login {
            let now = wall.at(Duration::ZERO);
            let mut ledger = ledger.lock();
            let family = ledger.new_family(Origin::Login);
            let lifetime = Duration::from_secs(setup.lifetime);
            let credentials = ledger.issue(family, now, lifetime);
            let credentials = credentials.with_expires_at(now.wall + lifetime);
            store.look(|shelf| shelf.change(Some(credentials))).unwrap();
            ledger.families[family].written = ledger.next();
            ledger.content = store.look(|shelf| shelf.load());
        }
        let (setup, members, now) = (setup.clone(), Vec::new(), Duration::ZERO);
        let mut fleet = Self { setup, ledger, wall, provider, store, now, members, lives: 0 };
        for process in 0..fleet.setup.processes {
            let member = fleet.born(process);
            fleet.members.push(member);
        }
        fleet
    }

    fn born(&mut self, process: u8) -> Member {
        self.lives += 1;
        let life = Life { process, life: self.lives };
        Member::new(life, (&self.provider, &self.store, &self.ledger), &self.wall, self.now)
    }

    fn take(&mut self, step: &Step) {
        let place = |process: u8| usize::from(process % self.setup.processes);
        match *step {
            Step::Get(process) => self.call(place(process), Call::Get),
            Step::Refresh(process) => self.call(place(process), Call::Refresh),
            Step::Unauthorized(process) => self.call(place(process), Call::Unauthorized),
            Step::LogOut(process) => self.call(place(process), Call::LogOut),
            Step::Set(process) => self.call(place(process), Call::Set),
            Step::Kill(process) => self.kill(place(process)),
            Step::KillAfter(process, points) => self.light(place(process), points, Fate::Kill),
            Step::Stop(process) => self.stop(place(process)),
            Step::StopAfter(process, points) => self.light(place(process), points, Fate::Stop),
            Step::GoOn(process) => self.go_on(place(process)),
            Step::Store(process, mode) => {
                let process = process.map(|process| process % self.setup.processes);
                self.store.set_mode(process, mode);
            }
            Step::Provider(mode) => self.provider.set_mode(mode),
            Step::SetBack => {
                self.store.change(|shelf| shelf.set_back());
                self.ledger.lock().set_back(self.store.look(|shelf| shelf.load()));
            }
            Step::Advance(millis) => self.advance(Duration::from_millis(millis)),
            Step::Jump(seconds) => self.wall.jump(seconds < 0, Duration::from_secs(seconds.unsigned_abs())),
        }
        self.settle();
    }

    fn call(&mut self, place: usize, call: Call) {
        if !self.is_stopped(place) {
            self.members[place].call(call, &self.provider);
        }
    }

    fn is_stopped(&self, place: usize) -> bool {
        self.ledger.lock().known(self.members[place].life).is_stopped
    }

    fn light(&mut self, place: usize, points: u8, fate: Fate) {
        self.ledger.lock().light(self.members[place].life, points, fate);
    }

    fn kill(&mut self, place: usize) {
        let process = self.members[place].life.process;
        let successor = self.born(process);
        let dead = std::mem::replace(&mut self.members[place], successor);
        self.ledger.lock().killed(dead.life);
        dead.kill();
        self.store.change(|shelf| shelf.go_on(Process(process)));
    }

    fn stop(&mut self, place: usize) {
        let life = self.members[place].life;
        self.ledger.lock().stopped(life, true);
        self.store.change(|shelf| shelf.stop(Process(life.process)));
    }

    fn go_on(&mut self, place: usize) {
        if !self.is_stopped(place) {
            return;
        }
        let life = self.members[place].life;
        self.ledger.lock().stopped(life, false);
        self.store.change(|shelf| shelf.go_on(Process(life.process)));
        self.members[place].go_on(self.now);
    }

    fn moves(&self) -> u64 {
        self.ledger.lock().moves
    }

    /// What has to happen to a process happens.
    fn fates(&mut self) {
        for place in 0..self.members.len() {
            let fate = self.ledger.lock().known(self.members[place].life).fate;
            match fate {
                Some(Fate::Kill) => self.kill(place),
                Some(Fate::Stop) => self.stop(place),
                None => {}
            }
        }
    }

    /// Lets everything run that needs no time.
    fn settle(&mut self) {
        loop {
            let before = self.moves();
            self.provider.work(self.now);
            for place in 0..self.members.len() {
                if !self.is_stopped(place) {
                    self.members[place].settle();
                }
                self.fates();
            }
            if self.moves() == before {
                return;
            }
        }
    }

    fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        let mut turn = SHORT;
        while self.now < end {
            let before = self.moves();
            let is_idle = |place: usize| self.is_stopped(place) || self.members[place].is_idle();
            let all_idle = (0..self.members.len()).all(is_idle);
            let until = if all_idle { end } else { end.min(self.now + turn) };
            self.now = self.provider.next().map_or(until, |next| until.min(next.max(self.now)));
            for place in 0..self.members.len() {
                if !self.is_stopped(place) {
                    self.members[place].run_until(self.now);
                    self.fates();
                }
            }
            self.settle();
            turn = if self.moves() == before { LONG.min(turn * 2) } else { SHORT };
        }
    }

    /// All faults are over. Everybody gets a token that is good, and it is the same.
    fn calm_down(&mut self) {
        self.ledger.lock().calm();
        self.store.set_mode(None, StoreMode::Works);
        self.provider.set_mode(ProviderMode::Works);
        for place in 0..self.members.len() {
            self.go_on(place);
        }
        // Longer than the longest back-off, and than any token lasts.
        self.settle();
        self.advance(Duration::from_secs(700));
        if self.members.iter().any(Member::waits) {
            self.ledger.lock().breaks("R7: somebody waits for ever".into());
        }
        // The first round may end with what was in the air, or with a log-out that nobody has seen.
        for _ in 0..2 {
            self.everybody_asks();
            self.advance(Duration::from_secs(700));
        }
        self.everybody_asks();
        self.check_end();
        self.ledger.lock().check_orphans();
    }

    fn everybody_asks(&mut self) {
        for place in 0..self.members.len() {
            self.members[place].last.result.lock().unwrap().take();
            self.call(place, Call::Get);
        }
        self.settle();
        self.advance(Duration::from_secs(60));
    }

    fn check_end(&mut self) {
        let entry = self.store.look(|shelf| shelf.load());
        let stored = entry.as_ref().and_then(|entry| entry.credentials()).cloned();
        let ledger = &mut *self.ledger.lock();
        let is_live = stored.as_ref().is_some_and(|stored| ledger.is_live(stored));
        for member in &self.members {
            let result = member.last.result.lock().unwrap().clone();
            match &result {
                Some(Ok(given)) if !same(Some(given), stored.as_ref()) => {
                    ledger.breaks(format!("R52: {:?} has {given:?}, the store {stored:?}", member.life));
                }
                Some(Ok(_)) => {}
                _ if member.login_required() && !self.setup.login && !is_live => {}
                Some(Err(error)) => {
                    let kind = error.kind();
                    ledger.breaks(format!("F22: all is well, and {:?} gets {kind:?}: {error}", member.life));
                }
                None => ledger.breaks(format!("R7: {:?} gets nothing", member.life)),
            }
        }
    }

    fn broken(&self) -> Vec<String> {
        let ledger = self.ledger.lock();
        match ledger.broken.is_empty() {
            true => Vec::new(),
            false => ledger.broken.iter().chain(&ledger.log).cloned().collect(),
        }
    }
}

fn same(one: Option<&Credentials>, other: Option<&Credentials>) -> bool {
    one.map(Credentials::access_token) == other.map(Credentials::access_token)
}

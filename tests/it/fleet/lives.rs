//! The processes: who was killed, stopped or logged out.

use std::collections::BTreeSet;

use super::ledger::Ledger;

/// A process from its start to its end. `life` tells it from the one before it in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life {
    pub process: u8,
    pub life: u32,
}

/// What is known of a life.
#[derive(Default)]
pub struct Known {
    pub is_killed: bool,
    /// When it was stopped last.
    pub stopped: u64,
    pub is_stopped: bool,
    /// How many points it may still reach, and what happens then.
    pub fuse: Option<(u8, Fate)>,
    /// What has to happen to it now.
    pub fate: Option<Fate>,
    /// When it last read the store, and when a call of the store last failed.
    pub read: u64,
    pub trouble: u64,
    /// When it last wrote that an exchange is open.
    pub noted: u64,
    /// It has logged out, and has not written anything since.
    pub has_to_forget: bool,
    /// When it logged out, or its program set credentials, last.
    pub own_change: u64,
    pub logged_out: u64,
    /// The families that it has issued, read or written.
    pub seen: BTreeSet<usize>,
    /// The families of which nothing may be handed out here any more.
    pub ended: BTreeSet<usize>,
    /// Those that were in the store when it logged out, and that it had not seen. Its log-out ends them if it is written.
    pub may_end: BTreeSet<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Kill,
    Stop,
}

impl Ledger {
    pub fn known(&mut self, life: Life) -> &mut Known {
        self.lives.entry(life).or_default()
    }

    /// Returns whether the process goes on from here.
    pub fn reaches_point(&mut self, life: Life) -> bool {
        let known = self.known(life);
        match known.fuse {
            Some((0, fate)) => {
                known.fuse = None;
                known.fate = Some(fate);
                false
            }
            Some((left, fate)) => {
                known.fuse = Some((left - 1, fate));
                true
            }
            None => true,
        }
    }

    pub fn may_go_on(&mut self, life: Life) -> bool {
        let known = self.known(life);
        known.fate.is_none() && !known.is_stopped
    }

    pub fn light(&mut self, life: Life, points: u8, fate: Fate) {
        self.known(life).fuse = Some((points, fate));
    }

    /// Nobody is killed or stopped from here on.
    pub fn calm(&mut self) {
        self.note("--- all is well".into());
        self.lives.values_mut().for_each(|known| known.fuse = None);
    }

    pub fn killed(&mut self, life: Life) {
        self.note(format!("{life:?} is killed"));
        self.known(life).is_killed = true;
    }

    pub fn stopped(&mut self, life: Life, is_stopped: bool) {
        self.note(format!("{life:?} stands still: {is_stopped}"));
        let order = self.next();
        let known = self.known(life);
        known.is_stopped = is_stopped;
        known.fate = None;
        known.stopped = order;
    }

    /// The process logs out, or its program sets credentials.
    pub fn changes(&mut self, life: Life, logs_out: bool) {
        let order = self.next();
        let written = (0..self.families.len()).filter(|family| self.families[*family].written > 0);
        let written: BTreeSet<usize> = written.collect();
        let known = self.known(life);
        known.own_change = order;
        if logs_out {
            known.logged_out = order;
            known.has_to_forget = true;
            known.ended = known.seen.clone();
            known.may_end = written.difference(&known.seen).copied().collect();
        }
    }
}

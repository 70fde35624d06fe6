//! The store that the processes of a scenario share: what it holds, and who has the guard. It takes no time here; the runners
//! say when a call happens and how it ends.

use std::collections::BTreeSet;

use super::api::{Credentials, Entry, GuardRequest, Replaced, Version};
use super::expect::Stored;
use super::form::Process;
use super::scenario::Store;
use super::translate::{credentials_of, next_entry, stored_of};

#[derive(Default)]
pub(crate) struct Shelf {
    holds: Option<Entry>,
    /// What it held before the last write of credentials or of a log-out.
    before: Option<Entry>,
    guard_lapses: bool,
    /// Who wants the guard, in the order in which they came.
    queue: Vec<Ticket>,
    /// Who has it.
    guard: Option<Ticket>,
    /// The writes that nobody waits for any more. They may still be carried out.
    left_open: Vec<(Process, Write)>,
    /// The processes that stand still.
    stopped: BTreeSet<Process>,
    tickets: u64,
}

/// A write of a process: over this version, over nothing, or over whatever is there.
#[derive(Clone)]
pub(crate) struct Write {
    pub(crate) over: Option<Option<Version>>,
    pub(crate) entry: Entry,
}

/// Somebody who wants the guard, or has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    process: Process,
    number: u64,
}

impl Shelf {
    pub(crate) fn new(store: &Store) -> Result<Self, String> {
        let holds = store.holds.as_ref().map(credentials_of).transpose()?.map(Entry::new);
        Ok(Self { holds, guard_lapses: store.guard_lapses, ..Self::default() })
    }

    pub(crate) fn load(&self) -> Option<Entry> {
        self.holds.clone()
    }

    pub(crate) fn stored(&self) -> Option<Stored> {
        self.holds.as_ref()?.credentials().map(stored_of)
    }

    /// Writes, if the store holds what the write names.
    pub(crate) fn write(&mut self, process: Process, write: &Write) -> Replaced {
        if !self.is_over(write) {
            return Replaced::No(self.holds.clone());
        }
        if self.put(&write.entry) && self.guard_lapses {
            // A save may give the guard back. If the guard can't lapse, only its holder does.
            self.guard.take_if(|guard| guard.process == process);
        }
        Replaced::Yes
    }

    fn is_over(&self, write: &Write) -> bool {
        write.over.as_ref().is_none_or(|over| over.as_ref() == self.holds.as_ref().map(Entry::version))
    }

    /// Returns whether this is more than a note.
    fn put(&mut self, entry: &Entry) -> bool {
        let is_note = self.holds.as_ref().is_some_and(|holds| holds.version() == entry.version());
        let before = self.holds.replace(entry.clone());
        if !is_note {
            self.before = before;
        }
        !is_note
    }

    /// The process does not wait for this write any more, which has not been carried out yet.
    pub(crate) fn leave_open(&mut self, process: Process, write: Write) {
        self.left_open.push((process, write));
    }

    /// Carries out the last write that the process has left open. Nobody hears of it.
    pub(crate) fn land(&mut self, process: Process) -> Result<(), String> {
        let last = self.left_open.iter().rposition(|(whose, _)| *whose == process);
        let (_, write) = self.left_open.remove(last.ok_or("the process has left no write open")?);
        if self.is_over(&write) {
            self.put(&write.entry);
        }
        Ok(())
    }

    /// Puts somebody at the end of the queue for the guard.
    pub(crate) fn want_guard(&mut self, process: Process) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket { process, number: self.tickets };
        self.queue.push(ticket);
        ticket
    }

    /// Takes the guard if nobody has it, and nobody who runs was there before. Returns what is found under it, and whether the
    /// note of the open exchange was written.
    pub(crate) fn take_guard(
        &mut self,
        ticket: Ticket,
        request: &GuardRequest,
    ) -> Option<(Option<Entry>, bool)> {
        let runs = |other: &&Ticket| !self.stopped.contains(&other.process);
        let is_next = self.queue.iter().find(runs) == Some(&ticket);
        if self.guard.is_some() || !is_next {
            return None;
        }
        self.queue.retain(|other| *other != ticket);
        self.guard = Some(ticket);
        let found = self.holds.clone();
        let note = request.entry_to_write(found.as_ref());
        let is_written = note.is_some();
        if let Some(note) = note {
            self.put(&note);
        }
        Some((found, is_written))
    }

    pub(crate) fn guard_lapses(&self) -> bool {
        self.guard_lapses
    }

    pub(crate) fn has_guard(&self, ticket: Ticket) -> bool {
        self.guard == Some(ticket)
    }

    pub(crate) fn guarded_by(&self) -> Option<Process> {
        self.guard.map(|guard| guard.process)
    }

    /// Gives the guard back, or leaves the queue.
    pub(crate) fn give_back(&mut self, ticket: Ticket) {
        self.queue.retain(|other| *other != ticket);
        self.guard.take_if(|guard| *guard == ticket);
    }

    /// A process stands still. It may lose the guard.
    pub(crate) fn stop(&mut self, process: Process) {
        self.stopped.insert(process);
        if self.guard_lapses {
            self.guard.take_if(|guard| guard.process == process);
        }
    }

    /// It goes on, or it is gone.
    pub(crate) fn go_on(&mut self, process: Process) {
        self.stopped.remove(&process);
    }

    /// A process that is not one of the scenario's writes, or the content is lost.
    pub(crate) fn change(&mut self, holds: Option<Credentials>) -> Result<(), String> {
        let holds = holds.map(|holds| next_entry(self.holds.as_ref(), holds)).transpose()?;
        self.before = std::mem::replace(&mut self.holds, holds);
        Ok(())
    }

    pub(crate) fn set_back(&mut self) {
        self.holds = self.before.clone();
    }
}

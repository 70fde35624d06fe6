//! A guard that was taken: what was read under it, and the proof that the file can be written.

use std::fs;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OwnedMutexGuard;

use super::holder;
use super::lock::FileLock;
use super::paths::Paths;
use super::read::{self, Found};
use super::shared::Shared;
use super::write::Draft;
use crate::error::Error;
use crate::store::{Entry, Guard, GuardError, GuardRequest};

/// A guard that was taken. When it is dropped, it is given back by the thread for files, after the writes that are under way.
pub(super) struct Taken {
    shared: Arc<Shared>,
    paths: Arc<Paths>,
    /// `None` after it was given back.
    held: Option<Held>,
    found: Result<Option<Entry>, Error>,
    written: Option<Entry>,
    is_handed_over: bool,
}

/// The lock and the turn of this process, in the order in which they are given back.
pub(super) struct Held {
    lock: FileLock,
    _turn: OwnedMutexGuard<()>,
}

impl Held {
    pub(super) fn new(lock: FileLock, turn: OwnedMutexGuard<()>) -> Self {
        Self { lock, _turn: turn }
    }
}

impl Taken {
    pub(super) fn new(shared: Arc<Shared>, paths: Arc<Paths>, held: Held) -> Self {
        Self { shared, paths, held: Some(held), found: Ok(None), written: None, is_handed_over: false }
    }

    /// Reads the file, and writes what the request asks for.
    pub(super) fn enter(
        mut self,
        request: &GuardRequest,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<Self, GuardError> {
        if let Some(held) = &self.held {
            holder::write(held.lock.file(), request.holder());
        }
        let _lock = FileLock::wait_for_write(&self.paths, is_wanted).map_err(GuardError::Unreachable)?;
        // With both locks, nobody else has a temporary file. If this fails, the next one does it.
        let _ = self.paths.delete_temporaries();
        self.found = read::load_locked(&self.paths);
        let entry = self.found.as_ref().ok().and_then(|found| request.entry_to_write(found.as_ref()));
        if let Some(entry) = entry {
            self.prove(&entry, is_wanted).map_err(GuardError::NotWritable)?;
            self.written = Some(entry);
        }
        Ok(self)
    }

    /// Finds out everything that the write after the exchange could meet: a disk that is full or read-only, or a file that can't
    /// be replaced. The room comes first, so that a failure leaves the credentials file as it was.
    fn prove(&self, entry: &Entry, is_wanted: &dyn Fn() -> bool) -> Result<(), Error> {
        let room = Draft::with_room_for(entry, &self.paths)?;
        Draft::new(&self.paths)?.put(entry, &self.paths, is_wanted)?;
        self.shared.keep_room(room);
        Ok(())
    }

    /// From now on the caller decides what becomes of the entry.
    pub(super) fn hand_over(mut self) -> Guard {
        self.is_handed_over = true;
        let guard = Guard::new(mem::replace(&mut self.found, Ok(None))).cannot_lapse();
        let guard = if self.written.is_some() { guard.written() } else { guard };
        guard.on_release(move || drop(self))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        let (shared, paths) = (self.shared.clone(), self.paths.clone());
        let undo = self.written.take().filter(|_| !self.is_handed_over);
        let found = mem::replace(&mut self.found, Ok(None));
        let release = move || {
            if let (Some(written), Ok(found)) = (undo, found) {
                let _ = take_back(&shared, &paths, &written, found.as_ref());
            }
            drop(shared.take_room());
            drop(held);
        };
        // If there is no thread, the lock is dropped with the job.
        let _ = self.shared.files.start(Box::new(release));
    }
}

/// Puts back what was there before the proof. The caller has given up, so no exchange is open.
fn take_back(shared: &Shared, paths: &Paths, written: &Entry, found: Option<&Entry>) -> Result<(), Error> {
    const LIMIT: Duration = Duration::from_secs(2);
    let start = Instant::now();
    let _lock = FileLock::wait_for_write(paths, &|| start.elapsed() < LIMIT)?;
    let Found::Entry(entry, _) = read::look(paths)? else { return Ok(()) };
    if entry.expose_text() != written.expose_text() {
        return Ok(());
    }
    match found {
        Some(found) => shared.take_room().map_or_else(|| Draft::new(paths), Ok)?.put(found, paths, &|| true),
        None => {
            let _ = fs::remove_file(paths.entry());
            Ok(())
        }
    }
}

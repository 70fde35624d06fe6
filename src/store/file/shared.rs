//! What the clones of a store share: the place, the two threads, and the room for the next write.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::lock::FileLock;
use super::paths::Paths;
use super::place::Place;
use super::read;
use super::worker::Worker;
use super::write::{Draft, settle};
use crate::error::Error;
use crate::store::{Entry, Replaced, Version};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) place: Place,
    paths: OnceLock<Arc<Paths>>,
    /// Reads and writes, in order.
    pub(super) files: Worker,
    /// Waits for the guard, which may take long.
    pub(super) waiter: Worker,
    /// One turn at a time waits for the guard or has it, so that a process that stands still costs others one thread each.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
    /// For the write that ends the turn.
    room: Mutex<Option<Draft>>,
}

/// The work of the thread for files. It may block.
impl Shared {
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            paths: OnceLock::new(),
            files: Worker::new("reauth-file"),
            waiter: Worker::new("reauth-guard"),
            turn: Arc::default(),
            room: Mutex::default(),
        }
    }

    /// Finds the directory, and creates it if it is missing. Once found, it stays the same: the guard and the write after it
    /// have to be in one place.
    pub(super) fn paths(&self) -> Result<Arc<Paths>, Error> {
        match self.find(true)? {
            Some(paths) => Ok(paths),
            None => Err(Error::store("the directory of the credentials file was deleted; try again")),
        }
    }

    fn find(&self, create: bool) -> Result<Option<Arc<Paths>>, Error> {
        if let Some(paths) = self.paths.get() {
            return Ok(Some(paths.clone()));
        }
        let found = Paths::resolve(&self.place.path()?, create)?;
        Ok(found.map(|paths| self.paths.get_or_init(|| Arc::new(paths)).clone()))
    }

    /// `None` before anything was written, as long as there is no directory.
    pub(super) fn found_paths(&self) -> Result<Option<Arc<Paths>>, Error> {
        self.find(false)
    }

    pub(super) fn load(&self, is_wanted: &dyn Fn() -> bool) -> Result<Option<Entry>, Error> {
        match self.found_paths()? {
            Some(paths) => read::load(&paths, is_wanted),
            None => Ok(None),
        }
    }

    pub(super) fn save(&self, entry: &Entry, is_wanted: &dyn Fn() -> bool) -> Result<(), Error> {
        let paths = self.paths()?;
        let _lock = FileLock::wait_for_write(&paths, is_wanted)?;
        Draft::new(&paths)?.put(entry, &paths, is_wanted)
    }

    pub(super) fn replace(
        &self,
        expected: Option<&Version>,
        entry: &Entry,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<Replaced, Error> {
        let paths = self.paths()?;
        let _lock = FileLock::wait_for_write(&paths, is_wanted)?;
        let found = read::found_or_set_aside(&paths)?;
        let version = found.as_ref().map(Entry::version);
        if version == expected {
            self.put(entry, expected, &paths, is_wanted)?;
        } else if version == Some(entry.version()) {
            // An earlier attempt was reported as failed, and had come as far as the rename.
            settle(&paths)?;
        } else {
            return Ok(Replaced::No(found));
        }
        Ok(Replaced::Yes)
    }

    /// Writes into the room that was kept for it, if this is the write that ends the turn. The room is kept after an error.
    fn put(
        &self,
        entry: &Entry,
        expected: Option<&Version>,
        paths: &Paths,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        let is_last = Some(entry.version()) != expected;
        let Some(mut draft) = is_last.then(|| self.take_room()).flatten() else {
            return Draft::new(paths)?.put(entry, paths, is_wanted);
        };
        let put = draft.put(entry, paths, is_wanted);
        if !draft.is_put() {
            self.keep_room(draft);
        }
        put
    }

    pub(super) fn keep_room(&self, draft: Draft) {
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = Some(draft);
    }

    pub(super) fn take_room(&self) -> Option<Draft> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

//! The store that the processes share. Each call has three points at which its process may be killed or stopped: before it
//! is carried out, right after that, and when it returns.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reauth::Error;
use reauth::store::{CredentialStore, Entry, Guard, GuardError, GuardRequest, Replaced, Version};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::ledger::SharedLedger;
use super::lives::Life;
use super::program::StoreMode;
use crate::conformance::{Process, Shelf, Store, Ticket, Write};

#[derive(Clone)]
pub struct SharedStore(Arc<Shared>);

struct Shared {
    shelf: Mutex<Shelf>,
    changed: Notify,
    latency: Duration,
    modes: Mutex<[StoreMode; 4]>,
    ledger: SharedLedger,
}

impl SharedStore {
    pub fn new(ledger: SharedLedger, lapses: bool, latency: u64) -> Self {
        let shelf = Shelf::new(&Store { holds: None, guard_lapses: lapses }).unwrap();
        Self(Arc::new(Shared {
            shelf: Mutex::new(shelf),
            changed: Notify::new(),
            latency: Duration::from_millis(latency),
            modes: Mutex::new([StoreMode::Works; 4]),
            ledger,
        }))
    }

    pub fn of(&self, life: Life) -> ProcessStore {
        ProcessStore { shared: self.clone(), life }
    }

    pub fn set_mode(&self, process: Option<u8>, mode: StoreMode) {
        let mut modes = self.0.modes.lock().unwrap();
        match process {
            Some(process) => modes[usize::from(process)] = mode,
            None => *modes = [mode; 4],
        }
    }

    pub fn look<T>(&self, look: impl FnOnce(&mut Shelf) -> T) -> T {
        look(&mut self.0.shelf.lock().unwrap())
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut Shelf) -> T) -> T {
        let changed = self.look(change);
        self.0.ledger.lock().moves += 1;
        self.0.changed.notify_waiters();
        changed
    }

    async fn until<T>(&self, mut look: impl FnMut(&mut Shelf) -> Option<T>) -> T {
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            changed.as_mut().enable();
            if let Some(found) = self.look(&mut look) {
                return found;
            }
            changed.await;
        }
    }
}

/// The store from the side of one process.
#[derive(Clone)]
pub struct ProcessStore {
    shared: SharedStore,
    life: Life,
}

impl ProcessStore {
    fn process(&self) -> Process {
        Process(self.life.process)
    }

    /// A call is carried out, or fails, as the mode says.
    async fn call<T>(&self, writes: bool, effect: impl FnOnce(&SharedStore) -> T) -> Result<T, Error> {
        self.point().await;
        sleep_for(self.shared.0.latency).await;
        let mode = self.shared.0.modes.lock().unwrap()[usize::from(self.life.process)];
        if mode != StoreMode::Works {
            self.trouble();
        }
        match mode {
            StoreMode::Works => {}
            StoreMode::Fails => return Err(Error::store("the store fails")),
            StoreMode::ReadOnly if writes => return Err(Error::store("the store is read-only")),
            StoreMode::ReadOnly => {}
            StoreMode::FailsAfter => {
                effect(&self.shared);
                return Err(Error::store("the store fails afterwards"));
            }
            StoreMode::Hangs => pending().await,
        }
        let result = effect(&self.shared);
        self.point().await;
        sleep_for(self.shared.0.latency).await;
        self.point().await;
        Ok(result)
    }

    async fn point(&self) {
        self.shared.0.ledger.point(self.life).await;
    }

    /// A call is about to fail.
    fn trouble(&self) {
        self.shared.0.ledger.lock().trouble(self.life);
    }

    fn write(&self, store: &SharedStore, entry: &Entry, expected: Option<Option<&Version>>) -> Replaced {
        store.change(|shelf| {
            let before = shelf.load();
            let write = Write { over: expected.map(Option::<&Version>::cloned), entry: entry.clone() };
            let replaced = shelf.write(self.process(), &write);
            if matches!(replaced, Replaced::No(_)) {
                self.shared.0.ledger.lock().looks(self.life);
            } else {
                self.shared.0.ledger.lock().written(self.life, before.as_ref(), entry);
            }
            replaced
        })
    }
}

async fn sleep_for(latency: Duration) {
    if !latency.is_zero() {
        sleep(latency).await;
    }
}

impl CredentialStore for ProcessStore {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        let found = self
            .call(false, |store| {
                store.0.ledger.lock().looks(self.life);
                store.look(|shelf| shelf.load())
            })
            .await?;
        self.shared.0.ledger.lock().read(self.life, found.as_ref());
        Ok(found)
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        self.call(true, |store| self.write(store, entry, None)).await.map(drop)
    }

    async fn replace(&self, expected: Option<&Version>, entry: &Entry) -> Result<Replaced, Error> {
        let replaced = self.call(true, |store| self.write(store, entry, Some(expected))).await?;
        // What a note meets is seen at the next refresh.
        let is_note = expected == Some(entry.version());
        if let (Replaced::No(found), false) = (&replaced, is_note) {
            self.shared.0.ledger.lock().read(self.life, found.as_ref());
        }
        Ok(replaced)
    }

    async fn guard(&self, request: &GuardRequest) -> Result<Guard, GuardError> {
        self.point().await;
        let mode = self.shared.0.modes.lock().unwrap()[usize::from(self.life.process)];
        if mode != StoreMode::Works {
            self.trouble();
        }
        match mode {
            StoreMode::Fails | StoreMode::FailsAfter => {
                return Err(GuardError::Unreachable(Error::store("the store fails")));
            }
            StoreMode::ReadOnly => {
                return Err(GuardError::NotWritable(Error::store("the store is read-only")));
            }
            StoreMode::Hangs => {
                sleep(request.call_limit()).await;
                return Err(GuardError::Unreachable(Error::store("the store hangs")));
            }
            StoreMode::Works => {}
        }
        let ticket = self.shared.look(|shelf| shelf.want_guard(self.process()));
        let taken = Taken { shared: self.shared.clone(), ticket };
        let take = self.shared.until(|shelf| shelf.take_guard(ticket, request));
        let (found, is_written) = timeout(request.limit(), take).await.map_err(|_| GuardError::Held(None))?;
        self.shared.0.ledger.lock().looks(self.life);
        if let Some(note) = request.entry_to_write(found.as_ref()).filter(|_| is_written) {
            self.shared.0.ledger.lock().written(self.life, found.as_ref(), &note);
        }
        self.point().await;
        sleep_for(self.shared.0.latency).await;
        self.point().await;
        self.shared.0.ledger.lock().read(self.life, found.as_ref());
        let guard = Guard::new(Ok(found));
        let guard = if is_written { guard.written() } else { guard };
        let shared = self.shared.clone();
        let guard = match shared.look(|shelf| shelf.guard_lapses()) {
            true => guard.with_lease(move || match shared.look(|shelf| shelf.has_guard(ticket)) {
                true => Duration::from_secs(3600),
                false => Duration::ZERO,
            }),
            false => guard.cannot_lapse(),
        };
        Ok(guard.on_release(move || drop(taken)))
    }
}

/// The guard, or a place in the queue for it.
struct Taken {
    shared: SharedStore,
    ticket: Ticket,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.shared.change(|shelf| shelf.give_back(self.ticket));
    }
}

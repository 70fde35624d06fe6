//! The store of a scenario: it works, fails, hangs or panics as the scenario says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reauth::store::{CredentialStore, Entry, Guard, GuardError, GuardRequest, Replaced, Version};
use reauth::{Credentials, Error};
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use super::suite::{Call, Manner, Operation, Process, Seen, Shelf, Store, Stored, Ticket, Write, call_of};

/// The store that all processes share.
#[derive(Clone)]
pub struct SharedStore(Arc<Shared>);

struct Shared {
    shelf: Mutex<Shelf>,
    changed: Notify,
    moves: Mutex<u64>,
}

impl SharedStore {
    pub fn new(store: &Store) -> Result<Self, String> {
        let shelf = Mutex::new(Shelf::new(store)?);
        Ok(Self(Arc::new(Shared { shelf, changed: Notify::new(), moves: Mutex::default() })))
    }

    /// The store from the side of a process.
    pub fn of(&self, process: Process) -> ScenarioStore {
        ScenarioStore { process, shared: self.clone(), own: Arc::default(), seen: Arc::default() }
    }

    /// Counts what may let another process go on.
    pub fn moves(&self) -> u64 {
        *self.0.moves.lock().unwrap()
    }

    pub fn stored(&self) -> Option<Stored> {
        self.look(|shelf| shelf.stored())
    }

    pub fn guarded_by(&self) -> Option<Process> {
        self.look(|shelf| shelf.guarded_by())
    }

    /// A write that the process has left open is carried out.
    pub fn land(&self, process: Process) -> Result<(), String> {
        self.change(|shelf| shelf.land(process))
    }

    /// A process that is not one of the scenario's writes.
    pub fn put(&self, holds: Option<Credentials>) -> Result<(), String> {
        self.change(|shelf| shelf.change(holds))
    }

    pub fn set_back(&self) {
        self.change(Shelf::set_back);
    }

    pub fn stop(&self, process: Process) {
        self.change(|shelf| shelf.stop(process));
    }

    pub fn go_on(&self, process: Process) {
        self.change(|shelf| shelf.go_on(process));
    }

    fn look<T>(&self, look: impl FnOnce(&mut Shelf) -> T) -> T {
        look(&mut self.0.shelf.lock().unwrap())
    }

    fn change<T>(&self, change: impl FnOnce(&mut Shelf) -> T) -> T {
        let changed = self.look(change);
        *self.0.moves.lock().unwrap() += 1;
        self.0.changed.notify_waiters();
        changed
    }

    /// Waits until there is something.
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
pub struct ScenarioStore {
    process: Process,
    shared: SharedStore,
    own: Arc<Mutex<Own>>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Own {
    manners: Vec<(Operation, Manner)>,
    /// The calls that hang, including those that were given up.
    open: Vec<oneshot::Sender<()>>,
    /// A call for the guard is under way. The client may read the store meanwhile, as often as it wants.
    is_waited_for: bool,
}

impl ScenarioStore {
    pub fn seen(&self) -> Arc<Mutex<Seen>> {
        self.seen.clone()
    }

    pub fn behave(&self, operation: Operation, manner: Manner) {
        let mut own = self.own.lock().unwrap();
        own.manners.retain(|(known, _)| *known != operation);
        own.manners.push((operation, manner));
    }

    /// The call that hangs continues.
    pub fn respond(&self) -> Result<(), String> {
        let mut own = self.own.lock().unwrap();
        let call = own.open.iter().position(|call| !call.is_closed()).ok_or("the store was not called")?;
        own.open.remove(call).send(()).map_err(|()| "the call was given up".to_owned())
    }

    async fn write(&self, write: Write) -> Result<Replaced, Error> {
        let expected = write.over.as_ref().and_then(Option::as_ref);
        let (operation, call) = call_of(expected, &write.entry);
        self.called(operation, call, Some(&write)).await?;
        Ok(self.shared.change(|shelf| shelf.write(self.process, &write)))
    }

    async fn called(&self, operation: Operation, call: Call, write: Option<&Write>) -> Result<Manner, Error> {
        let (manner, hangs) = {
            let mut own = self.own.lock().unwrap();
            if call != Call::Load || !own.is_waited_for {
                self.seen.lock().unwrap().calls.push(call);
            }
            let manner = own.manners.iter().find(|(known, _)| *known == operation);
            let manner = manner.map_or(Manner::Works, |(_, manner)| *manner);
            let (sender, hangs) = oneshot::channel();
            match manner {
                Manner::Works | Manner::Held | Manner::ReadOnly => return Ok(manner),
                Manner::Fails => return Err(Error::store("the scenario's store fails")),
                Manner::Hangs => own.open.push(sender),
                Manner::Panics => {}
            }
            (manner, hangs)
        };
        assert!(manner == Manner::Hangs, "the store panics, as the scenario says");
        let mut open = OpenWrite { store: self, write };
        hangs.await.expect("the scenario keeps what hangs");
        open.write = None;
        Ok(Manner::Works)
    }
}

impl CredentialStore for ScenarioStore {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.called(Operation::Load, Call::Load, None).await?;
        Ok(self.shared.look(|shelf| shelf.load()))
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        self.write(Write { over: None, entry: entry.clone() }).await.map(drop)
    }

    async fn replace(&self, expected: Option<&Version>, entry: &Entry) -> Result<Replaced, Error> {
        self.write(Write { over: Some(expected.cloned()), entry: entry.clone() }).await
    }

    async fn guard(&self, request: &GuardRequest) -> Result<Guard, GuardError> {
        let _waiting = Waiting::start(&self.own);
        let called = timeout(request.call_limit(), self.called(Operation::Guard, Call::Guard, None)).await;
        let called = called.unwrap_or_else(|_| Err(Error::store("the scenario's store hangs")));
        match called.map_err(GuardError::Unreachable)? {
            Manner::Held => return Err(GuardError::Held(None)),
            Manner::ReadOnly => return Err(GuardError::NotWritable(Error::store("the store is read-only"))),
            _ => {}
        }
        let ticket = self.shared.look(|shelf| shelf.want_guard(self.process));
        let taken = Taken { shared: self.shared.clone(), ticket };
        let guard =
            timeout(request.limit(), self.shared.until(|shelf| shelf.take_guard(ticket, request))).await;
        let (found, is_written) = guard.map_err(|_| GuardError::Held(None))?;
        let guard = Guard::new(Ok(found));
        let guard = if is_written { guard.written() } else { guard };
        let shared = self.shared.clone();
        let guard = match shared.look(|shelf| shelf.guard_lapses()) {
            true => guard.with_lease(move || match shared.look(|shelf| shelf.has_guard(ticket)) {
                true => LEASE,
                false => Duration::ZERO,
            }),
            false => guard.cannot_lapse(),
        };
        Ok(guard.on_release(move || drop(taken)))
    }

    async fn changed(&self, seen: Option<&Version>) {
        let is_new = |shelf: &mut Shelf| shelf.load().as_ref().map(Entry::version) != seen;
        self.shared.until(|shelf| is_new(shelf).then_some(())).await;
    }
}

/// A write that hangs. If this is dropped before it is carried out, it is left open.
struct OpenWrite<'a> {
    store: &'a ScenarioStore,
    write: Option<&'a Write>,
}

impl Drop for OpenWrite<'_> {
    fn drop(&mut self) {
        if let Some(write) = self.write.take() {
            self.store.shared.look(|shelf| shelf.leave_open(self.store.process, write.clone()));
        }
    }
}

/// More than any request takes.
const LEASE: Duration = Duration::from_secs(3600);

/// The guard, or a place in the queue for it. It ends when this is dropped.
struct Taken {
    shared: SharedStore,
    ticket: Ticket,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.shared.change(|shelf| shelf.give_back(self.ticket));
    }
}

struct Waiting<'a>(&'a Mutex<Own>);

impl<'a> Waiting<'a> {
    fn start(own: &'a Mutex<Own>) -> Self {
        own.lock().unwrap().is_waited_for = true;
        Self(own)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Ok(mut own) = self.0.lock() {
            own.is_waited_for = false;
        }
    }
}

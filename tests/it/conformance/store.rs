//! The store of a scenario: it works, fails, hangs or panics as the scenario says.

use std::sync::{Arc, Mutex};

use reauth::store::{CredentialStore, Entry, Guard, GuardError, GuardRequest, Replaced, Version};
use reauth::{Credentials, Error};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::suite::{
    Call, Manner, Operation, Seen, Setup, Stored, call_of, credentials_of, next_entry, stored_of,
};

#[derive(Clone)]
pub struct ScenarioStore {
    inner: Arc<Mutex<Inner>>,
    seen: Arc<Mutex<Seen>>,
}

struct Inner {
    holds: Option<Entry>,
    manners: Vec<(Operation, Manner)>,
    /// The calls that hang, including those that were given up.
    open: Vec<oneshot::Sender<()>>,
    /// A call for the guard is under way. The client may read the store meanwhile, as often as it wants.
    is_waited_for: bool,
}

impl ScenarioStore {
    pub fn of(setup: &Setup, seen: Arc<Mutex<Seen>>) -> Result<Option<Self>, String> {
        let Some(holds) = &setup.store else { return Ok(None) };
        let holds = holds.as_ref().map(credentials_of).transpose()?.map(Entry::new);
        let inner = Inner { holds, manners: Vec::new(), open: Vec::new(), is_waited_for: false };
        Ok(Some(Self { inner: Arc::new(Mutex::new(inner)), seen }))
    }

    /// Another process writes.
    pub fn put(&self, holds: Option<Credentials>) -> Result<(), String> {
        let inner = &mut *self.inner.lock().unwrap();
        inner.holds = holds.map(|holds| next_entry(inner.holds.as_ref(), holds)).transpose()?;
        Ok(())
    }

    pub fn holds(&self) -> Option<Stored> {
        self.inner.lock().unwrap().holds.as_ref()?.credentials().map(stored_of)
    }

    pub fn behave(&self, operation: Operation, manner: Manner) {
        let mut inner = self.inner.lock().unwrap();
        inner.manners.retain(|(known, _)| *known != operation);
        inner.manners.push((operation, manner));
    }

    /// The call that hangs continues.
    pub fn respond(&self) -> Result<(), String> {
        let mut inner = self.inner.lock().unwrap();
        let call = inner.open.iter().position(|call| !call.is_closed()).ok_or("the store was not called")?;
        inner.open.remove(call).send(()).map_err(|()| "the call was given up".to_owned())
    }

    async fn called(&self, operation: Operation, call: Call) -> Result<Manner, Error> {
        let (manner, hangs) = {
            let mut inner = self.inner.lock().unwrap();
            if call != Call::Load || !inner.is_waited_for {
                self.seen.lock().unwrap().calls.push(call);
            }
            let manner = inner.manners.iter().find(|(known, _)| *known == operation);
            let manner = manner.map_or(Manner::Works, |(_, manner)| *manner);
            let (sender, hangs) = oneshot::channel();
            match manner {
                Manner::Works | Manner::Held | Manner::ReadOnly => return Ok(manner),
                Manner::Fails => return Err(Error::store("the scenario's store fails")),
                Manner::Hangs => inner.open.push(sender),
                Manner::Panics => {}
            }
            (manner, hangs)
        };
        assert!(manner == Manner::Hangs, "the store panics, as the scenario says");
        hangs.await.expect("the scenario keeps what hangs");
        Ok(Manner::Works)
    }
}

impl CredentialStore for ScenarioStore {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.called(Operation::Load, Call::Load).await?;
        Ok(self.inner.lock().unwrap().holds.clone())
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        let (operation, call) = call_of(None, entry);
        self.called(operation, call).await?;
        self.inner.lock().unwrap().holds = Some(entry.clone());
        Ok(())
    }

    async fn replace(&self, expected: Option<&Version>, entry: &Entry) -> Result<Replaced, Error> {
        let (operation, call) = call_of(expected, entry);
        self.called(operation, call).await?;
        let holds = &mut self.inner.lock().unwrap().holds;
        if holds.as_ref().map(Entry::version) != expected {
            return Ok(Replaced::No(holds.clone()));
        }
        *holds = Some(entry.clone());
        Ok(Replaced::Yes)
    }

    async fn guard(&self, request: &GuardRequest) -> Result<Guard, GuardError> {
        let _waiting = Waiting::start(&self.inner);
        let called = timeout(request.call_limit(), self.called(Operation::Guard, Call::Guard)).await;
        let called = called.unwrap_or_else(|_| Err(Error::store("the scenario's store hangs")));
        match called.map_err(GuardError::Unreachable)? {
            Manner::Held => return Err(GuardError::Held(None)),
            Manner::ReadOnly => return Err(GuardError::NotWritable(Error::store("the store is read-only"))),
            _ => {}
        }
        let holds = &mut self.inner.lock().unwrap().holds;
        let guard = Guard::new(Ok(holds.clone()));
        Ok(match request.entry_to_write(holds.as_ref()) {
            Some(entry) => {
                *holds = Some(entry);
                guard.written()
            }
            None => guard,
        })
    }
}

struct Waiting<'a>(&'a Mutex<Inner>);

impl<'a> Waiting<'a> {
    fn start(inner: &'a Mutex<Inner>) -> Self {
        inner.lock().unwrap().is_waited_for = true;
        Self(inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Ok(mut inner) = self.0.lock() {
            inner.is_waited_for = false;
        }
    }
}

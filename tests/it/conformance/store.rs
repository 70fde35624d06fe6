//! The store of a scenario: it works, fails, hangs or panics as the scenario says.

use std::sync::{Arc, Mutex};

use reauth::store::CredentialStore;
use reauth::{Credentials, Error};
use tokio::sync::oneshot;

use super::suite::{Call, Manner, Operation, Seen, Setup, Stored, credentials_of, stored_of};

#[derive(Clone)]
pub struct ScenarioStore {
    inner: Arc<Mutex<Inner>>,
    seen: Arc<Mutex<Seen>>,
}

struct Inner {
    holds: Option<Credentials>,
    manners: Vec<(Operation, Manner)>,
    /// The calls that hang, including those that were given up.
    open: Vec<oneshot::Sender<()>>,
}

impl ScenarioStore {
    pub fn of(setup: &Setup, seen: Arc<Mutex<Seen>>) -> Result<Option<Self>, String> {
        let Some(holds) = &setup.store else { return Ok(None) };
        let holds = holds.as_ref().map(credentials_of).transpose()?;
        let inner = Arc::new(Mutex::new(Inner { holds, manners: Vec::new(), open: Vec::new() }));
        Ok(Some(Self { inner, seen }))
    }

    pub fn put(&self, holds: Option<Credentials>) {
        self.inner.lock().unwrap().holds = holds;
    }

    pub fn holds(&self) -> Option<Stored> {
        self.inner.lock().unwrap().holds.as_ref().map(stored_of)
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

    async fn called(&self, operation: Operation, call: Call) -> Result<(), Error> {
        self.seen.lock().unwrap().calls.push(call);
        let hangs = {
            let mut inner = self.inner.lock().unwrap();
            let manner = inner.manners.iter().find(|(known, _)| *known == operation);
            match manner.map_or(Manner::Works, |(_, manner)| *manner) {
                Manner::Works => return Ok(()),
                Manner::Fails => return Err(Error::store("the scenario's store fails")),
                Manner::Hangs => {
                    let (sender, receiver) = oneshot::channel();
                    inner.open.push(sender);
                    Some(receiver)
                }
                Manner::Panics => None,
            }
        };
        let hangs = hangs.unwrap_or_else(|| panic!("the store panics, as the scenario says"));
        hangs.await.expect("the scenario keeps what hangs");
        Ok(())
    }
}

impl CredentialStore for ScenarioStore {
    async fn load(&self) -> Result<Option<Credentials>, Error> {
        self.called(Operation::Load, Call::Load).await?;
        Ok(self.inner.lock().unwrap().holds.clone())
    }

    async fn save(&self, credentials: &Credentials) -> Result<(), Error> {
        self.called(Operation::Save, Call::Save(stored_of(credentials))).await?;
        self.put(Some(credentials.clone()));
        Ok(())
    }

    async fn clear(&self) -> Result<(), Error> {
        self.called(Operation::Clear, Call::Clear).await?;
        self.put(None);
        Ok(())
    }
}

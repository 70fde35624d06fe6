//! The store of a scenario: one call at a time, each in the manner that the scenario says.

use super::outside::{Inner, Outside};
use super::suite::{Call, Manner, Operation, Stored, call_of, next_entry, stored_of};
use crate::cache::Turn;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::machine::{Guarded, Hold, Step, StoreCall, StoreResult};
use crate::store::{Entry, GuardError, Replaced};

pub(super) struct Store {
    holds: Option<Entry>,
    manners: [Manner; 4],
    /// A call is under way.
    is_busy: bool,
    /// The call that hangs is carried out.
    responds: bool,
}

impl Store {
    pub(super) fn new(holds: Option<Credentials>) -> Self {
        Self { holds: holds.map(Entry::new), manners: [Manner::Works; 4], is_busy: false, responds: false }
    }

    /// Carries out a call.
    fn work(&mut self, call: &StoreCall) -> StoreResult {
        match call {
            StoreCall::Load => StoreResult::Loaded(Ok(self.holds.clone())),
            StoreCall::Guard(request) => {
                let found = Ok(self.holds.clone());
                let proof = request.entry_to_write(self.holds.as_ref());
                let is_written = proof.is_some();
                self.holds = proof.or(self.holds.take());
                StoreResult::Guarded(Ok(Guarded { found, is_written, hold: Some(Hold::MayLapse) }))
            }
            StoreCall::Replace(expected, _)
                if self.holds.as_ref().map(Entry::version) != expected.as_ref() =>
            {
                StoreResult::Replaced(Ok(Replaced::No(self.holds.clone())))
            }
            StoreCall::Replace(_, entry) | StoreCall::Overwrite(entry) => {
                self.holds = Some(entry.clone());
                StoreResult::Replaced(Ok(Replaced::Yes))
            }
        }
    }
}

/// What comes of a call that fails.
fn failed(call: &StoreCall, error: Error) -> StoreResult {
    match call {
        StoreCall::Load => StoreResult::Loaded(Err(error)),
        StoreCall::Guard(_) => StoreResult::Guarded(Err(GuardError::Unreachable(error))),
        StoreCall::Replace(..) | StoreCall::Overwrite(_) => StoreResult::Replaced(Err(error)),
    }
}

impl Outside {
    pub(super) async fn call_store(&self, call: &StoreCall, turn: Turn<'_>) -> Option<Step> {
        let limit = self.reading().monotonic + self.timing.store_timeout;
        let too_late = || Some(turn.end(failed(call, Error::late()), self.reading()));
        // A call that a log-out has overtaken is dropped.
        let unless_overtaken = |happened: Option<()>| match turn.is_wanted() {
            true => happened.map(|()| true),
            false => Some(false),
        };
        match self
            .until(limit, |inner| unless_overtaken(turn.is_wanted().then(|| inner.take_turn()).flatten()))
            .await
        {
            Some(true) => {}
            Some(false) => return None,
            None => return too_late(),
        }
        let _busy = Busy(self);
        if !turn.needs(call) {
            return None;
        }
        let manner = self.lock().manner_of(call)?;
        let result = match manner {
            Manner::Fails => failed(call, Error::store("the scenario's store fails")),
            Manner::Held => StoreResult::Guarded(Err(GuardError::Held(None))),
            Manner::ReadOnly => {
                StoreResult::Guarded(Err(GuardError::NotWritable(Error::store("the store is read-only"))))
            }
            Manner::Works => self.lock().store.as_mut()?.work(call),
            Manner::Hangs => {
                let responds = |inner: &mut Inner| inner.store.as_ref()?.responds.then_some(());
                match self.until(limit, |inner| unless_overtaken(responds(inner))).await {
                    Some(true) => {}
                    Some(false) => return None,
                    None => return too_late(),
                }
                self.lock().store.as_mut()?.work(call)
            }
            Manner::Panics => std::future::pending().await,
        };
        Some(turn.end(result, self.reading()))
    }
}

impl Inner {
    fn take_turn(&mut self) -> Option<()> {
        let store = self.store.as_mut().filter(|store| !store.is_busy)?;
        store.is_busy = true;
        store.responds = false;
        Some(())
    }

    /// How the store behaves in this call.
    fn manner_of(&mut self, call: &StoreCall) -> Option<Manner> {
        let (operation, seen) = match call {
            StoreCall::Load => (Operation::Load, Call::Load),
            StoreCall::Guard(_) => (Operation::Guard, Call::Guard),
            StoreCall::Replace(expected, entry) => call_of(expected.as_ref(), entry),
            StoreCall::Overwrite(entry) => call_of(None, entry),
        };
        self.moves += 1;
        self.calls.push(seen);
        let manner = self.store.as_ref()?.manners[operation as usize];
        self.panicked |= manner == Manner::Panics;
        Some(manner)
    }
}

/// The store, from the scenario's side.
impl Outside {
    pub(super) fn has_store(&self) -> bool {
        self.lock().store.is_some()
    }

    pub(super) fn stored(&self) -> Option<Stored> {
        self.lock().store.as_ref()?.holds.as_ref()?.credentials().map(stored_of)
    }

    pub(super) fn change_store(&self, holds: Option<Credentials>) -> Result<(), String> {
        let inner = &mut *self.lock();
        let store = inner.store.as_mut().ok_or("there is no store")?;
        store.holds = holds.map(|holds| next_entry(store.holds.as_ref(), holds)).transpose()?;
        Ok(())
    }

    pub(super) fn behave(&self, operation: Operation, manner: Manner) -> Result<(), String> {
        self.lock().store.as_mut().ok_or("there is no store")?.manners[operation as usize] = manner;
        Ok(())
    }

    pub(super) fn store_responds(&self) -> Result<(), String> {
        let inner = &mut *self.lock();
        let store = inner.store.as_mut().filter(|store| store.is_busy).ok_or("the store was not called")?;
        store.responds = true;
        Ok(())
    }
}

/// A call is under way at the store.
struct Busy<'a>(&'a Outside);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        if let Some(store) = &mut self.0.lock().store {
            store.is_busy = false;
        }
    }
}

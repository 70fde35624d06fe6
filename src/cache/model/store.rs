//! The store of a model. Worlds that share it are processes.

use std::sync::Arc;

use loom::sync::Condvar;

use super::super::sync::Mutex;
use crate::machine::{Guarded, Hold, StoreCall, StoreResult};
use crate::store::{Entry, Replaced};

#[derive(Default)]
pub(super) struct Store {
    pub(super) content: Mutex<Content>,
    guard: Arc<Lock>,
}

#[derive(Default)]
pub(super) struct Content {
    pub(super) now: Option<Entry>,
    /// Every access token that was ever saved.
    pub(super) ever: Vec<String>,
}

/// Lets one flight of all processes through.
struct Lock {
    is_held: loom::sync::Mutex<bool>,
    is_free: Condvar,
}

impl Default for Lock {
    fn default() -> Self {
        Self { is_held: loom::sync::Mutex::new(false), is_free: Condvar::new() }
    }
}

/// The guard. Dropping it gives it back.
pub(super) struct Held(Arc<Lock>);

impl Drop for Held {
    fn drop(&mut self) {
        *self.0.is_held.lock().unwrap() = false;
        self.0.is_free.notify_all();
    }
}

impl Store {
    pub(super) fn holding(entry: Entry) -> Self {
        let ever = entry.credentials().map(|held| held.access_token().to_owned()).into_iter().collect();
        Self { content: Mutex::new(Content { now: Some(entry), ever }), ..Self::default() }
    }

    /// Waits until nobody has the guard.
    pub(super) fn guard(&self) -> Held {
        let mut is_held = self.guard.is_held.lock().unwrap();
        while *is_held {
            is_held = self.guard.is_free.wait(is_held).unwrap();
        }
        *is_held = true;
        Held(self.guard.clone())
    }

    pub(super) fn work(&self, call: &StoreCall) -> StoreResult {
        let content = &mut *self.content.lock();
        match call {
            StoreCall::Load => StoreResult::Loaded(Ok(content.now.clone())),
            StoreCall::Guard(request) => {
                let found = Ok(content.now.clone());
                let proof = request.entry_to_write(content.now.as_ref());
                let is_written = proof.is_some();
                content.write(proof.as_ref());
                StoreResult::Guarded(Ok(Guarded { found, is_written, hold: Some(Hold::CannotLapse) }))
            }
            StoreCall::Replace(expected, _)
                if content.now.as_ref().map(Entry::version) != expected.as_ref() =>
            {
                StoreResult::Replaced(Ok(Replaced::No(content.now.clone())))
            }
            StoreCall::Replace(_, entry) | StoreCall::Overwrite(entry) => {
                content.write(Some(entry));
                StoreResult::Replaced(Ok(Replaced::Yes))
            }
        }
    }
}

impl Content {
    fn write(&mut self, entry: Option<&Entry>) {
        let Some(entry) = entry else { return };
        self.ever.extend(entry.credentials().map(|credentials| credentials.access_token().to_owned()));
        self.now = Some(entry.clone());
    }
}

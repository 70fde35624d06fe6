//! The calls of [`CredentialStore`].

use std::sync::{Arc, PoisonError};

use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

use super::RedisStore;
use super::acquire::acquire;
use super::backend::{Backend, Over, Written};
use super::delays::Delays;
use crate::error::Error;
use crate::store::{CredentialStore, Entry, Guard, GuardError, GuardRequest, Replaced, Version};

impl CredentialStore for RedisStore {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        let backend = self.0.clone();
        self.0.on_runtime(async move { load(&backend).await }).await?
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        let (backend, entry) = (self.0.clone(), entry.clone());
        let turn = self.0.turn.clone().lock_owned().await;
        let save = async move {
            let _turn = turn;
            backend.write(&Over::Anything, &entry, None).await?;
            Ok(())
        };
        self.0.on_runtime(save).await?
    }

    async fn replace(&self, expected: Option<&Version>, entry: &Entry) -> Result<Replaced, Error> {
        let (backend, expected, entry) = (self.0.clone(), expected.copied(), entry.clone());
        let turn = self.0.turn.clone().lock_owned().await;
        let replace = async move {
            let _turn = turn;
            replace(&backend, expected, &entry).await
        };
        self.0.on_runtime(replace).await?
    }

    async fn guard(&self, request: &GuardRequest) -> Result<Guard, GuardError> {
        // It is dropped with this future.
        let caller = Arc::new(());
        let runtime = self.0.runtime().map_err(GuardError::Unreachable)?;
        let task = runtime.spawn(acquire(self.0.clone(), request.clone(), Arc::downgrade(&caller)));
        let (guard, lease) = joined(task.await).map_err(GuardError::Unreachable)??;
        lease.is_delivered();
        Ok(guard)
    }

    async fn changed(&self, seen: Option<&Version>) {
        let (backend, seen) = (self.0.clone(), seen.copied());
        let _ = self.0.on_runtime(async move { changed(&backend, seen).await }).await;
    }

    /// A subscription tells.
    fn notifies(&self) -> bool {
        true
    }
}

async fn load(backend: &Backend) -> Result<Option<Entry>, Error> {
    let found = backend.read().await?;
    backend.entry(&found)
}

async fn replace(backend: &Backend, expected: Option<Version>, entry: &Entry) -> Result<Replaced, Error> {
    let is_last = expected.as_ref() != Some(entry.version());
    let lease = backend.lease().clone();
    let to_release = lease.as_deref().filter(|_| is_last);
    let mut written = backend.write(&Over::of(expected.as_ref()), entry, to_release).await?;
    if let Written::No(stored) = &written {
        let found = backend.entry(stored);
        let is_expected = match &found {
            Ok(found) => found.as_ref().map(Entry::version) == expected.as_ref(),
            // What can't be read counts as nothing.
            Err(_) => expected.is_none(),
        };
        // A person has written it without the version beside it, or it can't be read.
        if let (true, Some(text)) = (is_expected, &stored.text) {
            if found.is_err() {
                backend.set_aside().await?;
            }
            written = backend.write(&Over::Text(text.clone()), entry, to_release).await?;
        }
    }
    match written {
        Written::Yes => {
            if let Some(lease) = lease {
                match is_last {
                    true => drop(lease.end()),
                    false => lease.leaves_entry(entry),
                }
            }
            Ok(Replaced::Yes)
        }
        Written::No(stored) => Ok(Replaced::No(backend.entry(&stored)?)),
    }
}

async fn changed(backend: &Backend, seen: Option<Version>) {
    for delay in Delays::rare() {
        let mut pushed = std::pin::pin!(backend.link.changed.notified());
        pushed.as_mut().enable();
        // What this process has written itself needs no look.
        if seen.as_ref().is_some_and(|seen| backend.link.was_published_last(seen)) {
            let _ = timeout(delay, pushed).await;
            continue;
        }
        match load(backend).await {
            Ok(found) if found.as_ref().map(Entry::version) != seen.as_ref() => return,
            // What can't be read or reached now may be later.
            _ => drop(timeout(delay, pushed).await),
        }
    }
}

impl Backend {
    /// Runs a call on a runtime, from wherever it is made. It ends when the caller goes away.
    async fn on_runtime<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        let mut task = AbortOnDrop(self.runtime()?.spawn(call));
        joined((&mut task.0).await)
    }

    /// The runtime of the caller, or of the last call.
    fn runtime(&self) -> Result<Handle, Error> {
        let mut last = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(current) = Handle::try_current() {
            *last = Some(current);
        }
        let error = "the credential store in Redis needs a Tokio runtime; call it from one";
        last.clone().ok_or_else(|| Error::store(error))
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn joined<T>(result: Result<T, JoinError>) -> Result<T, Error> {
    result.map_err(|error| match error.is_panic() {
        true => Error::store(
            "the connection to Redis panicked; for rediss:// with rustls, install a default provider of cryptography",
        ),
        false => Error::store(
            "the runtime of the credential store was shut down during a call; keep it until the program ends",
        ),
    })
}

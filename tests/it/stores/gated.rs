//! A store that waits for the test in each call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reauth::Error;
use reauth::store::{
    CredentialStore, Entry, Guard, GuardError, GuardRequest, MemoryStore, Replaced, Version,
};
use tokio::sync::{mpsc, oneshot};

/// Announces each call, and waits until the test allows it. `kept` is what it stores.
pub(super) struct Gated {
    pub(super) kept: MemoryStore,
    calls: mpsc::UnboundedSender<Pending>,
    busy: Arc<AtomicUsize>,
}

/// A call that waits until the test allows it. If this is dropped, the call waits forever.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) call: Call,
    leave: oneshot::Sender<Leave>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Call {
    Load,
    /// Of this access token.
    Save(String),
    Clear,
}

#[derive(Debug)]
enum Leave {
    Go,
    Fail,
    Panic,
}

/// The calls, as they come.
pub(super) type Calls = mpsc::UnboundedReceiver<Pending>;

impl Gated {
    pub(super) fn new() -> (Self, Calls) {
        let (calls, receiver) = mpsc::unbounded_channel();
        (Self { kept: MemoryStore::new(), calls, busy: Arc::default() }, receiver)
    }

    async fn pass(&self, call: Call) -> Result<(), Error> {
        let _turn = Turn::take(&self.busy);
        let (leave, given) = oneshot::channel();
        self.calls.send(Pending { call, leave }).unwrap();
        match given.await {
            Ok(Leave::Go) => Ok(()),
            Ok(Leave::Fail) => Err(Error::store("the test says no")),
            Ok(Leave::Panic) => panic!("the store panics, as the test says"),
            Err(_) => std::future::pending().await,
        }
    }
}

impl Pending {
    pub(super) fn go(self) {
        let _ = self.leave.send(Leave::Go);
    }

    pub(super) fn fail(self) {
        let _ = self.leave.send(Leave::Fail);
    }

    pub(super) fn panic(self) {
        let _ = self.leave.send(Leave::Panic);
    }

    /// Whether the caller has given up.
    pub(super) fn is_dropped(&self) -> bool {
        self.leave.is_closed()
    }
}

/// Allows the next call, which has to be this one.
pub(super) async fn allow(calls: &mut Calls, expected: Call) {
    next(calls, expected).await.go();
}

/// Waits for the next call, which has to be this one.
pub(super) async fn next(calls: &mut Calls, expected: Call) -> Pending {
    // This limit is far longer than those of the authenticator. A call that never comes fails the test instead of hanging it.
    let pending = tokio::time::timeout(Duration::from_secs(3600), calls.recv()).await;
    let pending = pending.unwrap_or_else(|_| panic!("{expected:?} never comes")).unwrap();
    assert_eq!(pending.call, expected);
    pending
}

fn write_of(entry: &Entry) -> Call {
    entry.credentials().map_or(Call::Clear, |credentials| save(credentials.access_token()))
}

pub(super) fn save(access: &str) -> Call {
    Call::Save(access.to_owned())
}

impl CredentialStore for Gated {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.pass(Call::Load).await?;
        self.kept.load().await
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        self.pass(write_of(entry)).await?;
        self.kept.save(entry).await
    }

    async fn replace(&self, expected: Option<&Version>, entry: &Entry) -> Result<Replaced, Error> {
        let found = self.kept.load().await?;
        if found.as_ref().map(Entry::version) != expected {
            return Ok(Replaced::No(found));
        }
        // A note about an exchange needs no leave, and neither does the guard.
        if expected != Some(entry.version()) {
            self.pass(write_of(entry)).await?;
        }
        self.kept.replace(expected, entry).await
    }

    async fn guard(&self, request: &GuardRequest) -> Result<Guard, GuardError> {
        self.kept.guard(request).await
    }
}

/// The trait promises one call at a time.
struct Turn(Arc<AtomicUsize>);

impl Turn {
    fn take(busy: &Arc<AtomicUsize>) -> Self {
        assert_eq!(busy.fetch_add(1, Ordering::SeqCst), 0, "two calls of the store at once");
        Self(busy.clone())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

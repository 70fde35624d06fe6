//! The key of a sealed store, kept in the keychain of the operating system.

mod item;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use self::item::Item;
use super::Key;
use crate::error::Error;

/// Keeps the [`Key`] of a [`Sealed`](super::Sealed) store in the keychain of the operating system.
///
/// The key is created with random bytes when there is none. After that the keychain is read once for all clones of this
/// value, and never written. The credentials are not there, but in the store that is sealed: a token may be longer than what a
/// keychain takes, and a person may have to permit each access.
///
/// Which keychain that is, the program says to the crate `keyring-core`: the Keychain of macOS
/// (`apple-native-keyring-store`), the Credential Manager of Windows (`windows-native-keyring-store`), the Secret Service of
/// Linux desktops (`zbus-secret-service-keyring-store` or `dbus-secret-service-keyring-store`), or another.
///
/// ```no_run
/// use reauth::store::{Keychain, MemoryStore, Sealed};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(any())]
/// keyring_core::set_default_store(zbus_secret_service_keyring_store::Store::new()?);
/// let key = Keychain::new("my-program").key().await?;
/// let store = Sealed::new(MemoryStore::new(), key);
/// # Ok(())
/// # }
/// ```
///
/// # What it does not do
///
/// There is no way around a keychain that is locked or away: no key is created then, and nothing is kept in a file instead.
/// `key` returns an error, and the next call tries again.
///
/// Of several processes that create the key at once, each writes its own over that of the others: a keychain has no way to
/// prevent that. Therefore no process uses a key within half a second of its creation, and all use the one that is there
/// then. If a write takes longer than that, processes may have different keys. What one of them has stored is then an error
/// for the others, which names the key that they do not have, and nothing is lost. Call `key` once before several processes
/// start, such as when the program is installed, to rule that out.
#[derive(Clone)]
pub struct Keychain {
    shared: Arc<Shared>,
    limit: Duration,
}

struct Shared {
    item: Item,
    /// The newest reading, which may still be under way. No second one starts beside it.
    reading: Mutex<Option<Reading>>,
}

/// `None` until the keychain has responded.
type Reading = watch::Receiver<Option<Result<Key, Error>>>;

impl Keychain {
    /// How long [`key`](Self::key) waits by default: 60 s. A person may have to type a password.
    pub const TIMEOUT: Duration = Duration::from_secs(60);

    /// The key of a program, in the default store of `keyring-core`. `service` is the name under which a person sees it. This
    /// does not ask the keychain yet.
    pub fn new(service: impl Into<String>) -> Self {
        Self::of(Item { store: None, service: service.into() })
    }

    /// The key of a program, in this store.
    pub fn in_store(store: Arc<keyring_core::CredentialStore>, service: impl Into<String>) -> Self {
        Self::of(Item { store: Some(store), service: service.into() })
    }

    fn of(item: Item) -> Self {
        Self { shared: Arc::new(Shared { item, reading: Mutex::default() }), limit: Self::TIMEOUT }
    }

    /// Sets how long [`key`](Self::key) waits. Default: [`TIMEOUT`](Self::TIMEOUT).
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Returns the key, and creates it if there is none.
    ///
    /// The keychain is asked on a thread of its own, because it may block, hang or panic. That thread keeps neither the
    /// runtime nor the program from ending. Outside of a Tokio runtime there is no time limit.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) if the keychain is locked, is not there, did not respond in time, or has something else
    /// in the place of the key. [`Misconfigured`](crate::ErrorKind::Misconfigured) if `keyring-core` has no default store, or
    /// the store can't have an item of this name.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, or the time is up, the keychain goes on. The next call waits for the same response.
    pub async fn key(&self) -> Result<Key, Error> {
        let mut reading = self.shared.reading()?;
        let response = async {
            let response = reading.wait_for(Option::is_some).await.ok()?;
            response.clone()
        };
        let response = match Handle::try_current() {
            Ok(_) => timeout(self.limit, response).await.map_err(|_| late())?,
            Err(_) => response.await,
        };
        response.unwrap_or_else(|| Err(panicked()))
    }
}

impl Shared {
    /// The reading that has succeeded or is under way, or else a new one.
    fn reading(self: &Arc<Self>) -> Result<Reading, Error> {
        let mut newest = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reading) = newest.as_ref().filter(|reading| !matches!(*reading.borrow(), Some(Err(_)))) {
            return Ok(reading.clone());
        }
        let (respond, reading) = watch::channel(None);
        let shared = self.clone();
        // Not on a thread of the runtime: those are waited for when it ends.
        let spawned = thread::Builder::new().name("reauth-keychain".into()).spawn(move || {
            let key = catch_unwind(AssertUnwindSafe(|| shared.item.read_or_create()));
            respond.send_replace(Some(key.unwrap_or_else(|_panic| Err(panicked()))));
        });
        spawned.map_err(|error| {
            Error::store("no thread could be started for the keychain; check the limits of the process")
                .with_source(error)
        })?;
        *newest = Some(reading.clone());
        Ok(reading)
    }
}

impl fmt::Debug for Keychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keychain").field("service", &self.shared.item.service).finish_non_exhaustive()
    }
}

fn late() -> Error {
    Error::store("the keychain did not respond in time; unlock it, or answer its question")
}

fn panicked() -> Error {
    Error::store("the keychain panicked; report the panic to the author of its crate")
}

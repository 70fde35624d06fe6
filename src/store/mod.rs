//! Keeps credentials beyond the end of the process, or shares them with other processes.
//!
//! A store is optional. While the authenticator has no credentials, it reads them from the store. It writes new credentials
//! there *before* any caller gets them, so that a rotated refresh token is not lost.
//!
//! [`MemoryStore`] shares them within a process. `Sealed` (feature `seal`) encrypts what any other store keeps, and `Keychain`
//! (feature `keyring`) has the key for it in the keychain of the operating system.

mod entry;
#[cfg(feature = "file")]
mod file;
mod guard;
mod holder;
#[cfg(feature = "keyring")]
mod keychain;
mod memory;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "seal")]
mod sealed;
mod version;

pub use entry::Entry;
pub(crate) use entry::{Content, Intent};
#[cfg(feature = "file")]
pub use file::FileStore;
pub use guard::{Guard, GuardError, GuardRequest};
pub use holder::Holder;
#[cfg(feature = "keyring")]
pub use keychain::Keychain;
pub use memory::MemoryStore;
#[cfg(feature = "redis")]
pub use redis::RedisStore;
#[cfg(feature = "seal")]
pub use sealed::{Key, Keys, Sealed};
pub(crate) use version::Relation;
pub use version::Version;

use std::future::pending;

use tokio::time::timeout;

use crate::error::Error;
use crate::source::BoxFuture;

/// Keeps the credentials of one identity.
///
/// Two methods are enough: `load` and `save`. A file is small enough to be written without another thread:
///
/// ```
/// use reauth::Error;
/// use reauth::store::{CredentialStore, Entry};
/// use std::io::{self, ErrorKind::NotFound};
/// use std::{fs, path::PathBuf};
/// use zeroize::Zeroizing; // overwrites the text when it is dropped
///
/// /// It has secrets in it: keep it in a directory that no other user can read.
/// struct File(PathBuf);
///
/// fn failed(error: io::Error) -> Error {
///     Error::store("the credentials file failed; check its directory").with_source(error)
/// }
///
/// impl CredentialStore for File {
///     async fn load(&self) -> Result<Option<Entry>, Error> {
///         match fs::read_to_string(&self.0) {
///             Ok(text) => Entry::from_text(&Zeroizing::new(text)).map(Some),
///             Err(error) if error.kind() == NotFound => Ok(None),
///             Err(error) => Err(failed(error)),
///         }
///     }
///
///     async fn save(&self, entry: &Entry) -> Result<(), Error> {
///         let new = self.0.with_extension("new"); // so that the file is whole at any time
///         fs::write(&new, entry.expose_text().as_bytes()).map_err(failed)?;
///         fs::rename(&new, &self.0).map_err(failed)
///     }
/// }
/// ```
///
/// There is nothing to delete: a log-out saves an [entry without credentials](Entry::is_logged_out), so that other
/// processes can tell it from an empty store.
///
/// # Sharing
///
/// Processes that share a store, and a refresh token that is good for one use, have to take turns. [`guard`](Self::guard)
/// gives one of them the right to spend the token, and [`replace`](Self::replace) writes only over what that process has
/// read. The provided methods do this as well as `load` and `save` can: the turns of one authenticator are kept apart, those
/// of processes are not. A store that processes share has to implement both.
///
/// # Cancel safety
///
/// The futures may be dropped at any await: at the time limit ([`Timing::STORE_TIMEOUT`](crate::Timing::STORE_TIMEOUT) by
/// default), and at a log-out. A write that was dropped must have happened as a whole or not at all, and *must not happen
/// later*. Where writes run on another thread, or on a connection that outlives the future, keep them in order there.
/// Otherwise the write before a log-out may come after it.
///
/// `load`, `save` and `replace` are called one at a time by one authenticator. `guard` and `changed` may be waiting
/// meanwhile.
pub trait CredentialStore: Send + Sync + 'static {
    /// Returns what is stored, if there is anything.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) if it can't be read. The authenticator reports it as an
    /// [event](crate::Event::StoreFailed).
    fn load(&self) -> impl Future<Output = Result<Option<Entry>, Error>> + Send;

    /// Stores an entry in place of what is there.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) if it can't be written.
    fn save(&self, entry: &Entry) -> impl Future<Output = Result<(), Error>> + Send;

    /// Stores an entry if the store still holds the version `expected`, or nothing if that is `None`. Otherwise it returns
    /// what it holds.
    ///
    /// An entry with another version than `expected` is the last write under a [guard](Self::guard), if this authenticator
    /// has it. A store may give the guard back with it.
    ///
    /// The provided method loads, compares and saves. That is not atomic: another process may write in between.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) if it can't be written. It may have been written all the same.
    fn replace(
        &self,
        expected: Option<&Version>,
        entry: &Entry,
    ) -> impl Future<Output = Result<Replaced, Error>> + Send {
        async move {
            let found = self.load().await?;
            if found.as_ref().map(Entry::version) != expected {
                return Ok(Replaced::No(found));
            }
            self.save(entry).await.map(|()| Replaced::Yes)
        }
    }

    /// Waits until no other process has the guard, takes it, and reads the store. Then it writes
    /// [what the request asks for](GuardRequest::entry_to_write), which proves that the store can be written.
    ///
    /// The provided method keeps no other process out.
    ///
    /// # Errors
    ///
    /// A [`GuardError`] says why there is no guard. It is [`Held`](GuardError::Held) after the
    /// [limit](GuardRequest::limit) of the request.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the guard must be free for others, even if it was taken meanwhile.
    fn guard(&self, request: &GuardRequest) -> impl Future<Output = Result<Guard, GuardError>> + Send {
        async move {
            let loaded = timeout(request.call_limit(), self.load()).await;
            let found = loaded.unwrap_or_else(|_| Err(Error::late())).map_err(GuardError::Unreachable)?;
            let Some(entry) = request.entry_to_write(found.as_ref()) else {
                return Ok(Guard::new(Ok(found)));
            };
            let saved = timeout(request.call_limit(), self.save(&entry)).await;
            saved.unwrap_or_else(|_| Err(Error::late())).map_err(GuardError::NotWritable)?;
            Ok(Guard::new(Ok(found)).written())
        }
    }

    /// Returns when the store may hold another version than `seen`. It may return early. The provided method never returns:
    /// then the authenticator looks at the store from time to time while it waits for the guard.
    fn changed(&self, seen: Option<&Version>) -> impl Future<Output = ()> + Send {
        let _ = seen;
        pending()
    }

    /// Whether [`changed`](Self::changed) costs nothing while nothing changes. Then the authenticator waits for changes all the
    /// time, and learns at once when another process logs in or out. Otherwise it learns that at its next refresh. The
    /// provided method returns `false`.
    fn notifies(&self) -> bool {
        false
    }
}

/// What came of [`CredentialStore::replace`].
#[derive(Clone, Debug)]
pub enum Replaced {
    /// The entry was stored.
    Yes,
    /// The store holds another version, or nothing. Nothing was written.
    No(Option<Entry>),
}

/// [`CredentialStore`] as a trait object, so that `Authenticator` has no type parameter.
pub(crate) trait DynStore: Send + Sync {
    fn load(&self) -> BoxFuture<'_, Result<Option<Entry>, Error>>;
    fn save<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), Error>>;
    fn replace<'a>(
        &'a self,
        expected: Option<&'a Version>,
        entry: &'a Entry,
    ) -> BoxFuture<'a, Result<Replaced, Error>>;
    fn guard<'a>(&'a self, request: &'a GuardRequest) -> BoxFuture<'a, Result<Guard, GuardError>>;
    fn changed<'a>(&'a self, seen: Option<&'a Version>) -> BoxFuture<'a, ()>;
    fn notifies(&self) -> bool;
}

impl<S: CredentialStore> DynStore for S {
    fn load(&self) -> BoxFuture<'_, Result<Option<Entry>, Error>> {
        Box::pin(CredentialStore::load(self))
    }

    fn save<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(CredentialStore::save(self, entry))
    }

    fn replace<'a>(
        &'a self,
        expected: Option<&'a Version>,
        entry: &'a Entry,
    ) -> BoxFuture<'a, Result<Replaced, Error>> {
        Box::pin(CredentialStore::replace(self, expected, entry))
    }

    fn guard<'a>(&'a self, request: &'a GuardRequest) -> BoxFuture<'a, Result<Guard, GuardError>> {
        Box::pin(CredentialStore::guard(self, request))
    }

    fn changed<'a>(&'a self, seen: Option<&'a Version>) -> BoxFuture<'a, ()> {
        Box::pin(CredentialStore::changed(self, seen))
    }

    fn notifies(&self) -> bool {
        CredentialStore::notifies(self)
    }
}

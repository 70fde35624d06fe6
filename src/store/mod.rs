//! Where a credential outlives the process, or is shared with another.
//!
//! A store is optional. With one, a flight writes what it got *before* any caller sees it, so that a rotated
//! refresh token is not lost; reads it once at the start; and reads it again when its own refresh token turns
//! out to be spent, because another process may have put a newer one there.

mod memory;

pub use memory::MemoryStore;

use crate::source::BoxFuture;
use crate::{Credentials, Error};

/// Keeps one identity's credentials.
///
/// The authenticator calls one method at a time, each with a time limit
/// ([`Timing::STORE_TIMEOUT`](crate::Timing::STORE_TIMEOUT)). A failed write is reported as an
/// [event](crate::Event::StoreFailed); the credential is used all the same, and the next write tries again.
///
/// A file is small enough to be written without another thread, which keeps the writes in order (see below):
///
/// ```
/// use reauth::store::CredentialStore;
/// use reauth::{Credentials, Error};
/// use std::io::{self, ErrorKind::NotFound};
/// use std::{fs, path::PathBuf};
///
/// /// In a directory that nobody else can read: the file holds secrets.
/// struct File(PathBuf);
///
/// fn failed(error: io::Error) -> Error {
///     Error::store("the file of the credentials failed").with_source(error)
/// }
///
/// impl CredentialStore for File {
///     async fn load(&self) -> Result<Option<Credentials>, Error> {
///         match fs::read_to_string(&self.0) {
///             Ok(json) => Credentials::from_json(&json).map(Some),
///             Err(error) if error.kind() == NotFound => Ok(None),
///             Err(error) => Err(failed(error)),
///         }
///     }
///
///     async fn save(&self, credentials: &Credentials) -> Result<(), Error> {
///         let new = self.0.with_extension("new"); // so that the file is whole at any time
///         fs::write(&new, credentials.expose_json().as_bytes()).map_err(failed)?;
///         fs::rename(&new, &self.0).map_err(failed)
///     }
///
///     async fn clear(&self) -> Result<(), Error> {
///         fs::remove_file(&self.0).or_else(|error| match error.kind() {
///             NotFound => Ok(()),
///             _ => Err(failed(error)),
///         })
///     }
/// }
/// ```
///
/// # Cancel safety
///
/// The futures may be dropped at any await: at the time limit, and at a log-out. A write that was dropped has
/// happened whole or not at all, and *must not happen later*: where it runs on another thread, or on a connection
/// that outlives the future, order the writes there, or a log-out may be overtaken by the write before it.
///
/// # Sharing
///
/// Processes that share a store take over each other's credentials when their own are refused or lacking. They
/// do not wait for each other yet: two that refresh at the same moment spend the same refresh token twice, which a
/// provider with reuse detection answers by ending the session. With such a provider, give each process its own.
pub trait CredentialStore: Send + Sync + 'static {
    /// What is stored, if anything is.
    fn load(&self) -> impl Future<Output = Result<Option<Credentials>, Error>> + Send;

    /// Replaces what is stored. [`Credentials::expose_json`] is the text to write.
    fn save(&self, credentials: &Credentials) -> impl Future<Output = Result<(), Error>> + Send;

    /// Forgets what is stored.
    fn clear(&self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// The trait without its type.
pub(crate) trait DynStore: Send + Sync {
    fn load(&self) -> BoxFuture<'_, Result<Option<Credentials>, Error>>;
    fn save<'a>(&'a self, credentials: &'a Credentials) -> BoxFuture<'a, Result<(), Error>>;
    fn clear(&self) -> BoxFuture<'_, Result<(), Error>>;
}

impl<S: CredentialStore> DynStore for S {
    fn load(&self) -> BoxFuture<'_, Result<Option<Credentials>, Error>> {
        Box::pin(CredentialStore::load(self))
    }

    fn save<'a>(&'a self, credentials: &'a Credentials) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(CredentialStore::save(self, credentials))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(CredentialStore::clear(self))
    }
}

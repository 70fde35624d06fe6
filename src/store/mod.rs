//! Keeps credentials beyond the end of the process, or shares them with other processes.
//!
//! A store is optional. While the authenticator has no credentials, it reads them from the store. It writes new credentials there
//! *before* any caller gets them, so that a rotated refresh token is not lost. It reads the store again when its own refresh
//! token is refused or may have been spent, because another process may have stored a newer one.

mod memory;

pub use memory::MemoryStore;

use crate::credentials::Credentials;
use crate::error::Error;
use crate::source::BoxFuture;

/// Keeps the credentials of one identity.
///
/// The authenticator calls one method at a time, each with a time limit
/// ([`Timing::STORE_TIMEOUT`](crate::Timing::STORE_TIMEOUT) by default). A failed write is reported as an
/// [event](crate::Event::StoreFailed). The credentials are used all the same, and the next write tries again.
///
/// A file is small enough to be written without another thread. That keeps the writes in order (see below):
///
/// ```
/// use reauth::store::CredentialStore;
/// use reauth::{Credentials, Error};
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
///     async fn load(&self) -> Result<Option<Credentials>, Error> {
///         match fs::read_to_string(&self.0) {
///             Ok(json) => Credentials::from_json(&Zeroizing::new(json)).map(Some),
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
/// The futures may be dropped at any await: at the time limit, and at a log-out. A write that was dropped must have
/// happened as a whole or not at all, and *must not happen later*. Where writes run on another thread, or on a connection
/// that outlives the future, keep them in order there. Otherwise the write before a log-out may come after it.
///
/// # Sharing
///
/// Processes that share a store take over each other's credentials when they have none, or when their own are refused.
/// They do not wait for each other yet: two that refresh at the same moment spend the same refresh token twice. A
/// provider that detects reuse then ends the session. With such a provider, give each process a store of its own.
pub trait CredentialStore: Send + Sync + 'static {
    /// Returns the stored credentials, if there are any.
    fn load(&self) -> impl Future<Output = Result<Option<Credentials>, Error>> + Send;

    /// Replaces the stored credentials. [`Credentials::expose_json`] makes a text to write.
    fn save(&self, credentials: &Credentials) -> impl Future<Output = Result<(), Error>> + Send;

    /// Deletes the stored credentials.
    fn clear(&self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// [`CredentialStore`] as a trait object, so that `Authenticator` has no type parameter.
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

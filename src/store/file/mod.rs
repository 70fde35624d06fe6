//! A store in a file.

mod failure;
mod guard;
mod holder;
mod lock;
mod paths;
mod place;
mod platform;
mod read;
mod shared;
#[cfg(test)]
mod steps;
mod taken;
#[cfg(all(test, unix))]
mod tests;
mod watch;
mod worker;
mod write;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::place::Place;
use self::shared::Shared;
use super::{CredentialStore, Entry, Guard, GuardError, GuardRequest, Replaced, Version};
use crate::error::Error;

/// Keeps credentials in a file, for all processes of one user on one machine.
///
/// ```no_run
/// # fn example(source: impl reauth::CredentialSource) -> Result<(), reauth::Error> {
/// use reauth::Authenticator;
/// use reauth::store::FileStore;
///
/// let store = FileStore::new("my-tool")?.profile("work")?;
/// let auth = Authenticator::builder(source).store(store).build();
/// # let _ = auth;
/// # Ok(())
/// # }
/// ```
///
/// Clones share the file and two threads. The threads start at the first use, and nothing waits for their end. Making a store
/// touches no disk.
///
/// # What it keeps
///
/// | file | what it is |
/// | --- | --- |
/// | `default.json` | the entry, as JSON: the access token and the refresh token are **readable** in it |
/// | `default.json.guard` | the lock for a refresh, from the reading to the last write |
/// | `default.json.lock` | the lock for one write |
/// | `default.json.new-…` | a file that is about to replace the entry; the next refresh deletes what a killed process has left |
/// | `default.json.damaged-…` | an entry that could not be read, at most nine of them |
///
/// All lie in one directory. Do not delete the locks while a program runs. The files can be read and written by their owner
/// alone (mode 0600), and so can directories that the store creates (0700). Windows gives them the rights of the directory.
///
/// # What it promises
///
/// * The entry is whole at any moment. A write makes a new file, syncs it, and renames it.
/// * One process at a time has the guard. The kernel gives it back when the process ends, however that happens.
/// * Before a refresh token is spent, the store has written the entry, and has reserved room for the next one. A full or
///   read-only disk is found out before.
/// * A damaged file is never used. It is renamed, and the call that finds it returns an error.
/// * A disk that does not respond keeps neither the program nor the runtime from ending.
///
/// It refuses a file, a directory or a symbolic link that another user could have put there or could change. The error says what
/// to do. It does not look at the directories above.
///
/// A refresh syncs the disk five times: three times for the guard, twice for the write after it. A wait for another process
/// looks at the file about ten times a second.
///
/// # What it can't promise
///
/// * A program that is stopped (Ctrl-Z) during a refresh holds up the others. They use their valid token, and after its expiry
///   get an error that names the process.
/// * On NFS without locks (`nolock`) and on some other network file systems, processes do not exclude each other.
/// * Programs of the same user can read the file.
/// * A file that comes back from a backup, or is copied to another machine, has a refresh token that may be spent.
/// * A file system that writes every change elsewhere (btrfs, ZFS) can run out of space after it has reserved room.
/// * A system call that the kernel does not let go of keeps the process, even after a kill.
///
/// With Tokio's paused time, time limits end before a thread can respond. A test of that kind uses a
/// [`MemoryStore`](super::MemoryStore).
#[derive(Clone)]
pub struct FileStore(Arc<Shared>);

impl FileStore {
    /// Makes a store in the user's directory for the state of programs, of the profile `default`:
    ///
    /// | system | file |
    /// | --- | --- |
    /// | Linux and others | `$XDG_STATE_HOME/APPLICATION/credentials/default.json`, by default in `~/.local/state` |
    /// | macOS | `~/Library/Application Support/APPLICATION/credentials/default.json` |
    /// | Windows | `%LOCALAPPDATA%\APPLICATION\credentials\default.json` |
    ///
    /// These directories stay on their machine. If one that is copied between machines had the file, two of them would spend the
    /// same refresh token.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the name has anything but ASCII letters, digits, `-`, `_` and `.`, or
    /// begins with a dot.
    pub fn new(application: &str) -> Result<Self, Error> {
        Place::of_application(application).map(Self::of)
    }

    /// Makes a store in a directory of your choice, of the profile `default`. It is created if it is missing.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the path is empty.
    pub fn in_directory(directory: impl AsRef<Path>) -> Result<Self, Error> {
        Place::in_directory(directory.as_ref()).map(Self::of)
    }

    /// Makes a store of one file of your choice. Its directory is created if it is missing.
    ///
    /// If the path is a symbolic link, it is followed, and the file that it leads to is replaced.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the path names no file.
    pub fn at(path: impl AsRef<Path>) -> Result<Self, Error> {
        Place::file(path.as_ref()).map(Self::of)
    }

    /// Returns a store for another identity. Every name has a file of its own in the same directory, with bytes other than `a`-`z`,
    /// `0`-`9`, `-` and `_` as `%` and two digits. Upper case is not lower case.
    ///
    /// It returns a `Result`, which the `profile` of other stores does not: not each name can be the name of a file, and a store of
    /// [one file](Self::at) has no room for a second one.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if the name is empty or too long, or if the store was made with
    /// [`at`](Self::at).
    pub fn profile(self, name: &str) -> Result<Self, Error> {
        self.0.place.clone().with_profile(name).map(Self::of)
    }

    /// Returns the path of the credentials file, before symbolic links are followed. A program can keep its settings beside it, and
    /// name it in messages. The home directory may have to be asked for, so this may block.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) if the home directory is not known.
    pub fn path(&self) -> Result<PathBuf, Error> {
        self.0.place.path()
    }

    fn of(place: Place) -> Self {
        Self(Arc::new(Shared::new(place)))
    }
}

/// Writes happen whole or not at all if their future is dropped. One that was dropped before its rename does not happen.
impl CredentialStore for FileStore {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        let shared = self.0.clone();
        self.0.files.call(move |is_wanted| shared.load(is_wanted)).await
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        let (shared, entry) = (self.0.clone(), entry.clone());
        self.0.files.call(move |is_wanted| shared.save(&entry, is_wanted)).await
    }

    async fn replace(&self, expected: Option<&Version>, entry: &Entry) -> Result<Replaced, Error> {
        let (shared, expected, entry) = (self.0.clone(), expected.copied(), entry.clone());
        self.0.files.call(move |is_wanted| shared.replace(expected.as_ref(), &entry, is_wanted)).await
    }

    async fn guard(&self, request: &GuardRequest) -> Result<Guard, GuardError> {
        guard::guard(&self.0, request).await
    }

    async fn changed(&self, seen: Option<&Version>) {
        watch::changed(&self.0, seen).await;
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("place", &self.0.place).finish_non_exhaustive()
    }
}

//! The files of a store, all in the directory of the credentials file.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::failure::failed;
use super::platform::{self, Stamp};
use crate::error::Error;

/// The credentials file after all symbolic links, so that every spelling of its path has the same locks.
#[derive(Debug)]
pub(super) struct Paths {
    directory: PathBuf,
    name: OsString,
}

impl Paths {
    /// Follows the symbolic links of this user. `None` if the directory does not exist, and `create` does not say to create
    /// it.
    pub(super) fn resolve(path: &Path, create: bool) -> Result<Option<Self>, Error> {
        const MOST_LINKS: usize = 16;
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
                return Err(Error::store(
                    "a symbolic link in place of the credentials file names no file; delete it",
                ));
            };
            let Some(directory) = real_directory(parent, create)? else { return Ok(None) };
            let paths = Self { directory, name: name.to_owned() };
            paths.check()?;
            let file = paths.entry();
            match fs::symlink_metadata(&file) {
                Ok(metadata) if metadata.is_symlink() => {
                    platform::check_link(&file, &metadata)?;
                    let target = fs::read_link(&file).map_err(|error| unreadable(&file, error))?;
                    path = paths.directory.join(target);
                }
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(unreadable(&file, error)),
                _ => return Ok(Some(paths)),
            }
        }
        Err(Error::store("too many symbolic links lead to the credentials file; name it directly"))
    }

    /// Refuses a directory in which others can replace files.
    pub(super) fn check(&self) -> Result<(), Error> {
        match fs::metadata(&self.directory) {
            Ok(metadata) => platform::check_directory(&self.directory, &metadata),
            // There is nothing in it, then.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => {
                Err(failed("the directory of the credentials file", &self.directory, "read", error))
            }
        }
    }

    /// What the credentials file looks like without being read.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        fs::symlink_metadata(self.entry()).ok().map(|metadata| platform::stamp(&metadata))
    }

    /// Creates the directory if it is missing.
    pub(super) fn create_directory(&self) -> Result<(), Error> {
        create_directories(&self.directory)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn entry(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    /// The lock of the guard. It is never deleted, for then two processes could lock two files of this name.
    pub(super) fn guard(&self) -> PathBuf {
        self.with_suffix(".guard")
    }

    /// The lock of one write. It is never deleted, either.
    pub(super) fn lock(&self) -> PathBuf {
        self.with_suffix(".lock")
    }

    /// A name for a file that is to be renamed, and that nobody else has.
    pub(super) fn temporary(&self) -> PathBuf {
        self.with_suffix(&format!("{TEMPORARY}{:016x}", fastrand::u64(..)))
    }

    /// The first free name for a damaged file, or the last one.
    pub(super) fn damaged(&self) -> PathBuf {
        const MOST: u32 = 9;
        let name = |number: u32| self.with_suffix(&format!(".damaged-{number}"));
        let is_free = |path: &PathBuf| fs::symlink_metadata(path).is_err();
        (1..MOST).map(name).find(is_free).unwrap_or_else(|| name(MOST))
    }

    /// Deletes the temporary files of processes that were killed. Nobody may be using one.
    pub(super) fn delete_temporaries(&self) -> io::Result<()> {
        for file in fs::read_dir(&self.directory)? {
            let file = file?;
            if self.is_temporary(&file.file_name()) {
                let _ = fs::remove_file(file.path());
            }
        }
        Ok(())
    }

    fn is_temporary(&self, name: &OsStr) -> bool {
        let random = name
            .as_encoded_bytes()
            .strip_prefix(self.name.as_encoded_bytes())
            .and_then(|suffix| suffix.strip_prefix(TEMPORARY.as_bytes()));
        random.is_some_and(|random| random.len() == 16 && random.iter().all(u8::is_ascii_hexdigit))
    }

    fn with_suffix(&self, suffix: &str) -> PathBuf {
        let mut name = self.name.clone();
        name.push(suffix);
        self.directory.join(name)
    }
}

const TEMPORARY: &str = ".new-";

fn real_directory(path: &Path, create: bool) -> Result<Option<PathBuf>, Error> {
    let mut found = fs::canonicalize(path);
    if matches!(&found, Err(error) if error.kind() == ErrorKind::NotFound) {
        if !create {
            return Ok(None);
        }
        create_directories(path)?;
        found = fs::canonicalize(path);
    }
    found.map(Some).map_err(|error| failed("the directory of the credentials file", path, "found", error))
}

/// Creates the directories that are missing. Only this user can enter those.
fn create_directories(path: &Path) -> Result<(), Error> {
    let missing: Vec<_> = path.ancestors().take_while(|path| !path.exists()).collect();
    for directory in missing.into_iter().rev() {
        match platform::create_directory(directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(failed("the directory of the credentials file", directory, "created", error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    failed("the credentials file", path, "read", error)
}

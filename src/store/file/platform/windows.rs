//! Windows: files have the rights of their directory, and a reader may hold up a rename.

use std::fs::{File, Metadata, OpenOptions, create_dir, rename as rename_file};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use fs4::{FileExt, TryLockError};

use crate::error::Error;

/// Tells one state of a file from the next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    created: Option<SystemTime>,
}

pub(in super::super) fn stamp(metadata: &Metadata) -> Stamp {
    Stamp { length: metadata.len(), modified: metadata.modified().ok(), created: metadata.created().ok() }
}

/// A file that is open can't be replaced by another one here.
pub(in super::super) fn is_same(_one: &Metadata, _other: &Metadata) -> bool {
    true
}

pub(in super::super) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

pub(in super::super) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

pub(in super::super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

pub(in super::super) fn create_directory(path: &Path) -> io::Result<()> {
    create_dir(path)
}

pub(in super::super) fn check_file(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if metadata.is_file() {
        return Ok(());
    }
    let path = path.display();
    Err(Error::store(format!(
        "the credentials file {path} is not a regular file; delete it, or name another file"
    )))
}

pub(in super::super) fn check_directory(_path: &Path, _metadata: &Metadata) -> Result<(), Error> {
    Ok(())
}

pub(in super::super) fn check_link(_path: &Path, _metadata: &Metadata) -> Result<(), Error> {
    Ok(())
}

pub(in super::super) fn lock(file: &File) -> io::Result<()> {
    FileExt::lock(file)
}

pub(in super::super) fn try_lock(file: &File) -> io::Result<bool> {
    match FileExt::try_lock(file) {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

pub(in super::super) fn unlock(file: &File) {
    let _ = FileExt::unlock(file);
}

/// A reader or a virus scanner that has the file open holds the rename up. Such a one is gone soon.
pub(in super::super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    const WAITS: [u64; 7] = [5, 10, 20, 40, 80, 160, 320];
    for wait in WAITS {
        match rename_file(from, to) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                sleep(Duration::from_millis(wait));
            }
            renamed => return renamed,
        }
    }
    rename_file(from, to)
}

/// A directory can't be synced here.
pub(in super::super) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

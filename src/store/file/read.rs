//! Reads the credentials file, and sets a damaged one aside.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};

use zeroize::Zeroizing;

use super::failure::{damaged, failed};
use super::lock::FileLock;
use super::paths::Paths;
use super::platform::{self, Stamp};
use crate::error::Error;
use crate::store::Entry;

/// What is at the path of the credentials file.
pub(super) enum Found {
    Nothing,
    Entry(Entry, Stamp),
    /// It was cut off, or it is something else. It is never taken for a token.
    Damaged,
}

/// Reads the file. No lock is needed, because a rename puts it there as a whole.
pub(super) fn look(paths: &Paths) -> Result<Found, Error> {
    paths.check()?;
    let path = paths.entry();
    let unreadable = |error| failed("the credentials file", &path, "read", error);
    let file = match platform::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(unreadable(error)),
    };
    let metadata = file.metadata().map_err(unreadable)?;
    platform::check_file(&path, &metadata)?;
    let text = text(file, &metadata).map_err(unreadable)?;
    let entry = std::str::from_utf8(&text).ok().and_then(|text| Entry::from_text(text).ok());
    Ok(entry.map_or(Found::Damaged, |entry| Found::Entry(entry, platform::stamp(&metadata))))
}

/// Reads the file. A damaged one is renamed, so that it is an error once and then as if there was none.
pub(super) fn load(paths: &Paths, is_wanted: &dyn Fn() -> bool) -> Result<Option<Entry>, Error> {
    match look(paths)? {
        Found::Nothing => Ok(None),
        Found::Entry(entry, _) => Ok(Some(entry)),
        Found::Damaged => {
            let _lock = FileLock::wait_for_write(paths, is_wanted)?;
            load_locked(paths)
        }
    }
}

/// The same for whoever has the lock of writes.
pub(super) fn load_locked(paths: &Paths) -> Result<Option<Entry>, Error> {
    match look(paths)? {
        Found::Nothing => Ok(None),
        Found::Entry(entry, _) => Ok(Some(entry)),
        Found::Damaged => Err(set_aside(paths)?),
    }
}

/// The same for a write: what is set aside is as if there was nothing.
pub(super) fn found_or_set_aside(paths: &Paths) -> Result<Option<Entry>, Error> {
    match look(paths)? {
        Found::Nothing => Ok(None),
        Found::Entry(entry, _) => Ok(Some(entry)),
        Found::Damaged => set_aside(paths).map(|_reported| None),
    }
}

/// Renames a damaged file. Returns the error that says so.
fn set_aside(paths: &Paths) -> Result<Error, Error> {
    let (path, aside) = (paths.entry(), paths.damaged());
    platform::rename(&path, &aside)
        .map_err(|error| failed("the damaged credentials file", &path, "set aside", error))?;
    Ok(damaged(&path, &aside))
}

/// The bytes of the file, in a buffer that does not grow, so that no copy is left. Of a file that is too long it is the
/// beginning, which is no entry.
fn text(mut file: File, metadata: &Metadata) -> io::Result<Zeroizing<Vec<u8>>> {
    /// Far more than any entry has.
    const LONGEST: usize = 1 << 20;
    let length = usize::try_from(metadata.len()).unwrap_or(LONGEST).min(LONGEST);
    let mut text = Zeroizing::new(vec![0; length]);
    let mut end = 0;
    while end < length {
        match file.read(&mut text[end..]) {
            Ok(0) => break,
            Ok(read) => end += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    text.truncate(end);
    Ok(text)
}

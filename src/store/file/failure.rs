//! What the operating system refused, with what to do about it.

use std::error::Error as _;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::error::Error;

/// `subject` and `path` begin the message, such as "the credentials file" and its path. `action` is what failed.
pub(super) fn failed(subject: impl fmt::Display, path: &Path, action: &str, error: io::Error) -> Error {
    let remedy = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space on its disk",
        ErrorKind::ReadOnlyFilesystem => "make its file system writable, or name another file",
        ErrorKind::PermissionDenied => "allow it to this user, or name another file",
        ErrorKind::ResourceBusy => "if the file is a mount point, mount the directory, not the file",
        ErrorKind::IsADirectory | ErrorKind::NotADirectory => "name another file",
        ErrorKind::Unsupported => "its file system can't do this; name a file on a local disk",
        _ => "check its disk and its directory",
    };
    Error::store(format!("{subject} {} can't be {action}; {remedy}", path.display())).with_source(error)
}

pub(super) fn damaged(path: &Path, set_aside_as: &Path) -> Error {
    let (path, aside) = (path.display(), set_aside_as.display());
    Error::store(format!("the credentials file {path} is damaged; it was set aside as {aside}; log in again"))
}

/// Whether the file system is full or read-only, or does not let this user write.
pub(super) fn is_about_writing(error: &Error) -> bool {
    let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    cause.is_some_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::StorageFull
                | ErrorKind::QuotaExceeded
                | ErrorKind::ReadOnlyFilesystem
                | ErrorKind::PermissionDenied
        )
    })
}

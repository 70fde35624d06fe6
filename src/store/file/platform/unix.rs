//! Unix: owners, modes and flock.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions, rename as rename_file};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::geteuid;

use crate::error::Error;

/// Tells one state of a file from the next: every write makes a new file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Stamp {
    file: (u64, u64),
    length: u64,
    modified: (i64, i64),
}

pub(in super::super) fn stamp(metadata: &Metadata) -> Stamp {
    Stamp {
        file: (metadata.dev(), metadata.ino()),
        length: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    }
}

pub(in super::super) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Opens a file for reading. A FIFO doesn't block it, and it follows no symbolic link.
pub(in super::super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(flags()).open(path)
}

/// Opens a lock file, and creates it if it is missing.
pub(in super::super) fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags());
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || !is_ours(&metadata) {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "it is not a file of this user"));
    }
    if metadata.mode() & 0o777 != 0o600 {
        // Such as a umask that takes the right to read from its owner.
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Creates a file that only this user can read, whatever the umask is. It fails if there is something at the path.
pub(in super::super) fn create(path: &Path) -> io::Result<File> {
    let file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(flags()).open(path)?;
    #[cfg(test)]
    super::super::steps::reach("mode");
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Creates a directory that only this user can enter.
pub(in super::super) fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    // The umask may have taken more.
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// Refuses a credentials file that is not a file, or that others can write.
pub(in super::super) fn check_file(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    let path = path.display();
    let refusal = if !metadata.is_file() {
        format!("the credentials file {path} is not a regular file; delete it, or name another file")
    } else if !is_ours(metadata) {
        let owner = metadata.uid();
        format!(
            "the credentials file {path} belongs to another user (id {owner}); run the program as that user, or \
             change the owner of the file"
        )
    } else if metadata.mode() & 0o022 != 0 {
        format!(
            "others can write to the credentials file {path}; delete it and log in again, or `chmod 600` it"
        )
    } else {
        return Ok(());
    };
    Err(Error::store(refusal))
}

/// Refuses a directory in which other users can replace files.
pub(in super::super) fn check_directory(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    const STICKY: u32 = 0o1000;
    let path = path.display();
    let refusal = if !metadata.is_dir() {
        format!("{path}, where the credentials file is to be, is not a directory; name another file")
    } else if !is_ours_or_root(metadata) {
        let owner = metadata.uid();
        format!(
            "the directory {path} of the credentials file belongs to another user (id {owner}); change its owner, \
             or keep the file elsewhere"
        )
    } else if metadata.mode() & 0o022 != 0 && metadata.mode() & STICKY == 0 {
        format!("others can write to the directory {path} of the credentials file; `chmod go-w` it")
    } else {
        return Ok(());
    };
    Err(Error::store(refusal))
}

/// Refuses a symbolic link that another user may have planted.
pub(in super::super) fn check_link(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if is_ours_or_root(metadata) {
        return Ok(());
    }
    let (path, owner) = (path.display(), metadata.uid());
    Err(Error::store(format!(
        "the credentials file {path} is a symbolic link of another user (id {owner}); delete the link"
    )))
}

/// Waits for the lock. A lock of flock excludes other descriptors of this process, too, unlike one of fcntl. The two
/// don't see each other.
pub(in super::super) fn lock(file: &File) -> io::Result<()> {
    Ok(retry_on_intr(|| flock(file, FlockOperation::LockExclusive))?)
}

/// Takes the lock if it is free.
pub(in super::super) fn try_lock(file: &File) -> io::Result<bool> {
    match retry_on_intr(|| flock(file, FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Gives the lock back. To close the file is not enough: a child that was just forked has it open, too.
pub(in super::super) fn unlock(file: &File) {
    let _ = retry_on_intr(|| flock(file, FlockOperation::Unlock));
}

pub(in super::super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    rename_file(from, to)
}

/// Makes a rename last.
pub(in super::super) fn sync_directory(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_all() {
        // Some file systems have nothing to do there, and say so.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

fn flags() -> i32 {
    (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32
}

fn is_ours(metadata: &Metadata) -> bool {
    metadata.uid() == geteuid().as_raw()
}

fn is_ours_or_root(metadata: &Metadata) -> bool {
    metadata.uid() == 0 || is_ours(metadata)
}

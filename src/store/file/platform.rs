//! What the operating systems do differently: who owns a file, how a file is locked, and when a rename lasts.

#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod windows;

#[cfg(unix)]
pub(super) use unix::{
    Stamp, check_directory, check_file, check_link, create, create_directory, is_same, lock, open, open_lock,
    rename, stamp, sync_directory, try_lock, unlock,
};
#[cfg(not(unix))]
pub(super) use windows::{
    Stamp, check_directory, check_file, check_link, create, create_directory, is_same, lock, open, open_lock,
    rename, stamp, sync_directory, try_lock, unlock,
};

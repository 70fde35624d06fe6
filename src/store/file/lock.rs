//! Locks of the kernel, on files beside the credentials file.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::failure::failed;
use super::paths::Paths;
use super::platform;
use crate::error::Error;

/// A lock on a file. It ends when it is dropped, or with the process, however that ends. No age, date or process id decides.
#[derive(Debug)]
pub(super) struct FileLock(File);

impl FileLock {
    /// Waits for the guard for as long as it takes. The kernel serves those who wait in order, which those who ask again and
    /// again are not.
    pub(super) fn wait_for_guard(paths: &Paths) -> Result<Self, Error> {
        Self::take(paths, &paths.guard(), |file| platform::lock(file).map(|()| true))
    }

    /// Waits until nobody else writes. A write takes milliseconds, unless its process was stopped in the middle of it, so this
    /// one asks again and again while `is_wanted` says so.
    pub(super) fn wait_for_write(paths: &Paths, is_wanted: &dyn Fn() -> bool) -> Result<Self, Error> {
        const LONGEST_WAIT: Duration = Duration::from_millis(16);
        let mut wait = Duration::from_millis(1);
        Self::take(paths, &paths.lock(), |file| {
            while !platform::try_lock(file)? {
                if !is_wanted() {
                    return Ok(false);
                }
                sleep(wait);
                wait = LONGEST_WAIT.min(2 * wait);
            }
            Ok(true)
        })
    }

    fn take(
        paths: &Paths,
        path: &Path,
        mut wait: impl FnMut(&File) -> io::Result<bool>,
    ) -> Result<Self, Error> {
        // Some file systems don't tell which file is which, so there is an end to it.
        const ATTEMPTS: u32 = 5;
        for attempt in 1.. {
            let file = open(paths, path)?;
            #[cfg(test)]
            super::steps::reach("lock");
            match wait(&file) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Err(failed("the lock file", path, "locked", error)),
            }
            let lock = Self(file);
            // If somebody has deleted the file meanwhile, others lock another one.
            if lock.is_at(path) || attempt == ATTEMPTS {
                return Ok(lock);
            }
        }
        Err(Error::store("nobody waits for this call any more"))
    }

    fn is_at(&self, path: &Path) -> bool {
        match (self.0.metadata(), fs::symlink_metadata(path)) {
            (Ok(locked), Ok(found)) => platform::is_same(&locked, &found),
            _ => false,
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.0
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        platform::unlock(&self.0);
    }
}

fn open(paths: &Paths, path: &Path) -> Result<File, Error> {
    let opened = match platform::open_lock(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            paths.create_directory()?;
            platform::open_lock(path)
        }
        opened => opened,
    };
    opened.map_err(|error| failed("the lock file", path, "opened", error))
}

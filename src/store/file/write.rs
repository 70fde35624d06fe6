//! Writes the credentials file: as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::path::PathBuf;

use super::failure::failed;
use super::paths::Paths;
use super::platform;
use crate::error::Error;
use crate::store::Entry;

/// A file beside the credentials file, which is renamed to it. It is deleted when it is dropped before that.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    /// Empty after the rename.
    path: PathBuf,
}

impl Draft {
    pub(super) fn new(paths: &Paths) -> Result<Self, Error> {
        paths.check()?;
        let path = paths.temporary();
        #[cfg(test)]
        super::steps::reach("create");
        let file = platform::create(&path)
            .map_err(|error| failed("a file beside the credentials file", &path, "created", error))?;
        Ok(Self { file, path })
    }

    /// A draft that has its place on the disk already, so that it can be written when the disk is full.
    ///
    /// On a file system that writes every change elsewhere (btrfs, ZFS), there is no such place.
    pub(super) fn with_room_for(entry: &Entry, paths: &Paths) -> Result<Self, Error> {
        /// A block of any common file system.
        const LEAST: usize = 16 << 10;
        let length = LEAST.max(2 * entry.expose_text().len());
        let mut draft = Self::new(paths)?;
        #[cfg(test)]
        super::steps::reach("pad");
        let padded = draft.file.write_all(&vec![b' '; length]).and_then(|()| sync(&draft.file));
        padded.map_err(|error| draft.unwritable(error))?;
        Ok(draft)
    }

    /// Writes the entry and puts it in place of the credentials file, if `is_wanted` still says so by then. Whoever calls this
    /// has the lock of writes. After an error the draft can be used again.
    pub(super) fn put(
        &mut self,
        entry: &Entry,
        paths: &Paths,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        let text = entry.expose_text();
        #[cfg(test)]
        super::steps::reach("write");
        self.write(text.as_bytes()).map_err(|error| self.unwritable(error))?;
        #[cfg(test)]
        super::steps::reach("rename");
        if !is_wanted() {
            return Err(Error::store("nobody waits for this write any more"));
        }
        let entry = paths.entry();
        platform::rename(&self.path, &entry)
            .map_err(|error| failed("the credentials file", &entry, "replaced", error))?;
        self.path = PathBuf::new();
        settle(paths)
    }

    /// Whether it is the credentials file now.
    pub(super) fn is_put(&self) -> bool {
        self.path.as_os_str().is_empty()
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(text)?;
        self.file.set_len(text.len().try_into().unwrap_or(u64::MAX))?;
        sync(&self.file)
    }

    fn unwritable(&self, error: io::Error) -> Error {
        failed("a file beside the credentials file", &self.path, "written", error)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_put() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the last rename last.
pub(super) fn settle(paths: &Paths) -> Result<(), Error> {
    #[cfg(test)]
    super::steps::reach("sync directory");
    platform::sync_directory(paths.directory())
        .map_err(|error| failed("the directory of the credentials file", paths.directory(), "synced", error))
}

fn sync(file: &File) -> io::Result<()> {
    #[cfg(test)]
    super::steps::reach("sync");
    file.sync_all()
}

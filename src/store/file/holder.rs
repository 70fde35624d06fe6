//! Who has the guard, as text in its lock file. It is for a message to a person: nothing is decided by it.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};

use serde::{Deserialize, Serialize};

use super::paths::Paths;
use super::platform;
use crate::store::Holder;

#[derive(Serialize, Deserialize)]
struct Text {
    pid: u32,
    host: String,
    since: u64,
}

/// Writes the holder into the lock file, which is locked. A full disk does not matter.
pub(super) fn write(mut file: &File, holder: &Holder) {
    let Holder { pid, host, since } = holder.clone();
    let Ok(text) = serde_json::to_vec(&Text { pid, host, since }) else { return };
    let written = file.rewind().and_then(|()| file.write_all(&text));
    if written.is_ok() {
        let _ = file.set_len(text.len().try_into().unwrap_or(0));
    }
}

/// Reads it, while another process has the lock. Windows does not let this one read it then.
pub(super) fn read(paths: &Paths) -> Option<Holder> {
    const LONGEST: u64 = 4096;
    let file = platform::open(&paths.guard()).ok()?;
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).ok()?;
    let Text { pid, host, since } = serde_json::from_slice(&text).ok()?;
    Some(Holder { pid, host, since })
}

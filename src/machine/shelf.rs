//! What the store may hold, and whether it still has to forget what was logged out.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::credentials::Credentials;

/// How many writes in a row may fail before one of them could be taken for another process's: eight bytes each.
const MAX_WRITES: usize = 1024;

/// What the machine knows about the store's content. Anything else there comes from another process.
#[derive(Default)]
pub(super) struct Shelf {
    /// Hashes of both tokens: of what the store held last for certain, and of every write that was begun since. A failed
    /// write may have happened.
    known: Vec<u64>,
    /// The store still has to forget what was logged out (R17).
    pub(super) must_forget: bool,
}

impl Shelf {
    /// The shelf after a log-out.
    pub(super) fn to_forget() -> Self {
        Self { known: Vec::new(), must_forget: true }
    }

    /// Whether the store may hold these because they were read from it or written to it here.
    pub(super) fn may_hold(&self, found: &Credentials) -> bool {
        self.known.contains(&hash(found))
    }

    /// The store holds these for certain.
    pub(super) fn holds(&mut self, credentials: &Credentials) {
        self.known = vec![hash(credentials)];
    }

    /// These are about to be written.
    pub(super) fn begin_write(&mut self, credentials: &Credentials) {
        if self.known.len() == MAX_WRITES {
            // The first one stays: the store holds it if every write has failed.
            self.known.remove(1);
        }
        self.known.push(hash(credentials));
    }

    /// The store has forgotten what was logged out. A write that was begun since then may still happen.
    pub(super) fn forgot(&mut self) {
        self.must_forget = false;
    }
}

/// The hash of both tokens.
fn hash(credentials: &Credentials) -> u64 {
    let mut hasher = DefaultHasher::new();
    (credentials.access_token(), credentials.refresh_token()).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;

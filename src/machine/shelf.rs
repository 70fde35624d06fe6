//! What the store may hold because this cache read or wrote it: anything else there is another process's.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::state::State;
use crate::Credentials;

/// How many writes in a row may fail before one of them could be taken for another process's: eight bytes each.
const MAX_STORED: usize = 1024;

/// Hashes of both tokens: of what the store held last for certain, and of every write begun since. A failed write
/// may have happened.
#[derive(Default)]
pub(super) struct Stored(Vec<u64>);

impl Stored {
    pub(super) fn only(credentials: &Credentials) -> Self {
        Self(vec![hash(credentials)])
    }

    pub(super) fn may_be(&self, found: &Credentials) -> bool {
        self.0.contains(&hash(found))
    }

    fn push(&mut self, credentials: &Credentials) {
        if self.0.len() == MAX_STORED {
            // Never the first: where every write has failed, the store holds that one.
            self.0.remove(1);
        }
        self.0.push(hash(credentials));
    }
}

impl State {
    /// This is about to be written to the store.
    pub(crate) fn writes(&mut self, credentials: &Credentials) {
        self.stored.push(credentials);
    }

    /// The program has written this to the store, or had it forget, outside any flight.
    pub(crate) fn wrote(&mut self, credentials: Option<Credentials>) {
        // A log-out that came during the write still has to be carried through (R17).
        let current = match (&credentials, &self.held) {
            (Some(written), Some(held)) => held.credentials.same_tokens(written),
            (Some(_), None) => false,
            (None, _) => true,
        };
        self.must_forget &= !current;
        self.stored = credentials.as_ref().map(Stored::only).unwrap_or_default();
    }

    /// Whether the store may be read: not while what was cleared may still be in it (R17).
    pub(super) fn may_read(&self) -> bool {
        self.has_store && !self.must_forget
    }
}

/// Of both tokens.
fn hash(credentials: &Credentials) -> u64 {
    let mut hasher = DefaultHasher::new();
    (credentials.access_token(), credentials.refresh_token()).hash(&mut hasher);
    hasher.finish()
}

pub(super) fn hash_access_token(credentials: &Credentials) -> u64 {
    let mut hasher = DefaultHasher::new();
    credentials.access_token().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;

//! Which log-ins a log-out has ended. It can't always be written at once, and what a later write meets in the store may be from
//! before the log-out or from after it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::credentials::Credentials;
use crate::store::Version;

/// How many of each are remembered: more than can be on their way to a store.
const MAX: usize = 32;

/// The log-ins before and after the last log-out.
#[derive(Default)]
pub(super) struct Logins {
    /// Those that this process has read or tried to save since the last log-out. A save that seemed to fail may have happened.
    since: Vec<u64>,
    /// Those that a log-out has ended.
    ended: Vec<u64>,
    /// The grants, as hashes, that a log-out has ended and that were revoked for that reason.
    revoked: Vec<u64>,
    /// The log-out could not know all log-ins that it ended, because it did not know what the store held.
    has_ended_more: bool,
    /// The number of the note of a log-out that could not read the store. It is greater than that of any log-in before it.
    unread_note: Option<u64>,
    /// The log-out ended credentials without a version. The first version may be a refresh of them.
    has_ended_unnamed: bool,
}

/// How a log-in that was found in the store belongs to the last log-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belongs {
    /// It was ended, or may have been.
    Before,
    /// It came after the log-out.
    Since,
    /// Another process has made it, and this one did not know of it.
    Elsewhere,
}

impl Logins {
    /// This process has read it, or may have written it.
    pub(super) fn knows(&mut self, version: &Version) {
        if version.sequence > 0 {
            remember(&mut self.since, version.login);
        }
    }

    /// A log-out ends what is in use, what the store was known to hold, and what this process knew before.
    pub(super) fn log_out(&mut self, ours: Option<&Version>, stored: Option<&Version>, is_known: bool) {
        for login in std::mem::take(&mut self.since) {
            remember(&mut self.ended, login);
        }
        self.has_ended_more = !is_known;
        self.unread_note = None;
        self.has_ended_unnamed = false;
        ours.into_iter().chain(stored).for_each(|version| self.ends(version));
    }

    /// The note is written over a store that can't be read.
    pub(super) fn notes_unread(&mut self, note: &Version) {
        self.unread_note = Some(note.sequence);
    }

    /// The log-out has read the store.
    pub(super) fn has_read_all(&mut self) {
        self.has_ended_more = false;
    }

    /// A log-out ends this.
    pub(super) fn ends(&mut self, version: &Version) {
        match version.sequence {
            0 => self.has_ended_unnamed = true,
            _ => remember(&mut self.ended, version.login),
        }
    }

    pub(super) fn has_ended(&self, found: &Version) -> bool {
        self.ended.contains(&found.login)
    }

    pub(super) fn belongs(&self, found: &Version) -> Belongs {
        match found.sequence {
            // It can't be told by whom it is.
            0 => Belongs::Before,
            _ if self.since.contains(&found.login) => Belongs::Since,
            1 if self.has_ended_unnamed => Belongs::Before,
            _ if self.has_ended(found) => Belongs::Before,
            // The note is in the store, although its write seemed to fail: this is the log-in after it.
            sequence if self.unread_note.is_some_and(|note| note.checked_add(1) == Some(sequence)) => {
                Belongs::Since
            }
            _ if self.has_ended_more => Belongs::Before,
            _ => Belongs::Elsewhere,
        }
    }

    /// These are revoked because of a log-out.
    pub(super) fn revokes(&mut self, credentials: &Credentials) {
        remember(&mut self.revoked, hash_grant(credentials));
    }

    pub(super) fn has_revoked(&self, credentials: &Credentials) -> bool {
        self.revoked.contains(&hash_grant(credentials))
    }
}

fn remember(all: &mut Vec<u64>, one: u64) {
    all.retain(|other| *other != one);
    all.push(one);
    if all.len() > MAX {
        all.remove(0);
    }
}

fn hash_grant(credentials: &Credentials) -> u64 {
    let mut hasher = DefaultHasher::new();
    credentials.refresh_token().unwrap_or(credentials.access_token()).hash(&mut hasher);
    hasher.finish()
}

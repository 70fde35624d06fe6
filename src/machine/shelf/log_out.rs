//! A log-out at the store: its note, and what is found in place of it (R17).

use std::time::UNIX_EPOCH;

use super::logins::Belongs;
use super::{Shelf, random_ids};
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::store::{Content, Entry, Version};

impl Shelf {
    /// A log-out: what is in use is forgotten, and the store has to forget it too. `grants` are revoked.
    pub(in crate::machine) fn log_out(&mut self, grants: &[Credentials]) {
        let tombstone = Entry::of(self.latest().next_login(random_ids()), Content::LoggedOut);
        let mut logins = std::mem::take(&mut self.logins);
        logins.log_out(self.ours.as_ref().map(Entry::version), self.stored.as_ref(), self.is_known);
        grants.iter().for_each(|grant| logins.revokes(grant));
        *self = Self {
            id: self.id,
            stored: self.stored,
            is_known: self.is_known,
            forget: Some(tombstone.clone()),
            found: std::mem::take(&mut self.found),
            met: std::mem::take(&mut self.met),
            logins,
            ours: Some(tombstone),
            refreshes_without_store: self.refreshes_without_store,
            ..Self::default()
        };
    }

    /// Another process has logged out: that ends the login in use.
    pub(in crate::machine) fn ends_login(&mut self) {
        let ours = self.ours.as_ref().filter(|ours| !ours.is_logged_out()).map(|ours| *ours.version());
        ours.iter().for_each(|ours| self.logins.ends(ours));
    }

    /// Whether a log-out has ended the login that was found.
    pub(in crate::machine) fn has_ended(&self, found: &Entry) -> bool {
        self.logins.has_ended(found.version())
    }

    /// The log-out itself has found this. What it finds, it ends.
    pub(in crate::machine) fn log_out_finds(&mut self, found: Option<&Entry>) {
        self.logins.has_read_all();
        let Some((found, credentials)) = found.and_then(|found| Some((found, found.credentials()?))) else {
            return;
        };
        self.logins.ends(found.version());
        self.logins.revokes(credentials);
        self.found.push(credentials.clone());
    }

    /// The log-out has ended, and its note could not be written. From now on, another process may have logged in since.
    pub(in crate::machine) fn log_out_failed(&mut self) {
        self.overwrites = false;
        self.log_out_is_late = true;
    }

    /// A flight has found this in the store while the note of a log-out is not written. If somebody has logged in since, the log-out
    /// is over, and this returns `true`. Otherwise the log-out ends what was found, which is revoked.
    pub(in crate::machine) fn log_out_meets(&mut self, found: &Entry) -> bool {
        let Some(credentials) = found.credentials() else { return false };
        match self.logins.belongs(found.version()) {
            Belongs::Since => {}
            Belongs::Elsewhere if self.log_out_is_late => {}
            Belongs::Before | Belongs::Elsewhere => {
                if !self.logins.has_revoked(credentials) {
                    self.logins.revokes(credentials);
                    self.met.push(credentials.clone());
                }
                return false;
            }
        }
        self.forget = None;
        // The note was in no store, so it is not compared with what is there.
        self.ours.take_if(|ours| ours.is_logged_out());
        true
    }

    /// Makes the note of a log-out newer than what was found. Credentials from a log-in since then stay newer than the note.
    pub(in crate::machine) fn forget_over(&mut self, found: Version) -> Option<Entry> {
        let forget = self.forget.as_mut()?;
        if forget.version().sequence <= found.sequence {
            let newer = Entry::of(found.next_login(random_ids()), Content::LoggedOut);
            let old = std::mem::replace(forget, newer.clone());
            match self.ours.as_ref().and_then(Entry::credentials).cloned() {
                Some(since) => {
                    self.ours = Some(self.logged_in(since));
                    // What was tried had another version.
                    self.rest = None;
                    self.unsaved_since = None;
                }
                None if self.ours.as_ref().is_some_and(|ours| ours.version() == old.version()) => {
                    self.ours = Some(newer);
                }
                None => {}
            }
        }
        self.forget.clone()
    }

    /// The note of a log-out for a store that can't be read. If nothing is known of its content, the seconds since 1970 are
    /// greater than any number of log-ins.
    pub(in crate::machine) fn forget_unread(&mut self, now: Reading) -> Option<Entry> {
        let seconds = now.wall.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if self.is_known {
            return self.forget.clone();
        }
        let note = self.forget_over(Version::unnamed(0).at_sequence(seconds));
        note.iter().for_each(|note| self.logins.notes_unread(note.version()));
        note
    }

    /// Whether nothing was held since a log-out. Then its note is to be written again.
    pub(in crate::machine) fn remembers_log_out(&mut self) -> bool {
        self.forget = self.ours.as_ref().filter(|ours| ours.is_logged_out()).cloned();
        self.forget.is_some()
    }

    /// The note of the log-out is in the store.
    pub(in crate::machine) fn forgot(&mut self) {
        if let Some(forget) = self.forget.take() {
            self.stored = Some(*forget.version());
            self.is_known = true;
        }
    }
}

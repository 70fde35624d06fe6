//! What the machine knows about the store's content, and what it still has to write there.

mod log_out;
mod logins;

use logins::Logins;

use super::flight::Rest;
use super::pace::random_ids;
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::store::{Content, Entry, Holder, Intent, Relation, Version};

/// What the machine knows about the store.
pub(super) struct Shelf {
    /// Tells this authenticator from those of other processes.
    id: u64,
    /// What belongs to the credentials in use, or to the last log-out. The store may not hold it yet.
    ours: Option<Entry>,
    /// The program has set `ours` before anything was known of the store. It is newer than whatever the store holds then.
    is_set: bool,
    /// What was set, as it is being saved.
    saving: Option<Entry>,
    /// What the store held when it was last read or written; `None` for nothing.
    pub(super) stored: Option<Version>,
    /// The version of the same in a store that keeps nothing but the tokens.
    stored_unnamed: Option<Version>,
    /// Whether `stored` is known.
    pub(super) is_known: bool,
    /// The note of a log-out that still has to be written (R17).
    pub(super) forget: Option<Entry>,
    /// The log-out is written over whatever is there, because the store can't be read.
    pub(super) overwrites: bool,
    /// How often in a row the store has refused what is written outside of a flight, because it held something else.
    pub(super) refused: u32,
    /// The log-out is over and could not be written, so a flight writes it.
    log_out_is_late: bool,
    /// What a flight, with this number, left to do at the store.
    pub(super) rest: Option<(u64, Rest)>,
    /// The flight that could not save a rotated refresh token, while that is still tried (R54).
    pub(super) unsaved_since: Option<u64>,
    /// Why it could not be saved at the last attempt.
    pub(super) save_error: Option<Error>,
    /// What a log-out found in the store.
    pub(super) found: Vec<Credentials>,
    /// What a flight found there that a log-out had ended. It is still to be revoked.
    pub(super) met: Vec<Credentials>,
    /// The log-ins before and after the last log-out.
    logins: Logins,
    /// A refresh token is spent even if its successor can't be stored.
    pub(super) refreshes_without_store: bool,
}

/// What was found in the store, compared with what is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// Newer credentials, or credentials of another writer.
    News,
    /// A log-out that is newer.
    LoggedOut,
    /// What is known.
    Ours,
    /// Nothing, or something older. It may be written over (R64).
    Outdated,
}

/// Whether what was found is of another log-in than what is in use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangeOfLogin {
    None,
    /// The same user has logged in again, as far as is known.
    Again,
    /// There was a log-out in between, so that it may be another user's.
    AfterLogOut,
}

impl Default for Shelf {
    fn default() -> Self {
        let [id, _] = random_ids();
        Self {
            id,
            ours: None,
            is_set: false,
            saving: None,
            stored: None,
            stored_unnamed: None,
            is_known: false,
            forget: None,
            overwrites: false,
            refused: 0,
            log_out_is_late: false,
            rest: None,
            unsaved_since: None,
            save_error: None,
            found: Vec::new(),
            met: Vec::new(),
            logins: Logins::default(),
            refreshes_without_store: false,
        }
    }
}

impl Shelf {
    pub(super) fn ours(&self) -> Option<&Entry> {
        self.ours.as_ref()
    }

    /// Compares what was found with what is known. What `ours` was made from is older, even if it names no version.
    pub(super) fn finding(&self, found: Option<&Entry>) -> Finding {
        let Some(found) = found else { return Finding::Outdated };
        let relation = match &self.ours {
            None => Relation::Newer,
            Some(ours) if ours.version() == found.version() => Relation::Same,
            // What comes from this very log-in was refreshed by another process: a save that seemed to fail has happened.
            Some(ours) if self.is_set && found.version().login != ours.version().login => Relation::Older,
            // A store may keep nothing but the tokens.
            Some(ours) if ours.unnamed_version().as_ref() == Some(found.version()) => Relation::Same,
            Some(_) if [self.stored, self.stored_unnamed].contains(&Some(*found.version())) => {
                Relation::Older
            }
            Some(ours) => found.version().relation_to(ours.version()),
        };
        match relation {
            Relation::Same => Finding::Ours,
            Relation::Older => Finding::Outdated,
            Relation::Newer | Relation::Fork if found.is_logged_out() => Finding::LoggedOut,
            Relation::Newer | Relation::Fork => Finding::News,
        }
    }

    /// Whether this is of another log-in than `ours`.
    pub(super) fn change_of_login(&self, found: &Entry) -> ChangeOfLogin {
        let Some(ours) = self.ours.as_ref().filter(|ours| !ours.is_logged_out()) else {
            return ChangeOfLogin::None;
        };
        let (ours, found) = (ours.version(), found.version());
        match found.sequence.saturating_sub(ours.sequence) {
            _ if ours.login == found.login || ours.sequence == 0 || found.sequence == 0 => {
                ChangeOfLogin::None
            }
            0 | 1 => ChangeOfLogin::Again,
            _ => ChangeOfLogin::AfterLogOut,
        }
    }

    /// The store holds this.
    pub(super) fn holds(&mut self, entry: Entry) {
        self.stored = Some(*entry.version());
        self.stored_unnamed = entry.unnamed_version();
        self.is_known = true;
        if !entry.is_logged_out() {
            self.logins.knows(entry.version());
        }
        self.ours = Some(entry);
        self.is_set = false;
        // It is newer than any log-out here, and what was set is stored with it, or is in use no longer.
        self.forget = None;
        self.saving = None;
    }

    /// The store held this when it was read.
    pub(super) fn read(&mut self, found: Option<&Entry>) {
        self.stored = found.map(|found| *found.version());
        self.stored_unnamed = found.and_then(Entry::unnamed_version);
        self.is_known = true;
        if let Some(found) = found.filter(|found| self.forget.is_none() && !found.is_logged_out()) {
            // A later log-out ends it, too.
            self.logins.knows(found.version());
        }
        if self.is_set {
            self.log_in_over();
        }
    }

    /// Makes the log-in that is in use newer than what the store holds.
    pub(super) fn log_in_over(&mut self) {
        let ours = self.ours.as_ref().and_then(Entry::credentials).cloned();
        let stored = self.stored.map_or(0, |stored| stored.sequence);
        if let Some(ours) = ours.filter(|_| self.latest().sequence == stored) {
            self.ours = Some(self.logged_in(ours));
        }
        self.is_set = false;
    }

    /// These are in use, and the store does not hold them.
    pub(super) fn uses(&mut self, entry: Entry) {
        self.ours = Some(entry);
    }

    /// The entry of credentials from a log-in. It is newer than all that is known.
    pub(super) fn logged_in(&mut self, credentials: Credentials) -> Entry {
        let version = self.latest().next_login(random_ids());
        self.logins.knows(&version);
        match &self.ours {
            Some(ours) if !ours.is_logged_out() => ours.successor(version, credentials),
            _ => Entry::of(version, Content::Credentials(credentials)),
        }
    }

    /// The program has set credentials. They are a new log-in, and what a flight has left to do does not matter any more.
    pub(super) fn set(&mut self, credentials: &Credentials) {
        self.ours = Some(self.logged_in(credentials.clone()));
        self.is_set = !self.is_known;
        self.rest = None;
        self.unsaved_since = None;
    }

    /// The entry of credentials from a refresh, or of others of the same log-in.
    pub(super) fn refreshed(&mut self, credentials: Credentials) -> Entry {
        match &self.ours {
            Some(ours) if !ours.is_logged_out() => {
                ours.successor(ours.version().next_refresh(random_ids()), credentials)
            }
            _ => self.logged_in(credentials),
        }
    }

    /// What the program has set is about to be saved. `None` if a flight has stored it.
    pub(super) fn saves_set(&mut self) -> Option<Entry> {
        self.saving = self.ours.clone().filter(|ours| self.stored.as_ref() != Some(ours.version()));
        self.saving.clone()
    }

    /// Whether that is still to be done.
    pub(super) fn is_saving_set(&self) -> bool {
        self.saving.is_some()
    }

    /// It was saved. Meanwhile, a log-out may have made `ours` newer than what it met.
    pub(super) fn saved_set(&mut self) {
        if let Some(saved) = self.saving.take() {
            self.holds(saved);
        }
    }

    /// What is to be written before the refresh token is sent: `ours`, with the note that an exchange is open.
    pub(super) fn proof(&self, now: Reading) -> Option<(Option<Version>, Entry)> {
        let intent = Intent { id: self.id, holder: Holder::this_process(now.wall) };
        Some((self.stored, self.ours.clone()?.with_intent(Some(intent))))
    }

    /// The exchange that another process has left open with the refresh token of `ours`.
    pub(super) fn foreign_intent(&self) -> Option<&Intent> {
        self.ours.as_ref()?.intent().filter(|intent| intent.id != self.id)
    }

    /// The newest version that is known.
    fn latest(&self) -> Version {
        let ours = self.ours.as_ref().map(Entry::version);
        let known = ours.into_iter().chain(&self.stored).chain(self.forget.as_ref().map(Entry::version));
        known.copied().max_by_key(|version| version.sequence).unwrap_or(Version::unnamed(0))
    }
}

#[cfg(test)]
mod tests;

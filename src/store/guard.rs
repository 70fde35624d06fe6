//! The guard of a store: the right to spend the refresh token that the store holds.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::{Entry, Holder, Version};
use crate::error::Error;
use crate::timing::Timing;

/// What [`CredentialStore::guard`](super::CredentialStore::guard) is asked for.
#[derive(Clone)]
pub struct GuardRequest {
    pub(crate) limit: Duration,
    pub(crate) call_limit: Duration,
    pub(crate) holder: Holder,
    /// What to write over which version, to prove that the store can be written.
    pub(crate) proof: Option<(Option<Version>, Entry)>,
}

impl GuardRequest {
    /// Creates a request of this process that waits no longer than `limit` and writes nothing. Authenticators make their own
    /// requests; this is for tests of a store.
    pub fn new(limit: Duration) -> Self {
        Self {
            limit,
            call_limit: Timing::STORE_TIMEOUT,
            holder: Holder::this_process(SystemTime::now()),
            proof: None,
        }
    }

    /// Asks for `entry` to be written if the store holds the version `expected`, or nothing if that is `None`.
    #[must_use]
    pub fn with_entry(mut self, expected: Option<Version>, entry: Entry) -> Self {
        self.proof = Some((expected, entry));
        self
    }

    /// Returns how long to wait for the guard at most.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Returns how long one call of the store may take at most ([`Timing::store_timeout`](crate::Timing::store_timeout)).
    pub fn call_limit(&self) -> Duration {
        self.call_limit
    }

    /// Returns who asks: this process, and since when.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Returns what to write, now that `found` was read under the guard. `None` if nothing is to be written: `found` is not
    /// what the authenticator knows, another process has an exchange open, or the provider has refused the refresh token.
    ///
    /// The entry has the version of `found`. It says in addition that an exchange is open, and it proves that the store can
    /// be written before a refresh token is spent. Only after that was written the guard [is written](Guard::written).
    pub fn entry_to_write(&self, found: Option<&Entry>) -> Option<Entry> {
        let (expected, entry) = self.proof.as_ref()?;
        let is_expected = found.map(Entry::version) == expected.as_ref();
        let is_free = found
            .and_then(Entry::intent)
            .is_none_or(|intent| Some(intent.id) == entry.intent().map(|own| own.id));
        let is_refused = found.is_some_and(Entry::is_refused);
        (is_expected && is_free && !is_refused).then(|| entry.clone())
    }
}

impl fmt::Debug for GuardRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardRequest")
            .field("limit", &self.limit)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

/// The right to spend the refresh token that a store holds. At most one process has it, as far as the store can promise
/// that. Dropping it gives it back.
pub struct Guard {
    pub(crate) found: Result<Option<Entry>, Error>,
    pub(crate) is_written: bool,
    pub(crate) cannot_lapse: bool,
    lease: Option<Box<dyn Fn() -> Duration + Send + Sync>>,
    release: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Guard {
    /// Creates a guard under which this was read: the entry, `None` if there is none, or the error if it can't be used.
    pub fn new(found: Result<Option<Entry>, Error>) -> Self {
        Self { found, is_written: false, cannot_lapse: false, lease: None, release: None }
    }

    /// States that [what the request asked for](GuardRequest::entry_to_write) was written.
    #[must_use]
    pub fn written(mut self) -> Self {
        self.is_written = true;
        self
    }

    /// States that no other process can have the guard before this one is dropped, such as with a lock of the kernel. An
    /// exchange that another process has left open then belongs to one that has ended.
    #[must_use]
    pub fn cannot_lapse(mut self) -> Self {
        self.cannot_lapse = true;
        self
    }

    /// Adds a function that returns for how long this process still has the guard for certain.
    #[must_use]
    pub fn with_lease(mut self, left: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.lease = Some(Box::new(left));
        self
    }

    /// Adds what gives the guard back. It is called when the guard is dropped, and must not block.
    #[must_use]
    pub fn on_release(mut self, release: impl FnOnce() + Send + Sync + 'static) -> Self {
        self.release = Some(Box::new(release));
        self
    }

    /// Returns what was read under it.
    pub fn found(&self) -> Result<Option<&Entry>, &Error> {
        self.found.as_ref().map(Option::as_ref)
    }

    /// Whether [what the request asked for](GuardRequest::entry_to_write) was written.
    pub fn is_written(&self) -> bool {
        self.is_written
    }

    /// Returns for how long this process has it for certain. `None` if it can't lapse, or nobody knows.
    pub fn lease_left(&self) -> Option<Duration> {
        self.lease.as_ref().map(|left| left())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            release();
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("found", &self.found)
            .field("is_written", &self.is_written)
            .finish_non_exhaustive()
    }
}

/// Why there is no guard.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuardError {
    /// Another process has it, and the time was up.
    #[error("{}", held(.0.as_ref()))]
    Held(Option<Holder>),
    /// The store, or what coordinates its users, was not reached.
    #[error("{0}")]
    Unreachable(Error),
    /// The store can't be written: it is full or read-only.
    #[error("{0}")]
    NotWritable(Error),
}

fn held(by: Option<&Holder>) -> String {
    match by {
        Some(holder) => format!(
            "the credential store is held by {holder}; if that process stands still, resume or end it"
        ),
        None => {
            "the credential store is held by another process; if one of them stands still, resume or end it"
                .into()
        }
    }
}

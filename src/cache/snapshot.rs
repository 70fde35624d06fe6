//! What is read without the lock: the credentials in use, and until when the machine need not be asked about them.

use std::sync::Arc;

use http::HeaderValue;

use super::Cache;
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::machine::{Deadline, Held};
use crate::per_thread::PerThread;

/// Credentials that may be sent now, and the generation to report if a server rejects them.
pub(crate) struct Usable {
    pub(crate) credentials: Credentials,
    pub(crate) generation: u64,
}

impl Usable {
    pub(super) fn of(held: &Held) -> Self {
        Self { credentials: held.credentials.clone(), generation: held.generation }
    }
}

/// What the lock's holder published last.
pub(super) struct Snapshot {
    credentials: PerThread<Credentials>,
    generation: u64,
    until: Deadline,
    /// The last flight before the last log-out. Those who waited for it, or for an earlier one, must not get this.
    last_before_log_out: u64,
}

impl Cache {
    /// The credentials in use, if the machine need not be asked about them. This takes no lock and allocates nothing.
    pub(crate) fn warm(&self, now: Reading) -> Option<Credentials> {
        self.fresh(now, |snapshot| snapshot.credentials.local(Credentials::copy).clone())
    }

    /// The same for a request: the header value and the generation.
    #[inline]
    pub(crate) fn warm_header(&self, now: Reading) -> Option<(HeaderValue, u64)> {
        let take = |snapshot: &Snapshot| {
            (snapshot.credentials.local(Credentials::copy).header().clone(), snapshot.generation)
        };
        self.fresh(now, take)
    }

    /// What those who waited for this flight may use, now that it has succeeded.
    pub(super) fn usable_after(&self, flight: u64, now: Reading) -> Option<Usable> {
        let take = |snapshot: &Snapshot| {
            let credentials = snapshot.credentials.local(Credentials::copy);
            (flight > snapshot.last_before_log_out)
                .then(|| Usable { credentials: credentials.clone(), generation: snapshot.generation })
        };
        self.fresh(now, take).flatten()
    }

    /// Publishes what may be used without the lock from now on, and until when. The caller holds the lock.
    pub(super) fn publish(&self, usable: Option<(Arc<Held>, Deadline)>, last_before_log_out: u64) {
        let same = |published: Option<&Snapshot>| {
            published.map(|published| (published.generation, published.until))
                == usable.as_ref().map(|(held, until)| (held.generation, *until))
        };
        if !self.snapshot.read(same) {
            self.snapshot.set(usable.map(|(held, until)| {
                let credentials = PerThread::new(held.credentials.clone());
                Arc::new(Snapshot { credentials, generation: held.generation, until, last_before_log_out })
            }));
        }
    }

    #[inline]
    fn fresh<R>(&self, now: Reading, take: impl FnOnce(&Snapshot) -> R) -> Option<R> {
        self.snapshot.read(|snapshot| snapshot.filter(|snapshot| !snapshot.until.passed(now)).map(take))
    }
}

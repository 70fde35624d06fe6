//! What is read without the lock: a credential, and until when no one has to be asked about it.

use std::sync::Arc;

use http::HeaderValue;

use super::Cache;
use crate::Credentials;
use crate::clock::Reading;
use crate::machine::{Deadline, Held};
use crate::per_thread::PerThread;

/// A credential to be used now, and the generation to report should a server reject it.
pub(crate) struct Usable {
    pub(crate) credentials: Credentials,
    pub(crate) generation: u64,
}

impl Usable {
    pub(super) fn of(held: &Held) -> Self {
        Self { credentials: held.credentials.clone(), generation: held.generation }
    }
}

/// What was published last.
pub(super) struct Snapshot {
    credentials: PerThread<Credentials>,
    generation: u64,
    until: Deadline,
    /// The last flight from before a log-out: whoever waited for it, or for an earlier one, may not have this.
    logged_out: u64,
}

impl Cache {
    /// The credential in hand, if nothing has to be asked about it: no lock, no allocation.
    pub(crate) fn warm(&self, now: Reading) -> Option<Credentials> {
        self.fresh(now, |snapshot| snapshot.credentials.local(Credentials::copy).clone())
    }

    /// The same for a request: the header value, and the generation to report should it be rejected.
    #[inline]
    pub(crate) fn warm_header(&self, now: Reading) -> Option<(HeaderValue, u64)> {
        let take = |snapshot: &Snapshot| {
            (snapshot.credentials.local(Credentials::copy).bearer().clone(), snapshot.generation)
        };
        self.fresh(now, take)
    }

    /// What whoever waited for this flight may use, now that it has succeeded.
    pub(super) fn usable_after(&self, flight: u64, now: Reading) -> Option<Usable> {
        let take = |snapshot: &Snapshot| {
            let credentials = snapshot.credentials.local(Credentials::copy);
            (flight > snapshot.logged_out)
                .then(|| Usable { credentials: credentials.clone(), generation: snapshot.generation })
        };
        self.fresh(now, take).flatten()
    }

    /// Publishes what the warm path may use from now on, and until when. The caller has the lock.
    pub(super) fn publish(&self, usable: Option<(Arc<Held>, Deadline)>, logged_out: u64) {
        let same = |published: Option<&Snapshot>| {
            published.map(|published| (published.generation, published.until))
                == usable.as_ref().map(|(held, until)| (held.generation, *until))
        };
        if !self.snapshot.read(same) {
            self.snapshot.set(usable.map(|(held, until)| {
                let credentials = PerThread::new(held.credentials.clone());
                Arc::new(Snapshot { credentials, generation: held.generation, until, logged_out })
            }));
        }
    }

    #[inline]
    fn fresh<R>(&self, now: Reading, take: impl FnOnce(&Snapshot) -> R) -> Option<R> {
        self.snapshot.read(|snapshot| snapshot.filter(|snapshot| !snapshot.until.passed(now)).map(take))
    }
}

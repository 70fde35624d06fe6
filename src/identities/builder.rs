//! Builds a set of [`Identities`] with settings other than the defaults.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::kept::Kept;
use super::{Factory, Identities, Set};
use crate::authenticator::{Authenticator, Exchanges};
use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::timing::Timing;

/// The settings of a set of [`Identities`]. [`Identities::builder`] makes one.
#[must_use]
pub struct IdentitiesBuilder<K> {
    factory: Factory<K>,
    capacity: usize,
    idle: Duration,
    exchanges: Option<usize>,
    clock: Box<dyn Clock>,
    timing: Timing,
}

impl<K: Eq + Hash + Clone + Send + Sync + 'static> IdentitiesBuilder<K> {
    pub(super) fn new<F, Fut>(factory: F) -> Self
    where
        F: Fn(K) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Authenticator, Error>> + Send + 'static,
    {
        Self {
            factory: Box::new(move |key| Box::pin(factory(key))),
            capacity: Identities::<K>::CAPACITY,
            idle: Identities::<K>::IDLE,
            exchanges: None,
            clock: Box::new(SystemClock::new()),
            timing: Timing::default(),
        }
    }

    /// Sets how many identities are kept. Default: [`Identities::CAPACITY`]. Zero counts as one.
    ///
    /// A new key then evicts those that are used least: keys that were asked for once go before those that are asked for often.
    /// What is [in use](Identities#what-is-kept) counts, and is not evicted, so
    /// there may be more for a while. The set has parts, each with its share of this number. So a set with more than 63
    /// may evict an identity before all of it is full: choose a tenth more than the number of identities that you expect.
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity.max(1);
        self
    }

    /// Sets after how much time without use an identity is evicted. Default: [`Identities::IDLE`].
    ///
    /// No timer runs: a call of [`Identities::get`] for any key evicts what is idle, an eighth of this time later at most, or a
    /// minute if that is less.
    pub fn idle(mut self, time: Duration) -> Self {
        self.idle = time;
        self
    }

    /// Sets how many log-ins and refreshes the identities of this set make at once. Default: no limit. Zero counts as one.
    ///
    /// Some providers revoke sibling accounts that refresh at the same moment through one client id: set one. The others
    /// wait, in the order in which they came. A wait that lasts until the deadline of its flight is an
    /// [error](crate::ErrorKind::Transient), and nothing was sent.
    ///
    /// A source may ask another identity of the set for its token: its own exchange gives up its place while it waits, and then
    /// waits for another one. It has to ask in the task in which it was called. In a task that it spawned, it would wait for
    /// its own place until the deadline. A source that gives such a wait up, as a timeout does, goes on without a place if none
    /// is free.
    pub fn exchanges(mut self, at_once: usize) -> Self {
        self.exchanges = Some(at_once);
        self
    }

    /// Sets the clock that decides what is idle, and how long a failure is remembered. Default: [`SystemClock`]. The
    /// authenticators have their own.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Sets how long the factory may take ([`Timing::flight_deadline`]) and how long its failures are remembered
    /// ([`Timing::terminal_memory`]). Default: [`Timing::default`]. The authenticators have their own.
    pub fn timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// Builds the set. This makes no authenticator, spawns nothing and needs no runtime.
    pub fn build(self) -> Identities<K> {
        Identities {
            set: Arc::new(Set {
                kept: Kept::new(self.capacity),
                factory: self.factory,
                idle: self.idle,
                next_look: AtomicU64::new(0),
                exchanges: self.exchanges.map(Exchanges::new),
                clock: self.clock,
                timing: Arc::new(self.timing),
            }),
        }
    }
}

impl<K> fmt::Debug for IdentitiesBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentitiesBuilder")
            .field("capacity", &self.capacity)
            .field("idle", &self.idle)
            .field("exchanges", &self.exchanges)
            .finish_non_exhaustive()
    }
}

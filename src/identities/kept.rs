//! The identities that a set keeps, on a concurrent cache whose evictions can be refused.

use std::cell::RefCell;
use std::hash::{Hash, RandomState};
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, UnitWeighter};

use super::slot::Slot;

// An identity that is in use stays here, so a key has one authenticator at a time. To evict it and find it again through a `Weak`
// would save nothing: whoever uses it keeps its memory.
pub(super) struct Kept<K>(Cache<K, Arc<Slot>, UnitWeighter, RandomState, Rules>);

impl<K: Eq + Hash + Clone> Kept<K> {
    pub(super) fn new(capacity: usize) -> Self {
        let most = u64::try_from(capacity).unwrap_or(u64::MAX);
        Self(Cache::with(capacity, most, UnitWeighter, RandomState::new(), Rules))
    }

    /// The slot of this key. It stays while the caller has it.
    pub(super) fn slot(&self, key: &K) -> Arc<Slot> {
        self.0.get(key).unwrap_or_else(|| {
            let made = self.0.get_or_insert_with(key, || Ok::<_, std::convert::Infallible>(Arc::default()));
            made.unwrap_or_else(|never| match never {})
        })
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Removes a key, whatever its identity is doing.
    pub(super) fn remove(&self, key: &K) -> Option<Arc<Slot>> {
        self.0.remove(key).map(|(_, slot)| slot)
    }

    /// Removes a key, unless its identity is in use.
    pub(super) fn remove_unused(&self, key: &K) {
        // What was removed is dropped here, outside of the lock.
        let _removed = self.0.remove_if(key, |slot| !slot.is_in_use());
    }

    /// Removes what was not in use for this long.
    pub(super) fn remove_idle(&self, idle: Duration, now: Duration) {
        // A source may do anything when it is dropped, so that must not happen under a lock.
        let removed = RefCell::new(Vec::new());
        self.0.retain(|_, slot| {
            if slot.has_users() {
                slot.touch(now);
            }
            if slot.idle_time(now) < idle || slot.is_in_use() {
                return true;
            }
            removed.borrow_mut().push(slot.clone());
            false
        });
    }
}

/// What may be evicted.
#[derive(Clone)]
struct Rules;

impl<K> Lifecycle<K, Arc<Slot>> for Rules {
    /// What was evicted. It is dropped outside of the cache's locks.
    type RequestState = Vec<(K, Arc<Slot>)>;

    fn is_pinned(&self, _: &K, slot: &Arc<Slot>) -> bool {
        slot.is_in_use()
    }

    fn on_evict(&self, evicted: &mut Self::RequestState, key: K, slot: Arc<Slot>) {
        evicted.push((key, slot));
    }
}

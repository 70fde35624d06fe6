//! Copies of one value, so that threads that use it at the same moment don't write to the same memory.
//!
//! To clone an `Arc` or a `HeaderValue` is to write to its counter. A counter that every request of every thread
//! writes to costs more than all the rest of a request with a good token.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many threads can go their own ways; further ones share.
const SHARDS: usize = 8;

/// A value for each of a few groups of threads, made when it is first asked for.
pub(crate) struct Shards<T>([OnceLock<T>; SHARDS]);

impl<T> Shards<T> {
    pub(crate) const fn new() -> Self {
        Self([const { OnceLock::new() }; SHARDS])
    }

    /// The value of the thread's own group. `make` is told whether it is the first group, which may take the
    /// original instead of a copy.
    #[inline]
    pub(crate) fn local(&self, make: impl FnOnce(bool) -> T) -> &T {
        let shard = shard();
        self.0[shard].get_or_init(|| make(shard == 0))
    }
}

/// The group of the thread that asks: threads are dealt out in turn.
#[inline]
fn shard() -> usize {
    thread_local!(static SHARD: Cell<usize> = const { Cell::new(SHARDS) });
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    SHARD.with(|shard| {
        if shard.get() == SHARDS {
            shard.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        shard.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_its_value_and_others_have_their_own() {
        let made = AtomicUsize::new(0);
        let shards = Shards::new();
        let local = || *shards.local(|_| made.fetch_add(1, Ordering::Relaxed));
        let values: Vec<usize> = std::thread::scope(|scope| {
            let both = || {
                assert_eq!(local(), local());
                local()
            };
            let threads: Vec<_> = (0..3 * SHARDS).map(|_| scope.spawn(both)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(usize::MAX)).collect()
        });
        assert!(values.iter().all(|value| *value < SHARDS), "{values:?}");
        assert!((2..=SHARDS).contains(&made.into_inner()));
    }
}

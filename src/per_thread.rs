//! Copies of one value, so that threads that use it at the same moment don't write to the same memory.
//!
//! To clone an `Arc` or a `HeaderValue` is to write to its counter. A counter that every request of every thread
//! writes to costs more than all the rest of a request with a good token.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many groups of threads can go their own ways; further threads share.
const GROUPS: usize = 8;

/// A value for each of a few groups of threads: the original, and copies made when they are first asked for.
pub(crate) struct PerThread<T> {
    original: T,
    /// Of all groups but the first, which has the original.
    copies: OnceLock<Box<[OnceLock<T>; GROUPS - 1]>>,
}

impl<T> PerThread<T> {
    pub(crate) fn new(original: T) -> Self {
        Self { original, copies: OnceLock::new() }
    }

    pub(crate) fn original(&self) -> &T {
        &self.original
    }

    /// The value of the thread's own group.
    #[inline]
    pub(crate) fn local(&self, copy: impl FnOnce(&T) -> T) -> &T {
        match group().checked_sub(1) {
            None => &self.original,
            Some(index) => {
                let copies = self.copies.get_or_init(|| Box::new([const { OnceLock::new() }; GROUPS - 1]));
                copies[index].get_or_init(|| copy(&self.original))
            }
        }
    }
}

/// The group of the thread that asks: threads are dealt out in turn.
#[inline]
fn group() -> usize {
    thread_local!(static GROUP: Cell<usize> = const { Cell::new(GROUPS) });
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    GROUP.with(|group| {
        if group.get() == GROUPS {
            group.set(NEXT.fetch_add(1, Ordering::Relaxed) % GROUPS);
        }
        group.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_its_value_and_others_have_their_own() {
        let made = AtomicUsize::new(1);
        let shards = PerThread::new(0);
        let local = || *shards.local(|_| made.fetch_add(1, Ordering::Relaxed));
        let values: Vec<usize> = std::thread::scope(|scope| {
            let both = || {
                assert_eq!(local(), local());
                local()
            };
            let threads: Vec<_> = (0..3 * GROUPS).map(|_| scope.spawn(both)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(usize::MAX)).collect()
        });
        assert!(values.iter().all(|value| *value < GROUPS), "{values:?}");
        assert_eq!(made.into_inner(), GROUPS, "each group but the first has a copy of its own");
    }
}

//! Copies of one value, so that threads that use it at the same time don't write to the same memory.
//!
//! Cloning an `Arc` or a `HeaderValue` writes to its counter. If every thread writes to one counter for every
//! request, that costs more than all other work for a request with a good token.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of groups of threads. Each group has a copy; the threads of a group share it.
const GROUPS: usize = 8;

/// A value for each group of threads: the original, and copies that are made when they are first needed.
pub(crate) struct PerThread<T> {
    original: T,
    /// For all groups but the first, which uses the original.
    copies: OnceLock<Box<[OnceLock<T>; GROUPS - 1]>>,
}

impl<T> PerThread<T> {
    pub(crate) fn new(original: T) -> Self {
        Self { original, copies: OnceLock::new() }
    }

    pub(crate) fn original(&self) -> &T {
        &self.original
    }

    /// The value of this thread's group.
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

/// The group of this thread. Threads are assigned to the groups in turn.
#[inline]
fn group() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static GROUP: usize = NEXT.fetch_add(1, Ordering::Relaxed) % GROUPS);
    GROUP.with(|group| *group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_its_value_and_each_group_has_one() {
        let made = AtomicUsize::new(1);
        let value = PerThread::new(0);
        let local = || *value.local(|_| made.fetch_add(1, Ordering::Relaxed));
        let values: Vec<usize> = std::thread::scope(|scope| {
            let both = || {
                assert_eq!(local(), local());
                local()
            };
            let threads: Vec<_> = (0..3 * GROUPS).map(|_| scope.spawn(both)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(usize::MAX)).collect()
        });
        assert!(values.iter().all(|value| *value < GROUPS), "{values:?}");
        assert_eq!(made.into_inner(), GROUPS, "each group but the first has a copy");
    }
}

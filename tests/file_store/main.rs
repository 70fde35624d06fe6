//! The file store, with real processes, real locks and real disks. The name of a test begins with the failure that it checks.
//!
//! A test that needs another process starts this program again, with the name of a task. What needs a disk of its own is left
//! out where this user can't mount one, and says so.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod contents;
mod disks;
mod guard;
mod hanging;
mod owners;
mod places;
mod processes;
mod sharing;
mod support;

/// Not a test: what this program does when a test starts it again.
#[test]
fn child() {
    if let Ok(task) = std::env::var(support::TASK) {
        processes::run(&task);
    }
}

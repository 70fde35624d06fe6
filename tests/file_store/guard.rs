//! The guard between processes that are killed, stopped or slow.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use reauth::store::{CredentialStore as _, FileStore, GuardError};
use rustix::process::Signal;

use crate::support::{LONG, Process, SHORT, Scratch, block_on, entry, hear, open, proof, request, same, say};

#[test]
fn f66_a_killed_process_leaves_the_guard_free() {
    let scratch = Scratch::new();
    let store = scratch.store();
    block_on(store.save(&entry(1))).unwrap();
    let mut holder = Process::start("prove", &scratch.file());
    assert!(holder.says("held"));
    assert!(matches!(block_on(store.guard(&request(SHORT))), Err(GuardError::Held(_))));

    holder.kill();

    let guard = block_on(store.guard(&request(LONG))).unwrap();
    // What the other one has left open is seen, so that nobody sends its refresh token without thinking.
    assert!(same(guard.found().unwrap(), &open(1)));
    drop(guard);
    assert_eq!(scratch.names(), ["entry.json", "entry.json.guard", "entry.json.lock"]);
}

#[test]
fn f67_no_date_of_a_lock_file_decides_anything() {
    let scratch = Scratch::new();
    let store = scratch.store();
    block_on(store.save(&entry(1))).unwrap();
    let date = |path: &str, date| {
        let file =
            File::options().write(true).create(true).truncate(false).open(scratch.path().join(path)).unwrap();
        file.set_modified(date).unwrap();
    };
    let hours = Duration::from_secs(4 * 3600);
    for date_of_lock in [SystemTime::now() + hours, SystemTime::now() - hours] {
        for lock in ["entry.json.guard", "entry.json.lock"] {
            date(lock, date_of_lock);
        }
        // It is free, although the file is there.
        block_on(store.guard(&request(LONG))).unwrap();
        block_on(store.save(&entry(1))).unwrap();
        // It is held, however old the file is.
        let mut holder = Process::start("hold", &scratch.file());
        assert!(holder.says("held"));
        date("entry.json.guard", date_of_lock);
        assert!(matches!(block_on(store.guard(&request(SHORT))), Err(GuardError::Held(_))));
    }
}

#[test]
fn f68_a_stopped_process_keeps_the_guard_and_is_named() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let mut holder = Process::start("hold", &scratch.file());
    assert!(holder.says("held"));
    holder.signal(Signal::STOP);

    for _ in 0..5 {
        let Err(GuardError::Held(Some(by))) = block_on(store.guard(&request(SHORT))) else {
            panic!("somebody else has the guard")
        };
        assert_eq!(by.pid(), holder.id());
        assert!(!by.host().is_empty() && by.since() <= SystemTime::now());
    }
    // Reading and writing goes on: a log-out does not have to wait for anybody.
    block_on(store.save(&entry(3))).unwrap();
    assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(3)));

    holder.signal(Signal::CONT);
    holder.tell("end");
    block_on(store.guard(&request(LONG))).unwrap();
    assert_eq!(holder.code(), Some(0));
}

#[test]
fn f68_a_slow_holder_is_waited_for() {
    let scratch = Scratch::new();
    let mut holder = Process::start("hold", &scratch.file());
    assert!(holder.says("held"));
    let store = scratch.store();
    block_on(async {
        let request = request(LONG);
        let wait = store.guard(&request);
        let end = async {
            tokio::time::sleep(SHORT).await;
            holder.tell("end");
        };
        tokio::join!(wait, end).0.unwrap();
    });
}

#[test]
fn f96_callers_that_give_up_leave_one_thread_behind_and_no_lock() {
    let scratch = Scratch::new();
    let mut holder = Process::start("hold", &scratch.file());
    assert!(holder.says("held"));
    let mut waiter = Process::start("give up", &scratch.file());
    assert!(waiter.says("given up"));
    holder.tell("end");
    assert_eq!(holder.code(), Some(0));

    // The lock has arrived at somebody who is not there any more, so it is free.
    block_on(scratch.store().guard(&request(LONG))).unwrap();
    waiter.tell("try again");
    assert_eq!(waiter.code(), Some(0));
}

pub fn give_up(store: &FileStore) {
    for _ in 0..20 {
        let given_up = block_on(store.guard(&request(Duration::from_millis(5))));
        assert!(matches!(given_up, Err(GuardError::Held(_))));
    }
    assert!(own_threads().is_none_or(|threads| threads == 2));
    say("given up");
    hear();
    drop(block_on(store.guard(&request(LONG))).unwrap());
    assert!(own_threads().is_none_or(|threads| threads == 2));
}

/// How many threads of this process belong to a store, where the system tells.
fn own_threads() -> Option<usize> {
    let threads = fs::read_dir("/proc/self/task").ok()?;
    // One may end in the meantime.
    let names = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    Some(names.filter(|name| name.starts_with("reauth-")).count())
}

#[test]
fn r61_the_threads_of_a_store_end_with_it() {
    let scratch = Scratch::new();
    assert_eq!(Process::start("drop", &scratch.file()).code(), Some(0));
}

pub fn drop_stores(file: &Path) {
    // That of the task has not been used, so it has none yet.
    assert!(own_threads().is_none_or(|threads| threads == 0));
    for _ in 0..10 {
        let store = FileStore::at(file).unwrap();
        block_on(store.save(&entry(1))).unwrap();
        // The guard outlives the store.
        let guard = block_on(store.guard(&request(LONG))).unwrap();
        drop(store);
        drop(guard);
    }
    let start = Instant::now();
    while own_threads().is_some_and(|threads| threads > 0) {
        assert!(start.elapsed() < LONG, "threads are left");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn r50_the_guard_is_given_back_when_it_is_dropped() {
    let scratch = Scratch::new();
    let store = scratch.store();
    block_on(store.save(&entry(1))).unwrap();
    for _ in 0..3 {
        let guard = block_on(store.guard(&proof(1))).unwrap();
        assert!(guard.is_written());
        // An exchange that did not happen leaves the entry open. The next one may go on from there.
        drop(guard);
        block_on(store.replace(Some(entry(1).version()), &entry(1))).unwrap();
    }
    let names = [".json", ".json.guard", ".json.lock"].map(|end| format!("entry{end}"));
    // The room for the write is given back with the guard.
    block_on(store.load()).unwrap();
    assert_eq!(scratch.names(), names);
}

#[test]
fn r50_what_another_process_has_written_is_found_and_nothing_is_written() {
    let scratch = Scratch::new();
    let store = scratch.store();
    block_on(store.save(&entry(2))).unwrap();
    let guard = block_on(store.guard(&proof(1))).unwrap();
    assert!(!guard.is_written());
    assert!(same(guard.found().unwrap(), &entry(2)));
    assert_eq!(fs::read_to_string(scratch.file()).unwrap(), *entry(2).expose_text());
}

#[test]
fn r57_a_change_by_another_process_is_noticed() {
    let scratch = Scratch::new();
    let store = scratch.store();
    block_on(async {
        // Before there is a directory, and with a version that is there already.
        tokio::time::timeout(LONG, store.changed(Some(entry(1).version()))).await.unwrap();
        store.save(&entry(1)).await.unwrap();
        tokio::time::timeout(LONG, store.changed(None)).await.unwrap();
        assert!(tokio::time::timeout(2 * SHORT, store.changed(Some(entry(1).version()))).await.is_err());
        let version = *entry(1).version();
        let watch = store.changed(Some(&version));
        let write = async {
            tokio::time::sleep(SHORT).await;
            assert_eq!(Process::start("save", &scratch.file()).code(), Some(0));
        };
        let start = Instant::now();
        tokio::time::timeout(LONG, async { tokio::join!(watch, write) }).await.unwrap();
        assert!(start.elapsed() >= SHORT);
    });
}

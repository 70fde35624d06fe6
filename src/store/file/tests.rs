//! Processes that are killed or delayed at each of their steps.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure here fails the test")]

mod support;

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use self::support::{LONG, SHORT, Scratch, TASK, beside, block_on, entry, open, proof, wait_until};
use super::lock::FileLock;
use super::paths::Paths;
use super::steps::{HELD, HOLD, KILL, RECORD, reach};
use super::{FileStore, platform};
use crate::store::{CredentialStore as _, GuardError, GuardRequest};

/// The steps of a refresh: first those of the guard, then those of the write after it.
const REFRESH: [&str; 18] = [
    "lock",
    "lock",
    "create",
    "mode",
    "pad",
    "sync",
    "create",
    "mode",
    "write",
    "sync",
    "rename",
    "sync directory",
    "lock",
    "write",
    "sync",
    "rename",
    "sync directory",
    "end",
];

#[test]
fn r53_a_refresh_syncs_the_disk_five_times() {
    let scratch = Scratch::new();
    let record = scratch.0.join("record");
    assert!(scratch.run("refresh", &[(RECORD, record.display().to_string())]).wait().unwrap().success());
    let steps = fs::read_to_string(record).unwrap();
    assert_eq!(steps.lines().collect::<Vec<_>>(), REFRESH);
    assert_eq!(steps.lines().filter(|step| step.starts_with("sync")).count(), 5);
}

#[test]
fn f66_f74_a_process_that_is_killed_at_any_step_leaves_a_whole_file_and_a_free_guard() {
    let (proved, written) = (10, 15);
    for step in 0..REFRESH.len() {
        let scratch = Scratch::new();
        let status = scratch.run("refresh", &[(KILL, step.to_string())]).wait().unwrap();
        assert!(!status.success(), "{step}");

        let left = match step {
            _ if step <= proved => entry(1),
            _ if step <= written => open(1),
            _ => entry(2),
        };
        assert_eq!(fs::read_to_string(scratch.file()).unwrap(), *left.expose_text(), "{step}");
        let store = scratch.store();
        let guard = block_on(store.guard(&GuardRequest::new(LONG))).unwrap();
        assert_eq!(guard.found().unwrap().unwrap().expose_text(), left.expose_text(), "{step}");
        block_on(store.replace(Some(left.version()), &entry(3))).unwrap();
        drop(guard);
        // The secrets in what the other one has left behind are gone, too.
        assert_eq!(scratch.names(), ["entry.json", "entry.json.guard", "entry.json.lock"], "{step}");
    }
}

#[test]
fn f66_a_child_that_was_just_forked_does_not_keep_the_lock() {
    let scratch = Scratch::new();
    let paths = Paths::resolve(&scratch.file(), false).unwrap().unwrap();
    let lock = FileLock::wait_for_guard(&paths).unwrap();
    // Until it runs another program, such a child has every descriptor of its parent.
    let copy = lock.file().try_clone().unwrap();
    drop(lock);
    block_on(scratch.store().guard(&GuardRequest::new(LONG))).unwrap();
    drop(copy);
}

#[cfg(target_os = "linux")]
#[test]
fn f69_a_lock_file_that_somebody_deletes_is_not_the_lock_any_more() {
    use std::os::unix::fs::MetadataExt as _;

    let scratch = Scratch::new();
    let paths = Paths::resolve(&scratch.file(), false).unwrap().unwrap();
    let first = FileLock::wait_for_guard(&paths).unwrap();
    let file = format!(":{} ", first.file().metadata().unwrap().ino());
    std::thread::scope(|scope| {
        let second = scope.spawn(|| FileLock::wait_for_guard(&paths).unwrap());
        wait_until(|| {
            let locks = fs::read_to_string("/proc/locks").unwrap();
            locks.lines().any(|line| line.contains("->") && line.contains(&file))
        });
        fs::remove_file(paths.guard()).unwrap();
        drop(first);
        let _second = second.join().unwrap();
        let third = fs::File::open(paths.guard()).unwrap();
        assert!(!platform::try_lock(&third).unwrap());
    });
}

#[test]
fn f96_callers_that_gave_up_do_not_stand_in_line() {
    let scratch = Scratch::new();
    let record = scratch.0.join("record");
    let guard = block_on(scratch.store().guard(&GuardRequest::new(LONG))).unwrap();
    let mut process = scratch.run("give up", &[(RECORD, record.display().to_string())]);
    scratch.wait_for("given up");
    drop(guard);
    assert!(process.wait().unwrap().success());
    // That of the first caller, and the two of the one who gets the guard.
    assert_eq!(fs::read_to_string(record).unwrap(), "lock\nlock\nlock\n");
}

async fn give_up(store: &FileStore) {
    for _ in 0..5 {
        store.guard(&GuardRequest::new(SHORT / 10)).await.unwrap_err();
    }
    fs::write(beside("given up"), "").unwrap();
    drop(store.guard(&GuardRequest::new(LONG)).await.unwrap());
}

#[test]
fn f78_a_write_that_was_given_up_does_not_happen_later() {
    let scratch = Scratch::new();
    // The steps of a save: lock, create, mode, write, sync, rename.
    let mut process = scratch.run("late write", &scratch.hold(5));
    scratch.wait_for("given up");
    // The file is locked by a write that will not happen. The next one waits for it.
    let successor = {
        let store = scratch.store();
        std::thread::spawn(move || block_on(store.save(&entry(9))))
    };
    fs::remove_file(scratch.held()).unwrap();
    successor.join().unwrap().unwrap();
    assert!(process.wait().unwrap().success());
    assert_eq!(fs::read_to_string(scratch.file()).unwrap(), *entry(9).expose_text());
    assert_eq!(scratch.names(), ["entry.json", "entry.json.lock", "given up"]);
}

async fn late_write(store: &FileStore) {
    assert!(timeout(SHORT, store.save(&entry(7))).await.is_err());
    // The calls after it are still in order.
    let next = store.load();
    fs::write(beside("given up"), "").unwrap();
    let next = next.await.unwrap().unwrap();
    assert_ne!(next.expose_text(), entry(7).expose_text());
}

#[test]
fn f78_a_guard_that_was_given_up_changes_nothing_and_is_free() {
    for step in 0..12 {
        let scratch = Scratch::new();
        let mut process = scratch.run("late guard", &scratch.hold(step));
        assert!(process.wait().unwrap().success(), "{step}");
        assert_eq!(fs::read_to_string(scratch.file()).unwrap(), *entry(1).expose_text(), "{step}");
        assert_eq!(scratch.names(), ["entry.json", "entry.json.guard", "entry.json.lock"], "{step}");
    }
}

async fn late_guard(store: &FileStore) {
    let given_up = store.guard(&proof(SHORT)).await.unwrap_err();
    // The first step is that of the thread that waits for other processes.
    let is_first = env::var(HOLD).unwrap() == "0";
    assert!(matches!(given_up, GuardError::Held(_)) == is_first, "{given_up:?}");
    fs::remove_file(env::var_os(HELD).unwrap()).unwrap();
    let guard = store.guard(&GuardRequest::new(LONG)).await.unwrap();
    let found = guard.found().unwrap().unwrap();
    assert_eq!(found.expose_text(), entry(1).expose_text());
    drop(guard);
    store.load().await.unwrap();
}

#[test]
fn f92_a_file_is_private_from_the_moment_it_exists() {
    let scratch = Scratch::new();
    let mut command = Command::new("sh");
    command.args(["-c", "umask 0; exec \"$0\" \"$@\""]).arg(env::current_exe().unwrap());
    let mut process = scratch.run_in(command, "end", &scratch.hold(2));
    scratch.wait_for("given up");
    let names = scratch.names();
    let new = names.iter().find(|name| name.starts_with("entry.json.new-")).unwrap();
    assert_eq!(fs::metadata(scratch.0.join(new)).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(process.wait().unwrap().success());
}

#[test]
fn f97_a_call_that_never_returns_does_not_keep_the_program_from_ending() {
    let scratch = Scratch::new();
    let mut process = scratch.run("end", &scratch.hold(0));
    scratch.wait_for("given up");
    let start = Instant::now();
    assert!(process.wait().unwrap().success());
    // It would be for ever.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

async fn end(store: &FileStore) {
    assert!(timeout(SHORT, store.save(&entry(2))).await.is_err());
    fs::write(beside("given up"), "").unwrap();
}

/// Not a test: what this program does when a test starts it again.
#[test]
fn child() {
    let Ok(task) = env::var(TASK) else { return };
    let store = FileStore::at(beside("entry.json")).unwrap();
    block_on(async {
        match &*task {
            "refresh" => refresh(&store).await,
            "late write" => late_write(&store).await,
            "late guard" => late_guard(&store).await,
            "give up" => give_up(&store).await,
            "end" => end(&store).await,
            _ => panic!("there is no task {task}"),
        }
    });
}

async fn refresh(store: &FileStore) {
    let guard = store.guard(&proof(LONG)).await.unwrap();
    assert!(guard.is_written());
    store.replace(Some(entry(1).version()), &entry(2)).await.unwrap();
    reach("end");
    drop(guard);
}

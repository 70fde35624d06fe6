//! Processes that are killed or delayed at each of their steps.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure here fails the test")]

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::FileStore;
use super::lock::FileLock;
use super::paths::Paths;
use super::steps::{HELD, HOLD, KILL, RECORD, reach};
use crate::store::{CredentialStore as _, Entry, GuardError, GuardRequest};

const TASK: &str = "REAUTH_STEP_TASK";
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(100);

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

fn entry(generation: u64) -> Entry {
    let version = format!("1-aa-{generation}-{generation:x}");
    let text = format!(r#"{{"access_token":"at","refresh_token":"rt-{generation}","version":"{version}"}}"#);
    Entry::from_text(&text).unwrap()
}

/// The same with an open exchange.
fn open(generation: u64) -> Entry {
    let intent = r#","intent":{"id":"bb","pid":1,"host":"h","since":1}}"#;
    Entry::from_text(&entry(generation).expose_text().replace('}', intent)).unwrap()
}

fn proof(limit: Duration) -> GuardRequest {
    GuardRequest::new(limit).with_entry(Some(*entry(1).version()), open(1))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Where a process has its files.
const DIRECTORY: &str = "REAUTH_STEP_DIRECTORY";

fn beside(name: &str) -> PathBuf {
    PathBuf::from(env::var_os(DIRECTORY).unwrap()).join(name)
}

/// A directory with a file of the first generation. It is deleted in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let path = env::temp_dir().join(format!("reauth-steps-{:016x}", fastrand::u64(..)));
        fs::create_dir(&path).unwrap();
        let scratch = Self(path);
        fs::write(scratch.file(), entry(1).expose_text().as_bytes()).unwrap();
        fs::set_permissions(scratch.file(), fs::Permissions::from_mode(0o600)).unwrap();
        scratch
    }

    fn file(&self) -> PathBuf {
        self.0.join("entry.json")
    }

    fn store(&self) -> FileStore {
        FileStore::at(self.file()).unwrap()
    }

    fn held(&self) -> PathBuf {
        self.0.join("held")
    }

    /// What holds a process at a step, until the file is deleted.
    fn hold(&self, step: usize) -> [(&'static str, String); 2] {
        fs::write(self.held(), "").unwrap();
        [(HOLD, step.to_string()), (HELD, self.held().display().to_string())]
    }

    fn run(&self, task: &str, variables: &[(&str, String)]) -> Child {
        self.run_in(Command::new(env::current_exe().unwrap()), task, variables)
    }

    fn run_in(&self, mut command: Command, task: &str, variables: &[(&str, String)]) -> Child {
        command.args(["--exact", "store::file::tests::child"]).stdout(Stdio::null());
        command.env(TASK, task).env(DIRECTORY, &self.0).envs(variables.iter().cloned());
        command.spawn().unwrap()
    }

    fn wait_for(&self, name: &str) {
        let start = Instant::now();
        while !self.0.join(name).exists() {
            assert!(start.elapsed() < LONG, "there is no file {name}");
            sleep(Duration::from_millis(2));
        }
    }

    fn names(&self) -> Vec<String> {
        let files = fs::read_dir(&self.0).unwrap().map(|file| file.unwrap().file_name());
        let mut names: Vec<_> = files.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

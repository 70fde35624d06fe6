//! Entries, directories, and this program as another process.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::store::file::FileStore;
use crate::store::file::steps::{HELD, HOLD};
use crate::store::{Entry, GuardRequest};

/// What a process is to do, and where it has its files.
pub(super) const TASK: &str = "REAUTH_STEP_TASK";
pub(super) const DIRECTORY: &str = "REAUTH_STEP_DIRECTORY";

pub(super) const LONG: Duration = Duration::from_secs(30);
pub(super) const SHORT: Duration = Duration::from_millis(100);

pub(super) fn entry(generation: u64) -> Entry {
    let version = format!("1-aa-{generation}-{generation:x}");
    let text = format!(r#"{{"access_token":"at","refresh_token":"rt-{generation}","version":"{version}"}}"#);
    Entry::from_text(&text).unwrap()
}

/// The same with an open exchange.
pub(super) fn open(generation: u64) -> Entry {
    let intent = r#","intent":{"id":"bb","pid":1,"host":"h","since":1}}"#;
    Entry::from_text(&entry(generation).expose_text().replace('}', intent)).unwrap()
}

pub(super) fn proof(limit: Duration) -> GuardRequest {
    GuardRequest::new(limit).with_entry(Some(*entry(1).version()), open(1))
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

pub(super) fn wait_until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "it has taken too long");
        sleep(Duration::from_millis(2));
    }
}

pub(super) fn beside(name: &str) -> PathBuf {
    PathBuf::from(env::var_os(DIRECTORY).unwrap()).join(name)
}

/// A directory with a file of the first generation. It is deleted in the end.
pub(super) struct Scratch(pub(super) PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        let path = env::temp_dir().join(format!("reauth-steps-{:016x}", fastrand::u64(..)));
        fs::create_dir(&path).unwrap();
        let scratch = Self(path);
        fs::write(scratch.file(), entry(1).expose_text().as_bytes()).unwrap();
        fs::set_permissions(scratch.file(), fs::Permissions::from_mode(0o600)).unwrap();
        scratch
    }

    pub(super) fn file(&self) -> PathBuf {
        self.0.join("entry.json")
    }

    pub(super) fn store(&self) -> FileStore {
        FileStore::at(self.file()).unwrap()
    }

    pub(super) fn held(&self) -> PathBuf {
        self.0.join("held")
    }

    /// What holds a process at a step, until the file is deleted.
    pub(super) fn hold(&self, step: usize) -> [(&'static str, String); 2] {
        fs::write(self.held(), "").unwrap();
        [(HOLD, step.to_string()), (HELD, self.held().display().to_string())]
    }

    pub(super) fn run(&self, task: &str, variables: &[(&str, String)]) -> Child {
        self.run_in(Command::new(env::current_exe().unwrap()), task, variables)
    }

    pub(super) fn run_in(&self, mut command: Command, task: &str, variables: &[(&str, String)]) -> Child {
        command.args(["--exact", "store::file::tests::child"]).stdout(Stdio::null());
        command.env(TASK, task).env(DIRECTORY, &self.0).envs(variables.iter().cloned());
        command.spawn().unwrap()
    }

    pub(super) fn wait_for(&self, name: &str) {
        wait_until(|| self.0.join(name).exists());
    }

    pub(super) fn names(&self) -> Vec<String> {
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

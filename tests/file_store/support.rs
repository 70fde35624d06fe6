//! Directories, entries, and other processes.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use reauth::store::{Entry, FileStore, GuardRequest};
use rustix::process::{Pid, Signal, kill_process};

/// The variables by which a process knows its task, and the file for it.
pub const TASK: &str = "REAUTH_FILE_STORE_TASK";
pub const FILE: &str = "REAUTH_FILE_STORE_FILE";

/// Longer than any machine needs, for what must happen.
pub const LONG: Duration = Duration::from_secs(30);
/// Long enough to see that something does not happen.
pub const SHORT: Duration = Duration::from_millis(200);

/// A directory that is deleted in the end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        let path = env::temp_dir().join(format!("reauth-file-{:016x}", fastrand::u64(..)));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The credentials file of most tests.
    pub fn file(&self) -> PathBuf {
        self.0.join("entry.json")
    }

    pub fn store(&self) -> FileStore {
        FileStore::at(self.file()).unwrap()
    }

    /// The names of all files, in order.
    pub fn names(&self) -> Vec<String> {
        names(&self.0)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The text of the entry of a generation.
pub fn text(generation: u64) -> String {
    format!(
        r#"{{"access_token":"at-{generation}","refresh_token":"rt-{generation}","version":"1-00000000000000aa-{generation}-{generation:016x}"}}"#
    )
}

pub fn entry(generation: u64) -> Entry {
    Entry::from_text(&text(generation)).unwrap()
}

/// The same with an open exchange.
pub fn open(generation: u64) -> Entry {
    let intent = r#","intent":{"id":"00000000000000bb","pid":1,"host":"h","since":1}}"#;
    Entry::from_text(&text(generation).replace('}', intent)).unwrap()
}

/// A request for the guard that asks for nothing to be written.
pub fn request(limit: Duration) -> GuardRequest {
    GuardRequest::new(limit)
}

/// A request that writes the open exchange over this generation.
pub fn proof(generation: u64) -> GuardRequest {
    GuardRequest::new(LONG).with_entry(Some(*entry(generation).version()), open(generation))
}

pub fn same(one: Option<&Entry>, other: &Entry) -> bool {
    one.is_some_and(|one| one.expose_text() == other.expose_text())
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// This program once more, with a task.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub fn start(task: &str, file: &Path) -> Self {
        Self::of(Command::new(env::current_exe().unwrap()), task, file)
    }

    /// In a shell script, which does something first and then `exec "$@"`. `$0` is the directory of the file.
    pub fn scripted(script: &str, task: &str, file: &Path) -> Self {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script]).arg(file.parent().unwrap()).arg(env::current_exe().unwrap());
        Self::of(command, task, file)
    }

    pub fn of(mut command: Command, task: &str, file: &Path) -> Self {
        command.args(["--exact", "child", "--nocapture"]).env(TASK, task).env(FILE, file);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { input: child.stdin.take(), child, output }
    }

    /// Waits until the process has said this. `false` if it ends before that.
    pub fn says(&mut self, word: &str) -> bool {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if line.trim_end().ends_with(&format!("@{word}")) {
                return true;
            }
            line.clear();
        }
        false
    }

    pub fn tell(&mut self, word: &str) {
        writeln!(self.input.as_ref().unwrap(), "{word}").unwrap();
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub fn code(mut self) -> Option<i32> {
        self.input = None;
        // It must not stand still because nobody reads what it prints.
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            print!("{}", std::mem::take(&mut line));
        }
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process says to the test that has started it.
pub fn say(word: &str) {
    println!("@{word}");
    std::io::stdout().flush().unwrap();
}

/// Waits for the test to say something, or to go away.
pub fn hear() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// The result of a test in a namespace with mounts of its own: this script, and then the task.
pub fn with_mounts(script: &str, task: &str, file: &Path) {
    if !rustix::process::geteuid().is_root() || !cfg!(target_os = "linux") {
        return println!("left out: only root can mount a disk, and only on Linux");
    }
    match Process::scripted(&format!("({script}) || exit 77; exec \"$@\""), task, file).code() {
        Some(0) => {}
        Some(77) => println!("left out: this machine does not allow `{script}`"),
        code => panic!("the task {task} failed: {code:?}"),
    }
}

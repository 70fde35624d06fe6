//! Ends, delays or records the steps of a process, in the tests of this crate alone.

use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

/// A file to which each step appends its name.
pub(super) const RECORD: &str = "REAUTH_STEP_RECORD";
/// The number of the step before which the process is killed.
pub(super) const KILL: &str = "REAUTH_STEP_KILL";
/// The number of the step that waits as long as there is a file. It is [`HELD`] that file.
pub(super) const HOLD: &str = "REAUTH_STEP_HOLD";
pub(super) const HELD: &str = "REAUTH_STEP_HELD";

/// A process has come to this step.
pub(super) fn reach(name: &str) {
    static REACHED: AtomicUsize = AtomicUsize::new(0);
    let number = REACHED.fetch_add(1, Ordering::SeqCst).to_string();
    if let Some(record) = env::var_os(RECORD) {
        let record = OpenOptions::new().append(true).create(true).open(record);
        let _ = record.and_then(|mut record| writeln!(record, "{name}"));
    }
    if env::var_os(KILL).is_some_and(|step| step == *number) {
        let _ = kill_process(getpid(), Signal::KILL);
    }
    if env::var_os(HOLD).is_some_and(|step| step == *number) {
        let file = env::var_os(HELD).unwrap_or_default();
        while Path::new(&file).exists() {
            sleep(Duration::from_millis(2));
        }
    }
}

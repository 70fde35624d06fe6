//! A disk that does not respond: a FUSE file system whose daemon never reads a request.

use std::path::Path;
use std::time::{Duration, Instant};

use reauth::store::{CredentialStore as _, FileStore, GuardError};
use tokio::time::timeout;

use crate::support::{Process, SHORT, Scratch, block_on, entry, request, say};

/// Mounts it. The connection is open as long as one process has the descriptor.
const SCRIPT: &str = r#"
    exec 3<>/dev/fuse || exit 77
    mount -i -t fuse -o fd=3,rootmode=40000,user_id=$(id -u),group_id=$(id -g) reauth "$0" || exit 77
    exec "$@""#;

#[test]
fn f96_f97_a_disk_that_never_responds_costs_a_call_its_time_limit_and_does_not_keep_the_program() {
    if !rustix::process::geteuid().is_root() || !Path::new("/dev/fuse").exists() {
        return println!("left out: only root can mount a file system that hangs");
    }
    let scratch = Scratch::new();
    let mut process = Process::scripted(SCRIPT, "hang", &scratch.file());
    if !process.says("given up") {
        assert_eq!(process.code(), Some(77));
        return println!("left out: this machine does not allow a FUSE mount");
    }
    let start = Instant::now();
    assert_eq!(process.code(), Some(0));
    // It would be for ever.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

pub fn hang(store: &FileStore) {
    block_on(async {
        assert!(timeout(SHORT, store.load()).await.is_err());
        assert!(timeout(SHORT, store.save(&entry(1))).await.is_err());
        // The guard has a limit of its own. Nothing says that another process has it.
        match store.guard(&request(SHORT)).await {
            Err(GuardError::Held(None) | GuardError::Unreachable(_)) => {}
            other => panic!("{other:?}"),
        }
    });
    say("given up");
}

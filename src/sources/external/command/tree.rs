//! A command and all that it has started.

use std::io;
use std::process::ExitStatus;

use tokio::process::Child;

/// A command and all that it has started, which ends when this is dropped.
pub(super) struct Tree {
    /// The number of the command is that of its group.
    #[cfg(unix)]
    group: Option<rustix::process::Pid>,
    pub(super) child: Child,
}

impl Tree {
    pub(super) fn new(child: Child) -> Self {
        Self {
            #[cfg(unix)]
            group: child.id().and_then(|id| rustix::process::Pid::from_raw(id.try_into().ok()?)),
            child,
        }
    }

    /// Returns when the command has ended by itself. It was not waited for yet, so that its number can't be that of another group
    /// before [`status`](Self::status) has ended this one.
    pub(super) async fn ended(&mut self) {
        #[cfg(unix)]
        if let Some(ended) = self.group.and_then(end::of) {
            let _ = ended.await;
            return;
        }
        let _ = self.child.wait().await;
    }

    /// Ends what the command has left behind, and then returns how the command itself has ended.
    pub(super) async fn status(&mut self) -> io::Result<ExitStatus> {
        self.end();
        self.child.wait().await
    }

    /// Ends the group, once.
    fn end(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.group.take() {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        // For the systems without groups. It has ended by now, or it ends here.
        let _ = self.child.start_kill();
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.end();
    }
}

/// The end of a process that is not waited for: POSIX has no other way than a call that blocks, so a thread makes it. The thread
/// ends with the process.
#[cfg(all(unix, not(any(target_os = "openbsd", target_os = "redox"))))]
mod end {
    use std::thread;

    use rustix::io::Errno;
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    use tokio::sync::oneshot;

    /// `None` if the system gives no thread.
    pub(super) fn of(process: Pid) -> Option<oneshot::Receiver<()>> {
        let (ends, ended) = oneshot::channel();
        let wait = move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(process), options), Err(Errno::INTR)) {}
            let _ = ends.send(());
        };
        thread::Builder::new().name("reauth-command".into()).spawn(wait).ok()?;
        Some(ended)
    }
}

/// These systems do not say that a process has ended without waiting for it.
#[cfg(any(target_os = "openbsd", target_os = "redox"))]
mod end {
    pub(super) fn of(_: rustix::process::Pid) -> Option<tokio::sync::oneshot::Receiver<()>> {
        None
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

    use std::process::Stdio;

    use rustix::process::test_kill_process;
    use tokio::process::Command;

    use super::*;

    /// As long as nobody has waited for it, no other process can have its number.
    #[tokio::test]
    async fn r87_f168_the_number_of_a_command_that_has_ended_is_its_own_until_its_group_is_ended() {
        for (script, is_success) in [("exit 0", true), ("exit 3", false), ("kill -9 $$", false)] {
            let mut command = Command::new("sh");
            let child = command.args(["-c", script]).stdin(Stdio::null()).process_group(0).spawn().unwrap();
            let mut tree = Tree::new(child);
            let leader = tree.group.unwrap();
            tree.ended().await;
            assert!(test_kill_process(leader).is_ok(), "{script}: somebody has waited for it");
            assert_eq!(tree.status().await.unwrap().success(), is_success, "{script}");
            assert!(tree.group.is_none(), "its group was ended");
        }
    }
}

//! Runs a command within limits of time and size, and ends all that it started.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::process::{ExitStatus, Stdio};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::process::Command;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::TokenCommand;
use super::tree::Tree;

/// How much is kept of what a command writes to its standard error.
const MAX_ERRORS: usize = 4 << 10;
/// How long the rest of the output is waited for, when the command has ended and something still has its pipes.
const GRACE: Duration = Duration::from_secs(1);

pub(super) struct Printed {
    pub(super) output: Zeroizing<Vec<u8>>,
    pub(super) errors: Zeroizing<Vec<u8>>,
}

pub(super) enum Ended {
    Well(Printed),
    /// With the reason.
    Badly(String, Printed),
    TooLate,
    TooLong,
    NotStarted(io::Error),
    /// The operating system does not say how.
    Unknown(io::Error),
}

/// Whether the runtime can wait for pipes. If not, Tokio panics, and would leave behind a command that it has started already.
#[cfg(unix)]
pub(super) fn has_io() -> bool {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::panic::catch_unwind;

    use tokio::process::ChildStdout;
    // If the system gives no pipe, the start of the command fails and says so.
    let Ok((one, _other)) = UnixStream::pair() else { return true };
    catch_unwind(|| drop(ChildStdout::from_std(OwnedFd::from(one).into()))).is_ok()
}

/// Pipes need no I/O of the runtime there.
#[cfg(not(unix))]
pub(super) fn has_io() -> bool {
    true
}

pub(super) async fn run(settings: &TokenCommand) -> Ended {
    let mut command = Command::new(&settings.program);
    command.args(&settings.args).envs(settings.envs.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    match command.spawn() {
        Ok(child) => timeout(settings.timeout, finish(Tree::new(child))).await.unwrap_or(Ended::TooLate),
        Err(error) => Ended::NotStarted(error),
    }
}

async fn finish(mut tree: Tree) -> Ended {
    let mut output = Pipe::new(tree.child.stdout.take(), TokenCommand::MAX_OUTPUT);
    let mut errors = Pipe::new(tree.child.stderr.take(), MAX_ERRORS);
    {
        let mut ended = pin!(tree.ended());
        poll_fn(|context| {
            let _ = (output.poll(context), errors.poll(context));
            if output.is_too_long { Poll::Ready(()) } else { ended.as_mut().poll(context) }
        })
        .await;
    }
    if output.is_too_long {
        return Ended::TooLong;
    }
    // What it has left behind may have its pipes.
    let status = tree.status().await;
    let rest = poll_fn(|context| match (output.poll(context), errors.poll(context)) {
        (Poll::Ready(()), Poll::Ready(())) => Poll::Ready(()),
        _ => Poll::Pending,
    });
    // A daemon that has left the group may keep the pipes for ever.
    let _ = timeout(GRACE, rest).await;
    if output.is_too_long {
        return Ended::TooLong;
    }
    let printed = Printed { output: output.text, errors: errors.text };
    match status {
        Ok(status) if status.success() => Ended::Well(printed),
        Ok(status) => Ended::Badly(how(status), printed),
        Err(error) => Ended::Unknown(error),
    }
}

fn how(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("failed with the exit code {code}"),
        None => "was ended by a signal".to_owned(),
    }
}

/// What comes out of a command. Beyond its limit it is read, and not kept.
struct Pipe<R> {
    /// `None` when its end was read.
    from: Option<R>,
    text: Zeroizing<Vec<u8>>,
    limit: usize,
    is_too_long: bool,
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    fn new(from: Option<R>, limit: usize) -> Self {
        // It never grows, so that no copy of a token is left.
        Self { from, text: Zeroizing::new(Vec::with_capacity(limit)), limit, is_too_long: false }
    }

    /// Reads what there is. `Ready` at the end.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut space = Zeroizing::new([0; 1024]);
        while let Some(from) = &mut self.from {
            let mut buffer = ReadBuf::new(&mut *space);
            match Pin::new(from).poll_read(context, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    let room = self.limit - self.text.len();
                    let kept = buffer.filled().len().min(room);
                    self.is_too_long |= kept < buffer.filled().len();
                    self.text.extend_from_slice(&buffer.filled()[..kept]);
                }
                // A pipe that breaks has ended.
                Poll::Ready(_) => self.from = None,
            }
        }
        Poll::Ready(())
    }
}

//! Why a command was not started, or nobody knows how it has ended.

use std::io;

use crate::error::Error;

/// The error of a command that was not started.
pub(super) fn not_started(program: &str, error: io::Error) -> Error {
    let failed = match can_mend_itself(&error) {
        true => Error::transient(format!(
            "the command {program} can't be started now; try again, or check the limits of this process"
        )),
        false => Error::misconfigured(format!(
            "the command {program} can't be started; check that it is installed, and its path"
        )),
    };
    failed.with_source(error)
}

/// The error of a command of which the system does not say how it has ended.
pub(super) fn unknown_end(program: &str, error: io::Error) -> Error {
    let failed = match is_taken(&error) {
        true => Error::misconfigured(format!(
            "how the command {program} has ended was lost, because this process ignores SIGCHLD or waits for all its \
             children; have it do neither"
        )),
        false => Error::transient(format!(
            "the system does not say how the command {program} has ended; try again"
        )),
    };
    failed.with_source(error)
}

/// Whether somebody else has waited for the command: the system itself, if SIGCHLD is ignored.
#[cfg(unix)]
fn is_taken(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::CHILD)
}

#[cfg(not(unix))]
fn is_taken(_: &io::Error) -> bool {
    false
}

/// Whether the system is short of something, such as memory, processes or open files. All else is about the program.
fn can_mend_itself(error: &io::Error) -> bool {
    use io::ErrorKind::{ExecutableFileBusy, Interrupted, OutOfMemory, ResourceBusy, WouldBlock};
    matches!(error.kind(), ExecutableFileBusy | Interrupted | OutOfMemory | ResourceBusy | WouldBlock)
        || is_short_of_files(error)
}

/// These have no kind of their own.
#[cfg(unix)]
fn is_short_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(not(unix))]
fn is_short_of_files(_: &io::Error) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::io::Errno;

    use super::*;
    use crate::error::ErrorKind::{self, Misconfigured, Transient};

    fn kind(error: Errno) -> ErrorKind {
        not_started("tool", error.into()).kind()
    }

    #[test]
    fn r87_f172_a_process_that_ignores_the_end_of_its_children_is_misconfigured() {
        let lost = unknown_end("tool", Errno::CHILD.into());
        assert_eq!(lost.kind(), Misconfigured);
        assert!(lost.to_string().contains("SIGCHLD"), "{lost}");
        assert_eq!(unknown_end("tool", Errno::INVAL.into()).kind(), Transient);
    }

    #[test]
    fn r87_f153_a_system_that_is_short_of_something_is_not_a_program_that_is_missing() {
        for error in [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE, Errno::TXTBSY, Errno::INTR] {
            assert_eq!(kind(error), Transient, "{error}");
        }
        for error in [Errno::NOENT, Errno::ACCESS, Errno::NOEXEC, Errno::NOTDIR, Errno::TOOBIG, Errno::INVAL]
        {
            assert_eq!(kind(error), Misconfigured, "{error}");
        }
    }
}

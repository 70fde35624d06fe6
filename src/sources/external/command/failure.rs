//! Why a command was not started.

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

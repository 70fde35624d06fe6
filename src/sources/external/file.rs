//! A token in a file that somebody else rotates.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedMutexGuard, oneshot};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::text::{NoToken, token};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::source::CredentialSource;

/// A token in a file that somebody else rotates, such as a projected token of Kubernetes or the sink of a Vault agent.
///
/// The file has the token alone, with or without white space around it. It is read
///
/// - before the token expires, if it is a JWT with an `exp`,
/// - otherwise [`RENEW_AFTER`](Self::RENEW_AFTER) after it was read last, or what [`renew_after`](Self::renew_after) sets,
/// - and after a server has rejected the token. If the file still has the same one, the caller gets the 401.
///
/// Requests in between do not read it. The path is followed anew each time, so that a symbolic link may be replaced.
///
/// The file is read on a thread of its own, within [`READ_TIMEOUT`](Self::READ_TIMEOUT). A file system that hangs keeps one
/// thread at most, and does not keep the program from ending.
///
/// ```
/// use reauth::{Authenticator, external::TokenFile};
/// use std::time::Duration;
///
/// let source = TokenFile::new("/var/run/secrets/tokens/api").renew_after(Duration::from_secs(300));
/// let auth = Authenticator::new(source);
/// ```
#[derive(Clone, Debug)]
pub struct TokenFile {
    path: PathBuf,
    renew_after: Option<Duration>,
    /// Held by the thread that reads.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl TokenFile {
    /// How long a token without an `exp` is used before the file is read again: 1 min.
    pub const RENEW_AFTER: Duration = Duration::from_secs(60);
    /// The largest file that is read, in bytes: 64 KiB. No server accepts a longer token.
    pub const MAX_SIZE: usize = 64 << 10;
    /// The time that one read may take: 5 s.
    pub const READ_TIMEOUT: Duration = Duration::from_secs(5);

    /// Creates the source for the file at this path. The file need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), renew_after: None, turn: Arc::default() }
    }

    /// Sets how long a token is used before the file is read again. Default: until the `exp` of a JWT, and
    /// [`RENEW_AFTER`](Self::RENEW_AFTER) for any other token. [`Duration::ZERO`] means until it expires or is rejected.
    ///
    /// It is for a file that is rotated long before the token expires. The read comes in the last quarter of this time, in
    /// the background ([`Timing::advisory_window`](crate::Timing::advisory_window)).
    #[must_use]
    pub fn renew_after(mut self, time: Duration) -> Self {
        self.renew_after = Some(time);
        self
    }

    /// Reads the file on another thread. A read that nobody waits for any more is let finish, and the next one waits for it.
    async fn read(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let turn = self.turn.clone().lock_owned().await;
        let (reply, result) = oneshot::channel();
        let path = self.path.clone();
        let read = move || {
            let text = read(&path);
            let _ = reply.send(text);
            drop::<OwnedMutexGuard<()>>(turn);
        };
        let started = thread::Builder::new().name("reauth-token".to_owned()).spawn(read);
        started.map_err(|error| {
            Error::transient("no thread could be started for the token file; allow more threads")
                .with_source(error)
        })?;
        let ended = |_| Error::transient("the thread of the token file ended; try again");
        result.await.map_err(ended)?.map_err(|error| self.unreadable(error))
    }

    fn unreadable(&self, error: io::Error) -> Error {
        let path = self.path.display();
        let failed = |remedy| format!("the token file {path} can't be read; {remedy}");
        let error_of = match error.kind() {
            // It may be written soon. If it is not, the path may be wrong.
            ErrorKind::NotFound => {
                return Error::transient(failed("check its path, and that what writes it is running"))
                    .unreached()
                    .with_source(error);
            }
            ErrorKind::PermissionDenied => Error::misconfigured(failed("allow it to this user")),
            ErrorKind::IsADirectory | ErrorKind::InvalidInput | ErrorKind::NotADirectory => {
                Error::misconfigured(failed("name a file, and not a directory, a pipe or a device"))
            }
            ErrorKind::FileTooLarge => Error::misconfigured(format!(
                "the token file {path} is larger than {} KiB; name a file that has a token alone",
                Self::MAX_SIZE >> 10
            )),
            _ => Error::transient(failed("check its disk")),
        };
        error_of.with_source(error)
    }

    fn no_token(&self, reason: NoToken) -> Error {
        let path = self.path.display();
        match reason {
            NoToken::Empty => Error::transient(format!(
                "the token file {path} is empty; check that what writes it is running"
            )),
            NoToken::Torn => Error::transient(format!(
                "the token file {path} has the beginning of a token only; have it replaced by a rename instead of being \
                 written in place"
            )),
            NoToken::Expired => Error::transient(format!(
                "the token in the file {path} has expired; check that what rotates it is running, and the clock"
            )),
            NoToken::Other => Error::invalid_response(format!(
                "the token file {path} has something else than one bearer token (RFC 6750 section 2.1); write the token \
                 alone into it"
            )),
        }
    }
}

impl CredentialSource for TokenFile {
    async fn login(&self) -> Result<Credentials, Error> {
        let text = match Handle::try_current() {
            Ok(_) => timeout(Self::READ_TIMEOUT, self.read()).await.unwrap_or_else(|_| {
                Err(Error::transient(format!(
                    "the token file {} could not be read in time; check its disk",
                    self.path.display()
                )))
            })?,
            // Another executor has no timer.
            Err(_) => self.read().await?,
        };
        let credentials = token(&text, self.renew_after).map_err(|reason| self.no_token(reason))?;
        // A JWT has its expiry by now.
        Ok(match credentials.expires_at().is_none() && self.renew_after.is_none() {
            true => credentials.with_lifetime(Self::RENEW_AFTER),
            false => credentials,
        })
    }
}

/// Reads the file into a buffer that does not grow, so that no copy of the token is left.
fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    // To open a pipe could block for ever.
    if !path.metadata()?.is_file() {
        return Err(ErrorKind::InvalidInput.into());
    }
    let mut file = File::open(path)?;
    let mut text = Zeroizing::new(vec![0; TokenFile::MAX_SIZE + 1]);
    let mut end = 0;
    while end < text.len() {
        match file.read(&mut text[end..]) {
            Ok(0) => break,
            Ok(read) => end += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if end > TokenFile::MAX_SIZE {
        return Err(ErrorKind::FileTooLarge.into());
    }
    text.truncate(end);
    Ok(text)
}

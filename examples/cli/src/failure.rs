//! What went wrong, in words for the person at the terminal, with an exit code for scripts.

use std::error::Error as StdError;
use std::path::Path;
use std::process::ExitCode;

use reauth::ErrorKind;

#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The API, the disk or the provider said no.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// The command or the settings are wrong.
    pub(crate) fn settings(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// The user has to log in.
    pub(crate) fn login(message: impl Into<String>) -> Self {
        Self { code: 3, message: message.into() }
    }

    pub(crate) fn later(message: impl Into<String>) -> Self {
        Self { code: 4, message: message.into() }
    }

    /// Ctrl-C, with the code that shells give it.
    pub(crate) fn interrupted() -> Self {
        Self { code: 130, message: "interrupted".into() }
    }

    pub(crate) fn at(path: &Path, what: &str, error: &dyn StdError) -> Self {
        Self::refused(format!("{} {what}: {}", path.display(), chain(error)))
    }

    /// An error of the HTTP client. The one of the authenticator may be inside.
    pub(crate) fn of_request(error: &reqwest_middleware::Error, on_login: impl Fn(String) -> Self) -> Self {
        match error {
            reqwest_middleware::Error::Middleware(inner) => match inner.downcast_ref::<reauth::Error>() {
                Some(error) => Self::of_credentials(error, on_login),
                None => Self::refused(chain(error)),
            },
            reqwest_middleware::Error::Reqwest(error) => Self::later(chain(error)),
        }
    }

    /// An error of the authenticator. `on_login` says how to log in, after a reason.
    pub(crate) fn of_credentials(error: &reauth::Error, on_login: impl Fn(String) -> Self) -> Self {
        match error.kind() {
            ErrorKind::LoginRequired => on_login(chain(error)),
            _ => Self::from(error.clone()),
        }
    }

    /// Says it on standard error.
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("error: {}", self.message);
        ExitCode::from(self.code)
    }
}

impl From<reauth::Error> for Failure {
    fn from(error: reauth::Error) -> Self {
        let text = chain(&error);
        match (error.kind(), error.retry_after()) {
            (ErrorKind::LoginRequired, _) => Self::login(text),
            (ErrorKind::Transient, Some(wait)) => {
                Self::later(format!("{text}; try again in {} s", wait.as_secs().max(1)))
            }
            (ErrorKind::Transient, None) => Self::later(format!("{text}; try again later")),
            (ErrorKind::Misconfigured, _) => Self::settings(text),
            _ => Self::refused(text),
        }
    }
}

/// An error with its first cause, in one line. No error of the crate has a secret in it.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let text = error.to_string();
    let mut cause = error;
    while let Some(earlier) = cause.source() {
        cause = earlier;
    }
    let cause = cause.to_string();
    // Some errors say their cause themselves.
    if text.contains(&cause) { text } else { format!("{text} ({cause})") }
}

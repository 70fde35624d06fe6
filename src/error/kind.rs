//! What a program can do about an error.

use std::fmt;

/// What went wrong, by what a program can do about it. [`Error`](crate::Error) lists that.
///
/// `Display` is a short phrase in lower case, such as `login required`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The identity provider refused the credentials, and there is no other way to log in. A retry can't help.
    LoginRequired,
    /// The connection failed, a time limit passed, the response was cut off, or its status was 408, 429 or 5xx. The next
    /// attempt may succeed.
    Transient,
    /// The client is set up wrongly: its id, its secret, a URL or a scope.
    Misconfigured,
    /// The server reported success, but its response has no usable credentials. Or a command that prints tokens has failed.
    InvalidResponse,
    /// The credential store failed.
    Store,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LoginRequired => "login required",
            Self::Transient => "transient",
            Self::Misconfigured => "misconfigured",
            Self::InvalidResponse => "invalid response",
            Self::Store => "store",
        })
    }
}

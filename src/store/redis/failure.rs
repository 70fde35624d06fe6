//! What a failed call means, and what to do about it.

use std::time::Duration;

use redis::{ErrorKind, RedisError};

use crate::error::Error;
use crate::store::GuardError;

/// Why a call failed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    kind: Kind,
    error: Error,
    /// It was sent, and nobody knows what came of it.
    may_have_happened: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Redis, or one that works, is not there.
    Unreachable,
    /// Redis works, and takes no write.
    NotWritable,
}

impl Failure {
    /// `address` is where Redis was looked for.
    pub(super) fn new(error: &RedisError, address: &str) -> Self {
        let code = code(error);
        let (kind, what) = match code {
            "" => (Kind::Unreachable, without_code(error)),
            code => of_code(code, error),
        };
        let message = match what {
            Some(what) => format!("the credential store in Redis at {address} {what}"),
            None => format!(
                "the credential store in Redis at {address} refused a command ({code}); \
                 check that it is Redis 7 or Valkey"
            ),
        };
        let error = match error.is_io_error() {
            true => Error::store(message).with_source(error.clone()),
            // What a server says may repeat what was sent.
            false => Error::store(message),
        };
        Self { kind, error, may_have_happened: false }
    }

    pub(super) fn timed_out(address: &str, limit: Duration) -> Self {
        Self::unreachable(format!(
            "the credential store in Redis at {address} did not respond within {limit:?}; \
             check that it runs and can be reached"
        ))
    }

    pub(super) fn unreachable(message: String) -> Self {
        Self { kind: Kind::Unreachable, error: Error::store(message), may_have_happened: false }
    }

    pub(super) fn after_sending(self) -> Self {
        Self { may_have_happened: true, ..self }
    }

    /// Whether the call was sent, and nobody knows what came of it.
    pub(super) fn may_have_happened(&self) -> bool {
        self.may_have_happened
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<Failure> for GuardError {
    fn from(Failure { kind, error, .. }: Failure) -> Self {
        match kind {
            Kind::Unreachable => Self::Unreachable(error),
            Kind::NotWritable => Self::NotWritable(error),
        }
    }
}

/// Whether the same call may succeed on a new connection: the old one broke, or leads to a server that was the primary.
pub(super) fn is_mended_by_a_new_connection(error: &RedisError) -> bool {
    error.is_io_error() || matches!(code(error), "READONLY" | "LOADING" | "MASTERDOWN" | "NOAUTH" | "UNKNOWN")
}

fn code(error: &RedisError) -> &str {
    // That of a server alone: one that is none may send anything.
    error
        .code()
        .filter(|code| code.len() <= 20 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
        .unwrap_or(match error.code() {
            Some(_) => "UNKNOWN",
            None => "",
        })
}

fn without_code(error: &RedisError) -> Option<&'static str> {
    Some(match error.kind() {
        ErrorKind::Io => {
            "can't be reached; check that it runs, its address, and for rediss:// its certificate"
        }
        ErrorKind::Parse => "is not Redis, or speaks TLS; check the host, the port and the scheme of the URL",
        ErrorKind::RESP3NotSupported => "is too old; use Redis 7 or Valkey",
        ErrorKind::AuthenticationFailed => REFUSED_LOGIN,
        ErrorKind::InvalidClientConfig => "can't be used with these settings; check its URL",
        _ => "sent an unexpected reply; check that it is Redis 7 or Valkey",
    })
}

const REFUSED_LOGIN: &str = "refused the user or the password; check them in its URL";
const NO_PERMISSION: &str = "does not permit its user a command, a key or the channel; give the user what the documentation of `RedisStore` lists";

fn of_code(code: &str, error: &RedisError) -> (Kind, Option<&'static str>) {
    use Kind::{NotWritable, Unreachable};
    let (kind, what) = match code {
        "OOM" => (NotWritable, "has no memory left; raise its maxmemory, or free some"),
        "READONLY" => (NotWritable, "is a replica that can't be written; use the address of the primary"),
        "NOREPLICAS" => (NotWritable, "has too few replicas to be written; check its replicas"),
        "MISCONF" => (NotWritable, "can't save to its disk, and takes no writes; check its disk"),
        "NOPERM" => (NotWritable, NO_PERMISSION),
        "ERR" if error.detail().is_some_and(is_about_permissions) => (NotWritable, NO_PERMISSION),
        "WRONGPASS" | "NOAUTH" => (Unreachable, REFUSED_LOGIN),
        "LOADING" => (Unreachable, "is still loading its data; try again later"),
        "BUSY" => (Unreachable, "is busy with another script; try again later, or end that script"),
        "MASTERDOWN" => (Unreachable, "is a replica without its primary; use the address of the primary"),
        "MOVED" | "ASK" | "CROSSSLOT" | "CLUSTERDOWN" | "TRYAGAIN" => {
            (Unreachable, "is a node of a cluster; use a Redis that is not one")
        }
        "WRONGTYPE" => (Unreachable, "has something else under its keys; choose another prefix or profile"),
        _ => return (Unreachable, None),
    };
    (kind, Some(what))
}

/// How a script is told that its user may not do something. It has no code of its own.
fn is_about_permissions(detail: &str) -> bool {
    detail.contains("ACL failure") || detail.contains("executing the script can't")
}

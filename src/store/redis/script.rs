//! The scripts that run inside Redis.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use zeroize::Zeroizing;

/// A script. Redis knows it by a hash, which it says when it is given the text.
pub(super) struct Script {
    text: &'static str,
    hash: Mutex<Option<String>>,
}

macro_rules! script {
    ($name:literal) => {
        Script {
            text: concat!(include_str!("lua/time.lua"), include_str!(concat!("lua/", $name, ".lua"))),
            hash: Mutex::new(None),
        }
    };
}

pub(super) static READ: Script = script!("read");
pub(super) static GUARD: Script = script!("guard");
pub(super) static WRITE: Script = script!("write");
pub(super) static RENEW: Script = script!("renew");
pub(super) static RELEASE: Script = script!("release");
pub(super) static SET_ASIDE: Script = script!("set_aside");

/// An argument. Most are not secret, but a text is.
pub(super) type Argument = Zeroizing<Vec<u8>>;

impl Script {
    /// Runs it: one round trip, and one more if this process or Redis does not know it yet. It takes effect within the
    /// window, or never.
    pub(super) async fn run(
        &self,
        connection: &mut MultiplexedConnection,
        window: Duration,
        keys: &[&str],
        arguments: &[Argument],
    ) -> Result<Value, RedisError> {
        let evaluate = |hash: &str| evaluate(hash, window, keys, arguments);
        if let Some(hash) = self.hash() {
            let result = evaluate(&hash).query_async(connection).await;
            match result {
                // Redis was restarted, or somebody has flushed its scripts.
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {}
                result => return result,
            }
        }
        let hash: String = redis::cmd("SCRIPT").arg("LOAD").arg(self.text).query_async(connection).await?;
        let command = evaluate(&hash);
        *self.hash.lock().unwrap_or_else(PoisonError::into_inner) = Some(hash);
        command.query_async(connection).await
    }

    fn hash(&self) -> Option<String> {
        self.hash.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn evaluate(hash: &str, window: Duration, keys: &[&str], arguments: &[Argument]) -> Cmd {
    let mut command = redis::cmd("EVALSHA");
    command.arg(hash).arg(keys.len());
    for key in keys {
        command.arg(key);
    }
    command.arg(window.as_millis().to_string());
    for argument in arguments {
        command.arg(argument.as_slice());
    }
    command
}

pub(super) fn argument(value: impl ToString) -> Argument {
    Zeroizing::new(value.to_string().into_bytes())
}

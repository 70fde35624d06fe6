//! What Redis replies.

use redis::Value;
use zeroize::Zeroizing;

use super::failure::Failure;
use super::script::Argument;
use crate::credentials::json::unusable;
use crate::error::Error;
use crate::store::Entry;

/// The reply of a script: a word, the time, and what else it read.
pub(super) struct Reply {
    pub(super) word: String,
    /// The time of Redis, in milliseconds since 1970.
    pub(super) time: i64,
    rest: std::vec::IntoIter<Value>,
}

impl Reply {
    pub(super) fn read(value: Value, address: &str) -> Result<Self, Failure> {
        let Value::Array(values) = value else { return Err(unexpected(address)) };
        let mut rest = values.into_iter();
        match (rest.next().and_then(bytes), rest.next()) {
            (Some(word), Some(Value::Int(time))) => {
                Ok(Self { word: String::from_utf8_lossy(&word).into_owned(), time, rest })
            }
            _ => Err(unexpected(address)),
        }
    }

    /// The next value as text, which is no secret.
    pub(super) fn text(&mut self) -> Option<String> {
        self.bytes().map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    /// What is stored.
    pub(super) fn found(&mut self) -> Found {
        Found { version: self.text(), text: self.bytes(), intent: self.text() }
    }

    fn bytes(&mut self) -> Option<Argument> {
        self.rest.next().and_then(bytes)
    }
}

pub(super) fn unexpected(address: &str) -> Failure {
    Failure::unreachable(format!(
        "the credential store in Redis at {address} sent an unexpected reply; check that it is Redis 7 or Valkey"
    ))
}

fn bytes(value: Value) -> Option<Argument> {
    match value {
        Value::BulkString(bytes) => Some(Zeroizing::new(bytes)),
        Value::SimpleString(text) => Some(Zeroizing::new(text.into_bytes())),
        _ => None,
    }
}

/// The fields of the entry as they are stored.
pub(super) struct Found {
    pub(super) version: Option<String>,
    pub(super) text: Option<Argument>,
    pub(super) intent: Option<String>,
}

impl Found {
    /// Reads the entry, and moves its times from Redis' clock to this one.
    pub(super) fn entry(&self, seconds: i64) -> Result<Option<Entry>, Error> {
        let Some(text) = &self.text else { return Ok(None) };
        let text = std::str::from_utf8(text).map_err(|_| unusable("JSON object"))?;
        Ok(Some(Entry::from_text(text)?.shifted(seconds.saturating_neg())))
    }
}

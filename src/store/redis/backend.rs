//! The calls to Redis that all else is made of. Here times are those of Redis; above, they are those of this process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::Client;
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::failure::Failure;
use super::found::{Found, Reply};
use super::keys::Keys;
use super::lease::Lease;
use super::link::Link;
use super::script::{Argument, READ, SET_ASIDE, Script, WRITE, argument};
use super::server_time::ServerTime;
use crate::clock::Clock;
use crate::error::Error;
use crate::store::{Entry, Version};

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) client: Client,
    pub(super) prefix: String,
    pub(super) profile: String,
    pub(super) timeout: Duration,
    pub(super) lease: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

pub(super) struct Backend {
    pub(super) settings: Settings,
    pub(super) keys: Keys,
    pub(super) link: Link,
    server_time: ServerTime,
    /// The lease of this store, if it has one.
    lease: Mutex<Option<Arc<Lease>>>,
    /// The runtime of the last call, for a call from outside of any.
    pub(super) runtime: Mutex<Option<Handle>>,
    /// A write that was given up ends before the next one begins.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
}

/// Over what to write.
pub(super) enum Over {
    Anything,
    Nothing,
    Version(String),
    /// Exactly this text: for one that has another version in it than beside it, or that can't be read.
    Text(Argument),
}

/// What came of a write.
pub(super) enum Written {
    Yes,
    No(Found),
}

impl Backend {
    pub(super) fn new(settings: Settings) -> Self {
        let keys = Keys::new(&settings.prefix, &settings.profile);
        Self {
            link: Link::new(settings.client.clone(), keys.changed.clone()),
            keys,
            settings,
            server_time: ServerTime::default(),
            lease: Mutex::default(),
            runtime: Mutex::default(),
            turn: Arc::default(),
        }
    }

    pub(super) async fn read(&self) -> Result<Found, Failure> {
        let mut reply = self.send(&READ, &[&self.keys.entry], &[argument("")]).await?;
        Ok(reply.found())
    }

    /// Writes an entry, and gives the lease back if it is named.
    pub(super) async fn write(
        &self,
        over: &Over,
        entry: &Entry,
        lease: Option<&Lease>,
    ) -> Result<Written, Failure> {
        let mut reply = self
            .send_in_time(&WRITE, &[&self.keys.entry, &self.keys.lease], || {
                let (how, expected) = match over {
                    Over::Anything => ("any", argument("")),
                    Over::Nothing => ("absent", argument("")),
                    Over::Version(version) => ("version", argument(version)),
                    Over::Text(text) => ("text", text.clone()),
                };
                vec![
                    argument(how),
                    expected,
                    argument(entry.version()),
                    self.text(entry),
                    argument(intent(entry)),
                    argument(lease.map_or("", |lease| lease.value())),
                    argument(&self.keys.changed),
                ]
            })
            .await?;
        match reply.word.as_str() {
            "ok" => Ok(Written::Yes),
            _ => Ok(Written::No(reply.found())),
        }
    }

    /// Keeps a copy of what is stored.
    pub(super) async fn set_aside(&self) -> Result<(), Failure> {
        let keys = [self.keys.entry.as_str(), &self.keys.damaged];
        self.send_in_time(&SET_ASIDE, &keys, Vec::new).await.map(drop)
    }

    /// Runs a script that takes effect while somebody waits for it, or never. The arguments are made when the time of Redis
    /// is known: they may have times in them.
    pub(super) async fn send_in_time(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: impl Fn() -> Vec<Argument>,
    ) -> Result<Reply, Failure> {
        if self.server_time.at(self.settings.clock.now().wall).is_none() {
            self.read().await?;
        }
        // One of the clocks may have been set: then the first reply says by how much.
        for _ in 0..2 {
            let sent = self.server_time.at(self.settings.clock.now().wall).unwrap_or_default();
            let mut all = vec![argument(sent)];
            all.extend(arguments());
            let reply = self.send(script, keys, &all).await?;
            if reply.word != "late" {
                return Ok(reply);
            }
        }
        Err(Failure::timed_out(&self.link.address(), self.settings.timeout))
    }

    pub(super) async fn send(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: &[Argument],
    ) -> Result<Reply, Failure> {
        let sent = self.settings.clock.now().wall;
        let value = self.link.run(script, keys, arguments, self.settings.timeout).await?;
        let reply = Reply::read(value, &self.link.address())?;
        self.server_time.measured(reply.time, sent, self.settings.clock.now().wall);
        Ok(reply)
    }

    /// By how much the times of Redis are ahead.
    pub(super) fn seconds(&self) -> i64 {
        self.server_time.seconds()
    }

    pub(super) fn entry(&self, found: &Found) -> Result<Option<Entry>, Error> {
        found.entry(self.seconds())
    }

    /// The text of an entry with the times of Redis.
    pub(super) fn text(&self, entry: &Entry) -> Argument {
        Zeroizing::new(entry.shifted(self.seconds()).expose_text().as_bytes().to_vec())
    }

    pub(super) fn lease(&self) -> MutexGuard<'_, Option<Arc<Lease>>> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Over {
    pub(super) fn of(expected: Option<&Version>) -> Self {
        expected.map_or(Self::Nothing, |version| Self::Version(version.to_string()))
    }
}

/// What keeps other processes from sending the refresh token of an entry: the id of the exchange that is open, or the note
/// that it was refused.
pub(super) fn intent(entry: &Entry) -> String {
    match entry.intent() {
        Some(intent) => format!("{:016x}", intent.id),
        None if entry.is_refused() => "refused".into(),
        None => String::new(),
    }
}

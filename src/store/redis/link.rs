//! The connection: made when it is needed, and again when it broke. It tells of writes by others as well.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, FromRedisValue as _, ProtocolVersion, PushInfo, PushKind, RedisError,
    Value,
};
use tokio::runtime::{Handle, Id};
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, timeout_at};

use super::failure::{Failure, is_mended_by_a_new_connection};
use super::script::{Argument, Script};
use crate::store::Version;

pub(super) struct Link {
    client: Client,
    channel: String,
    open: Mutex<Option<Open>>,
    /// Notified of each write by anyone, and when the connection breaks.
    pub(super) changed: Arc<Notify>,
    published: Arc<Published>,
}

/// The version that was published last on the open connection.
type Published = std::sync::Mutex<Option<String>>;

#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    is_useless: Arc<AtomicBool>,
    /// The runtime that drives it. If that is not driven itself, the connection is of no use to another one.
    runtime: Id,
}

impl Link {
    pub(super) fn new(client: Client, channel: String) -> Self {
        let (open, changed, published) = Default::default();
        Self { client, channel, open, changed, published }
    }

    /// Whether this version is the one that was published last, and nothing may have been missed since.
    pub(super) fn was_published_last(&self, version: &Version) -> bool {
        lock(&self.published).as_ref().is_some_and(|published| *published == version.to_string())
    }

    pub(super) fn address(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    /// Runs a script within a time limit. It is sent again, once, if the connection is an old one and of no use any more: it may
    /// have broken unseen long ago.
    pub(super) async fn run(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: &[Argument],
        limit: Duration,
    ) -> Result<Value, Failure> {
        let start = Instant::now();
        let mut is_sent = false;
        let timed_out = |is_sent| {
            let failure = Failure::timed_out(&self.address(), limit);
            if is_sent { failure.after_sending() } else { failure }
        };
        for is_repeated in [false, true] {
            let opened = timeout_at(start + limit, self.open()).await.map_err(|_| timed_out(is_sent))?;
            let (mut open, is_new) = opened.map_err(|error| self.failure(&error, is_sent))?;
            let is_last = is_new || is_repeated;
            let window = if is_last { limit } else { limit / 2 };
            is_sent = true;
            let running = script.run(&mut open.connection, window, keys, arguments);
            match timeout_at(start + window, running).await {
                Ok(Err(error)) if is_mended_by_a_new_connection(&error) => {
                    open.is_useless.store(true, Ordering::Relaxed);
                    if is_last {
                        return Err(self.failure(&error, is_sent));
                    }
                }
                Ok(result) => return result.map_err(|error| self.failure(&error, is_sent)),
                // What was sent on it takes effect within the window or never: see `lua/time.lua`.
                Err(_) => open.is_useless.store(true, Ordering::Relaxed),
            }
        }
        Err(timed_out(is_sent))
    }

    fn failure(&self, error: &RedisError, is_sent: bool) -> Failure {
        let failure = Failure::new(error, &self.address());
        // A server that says why has done nothing.
        match is_sent && error.code().is_none() {
            true => failure.after_sending(),
            false => failure,
        }
    }

    /// The connection, and whether it is a new one.
    async fn open(&self) -> Result<(Open, bool), RedisError> {
        let runtime = Handle::current().id();
        let mut slot = self.open.lock().await;
        match slot.as_ref() {
            Some(open) if open.runtime == runtime && !open.is_useless.load(Ordering::Relaxed) => {
                Ok((open.clone(), false))
            }
            _ => {
                *slot = None;
                let connection = self.connect().await?;
                let open = Open { connection, is_useless: Arc::default(), runtime };
                Ok((slot.insert(open).clone(), true))
            }
        }
    }

    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let info = self.client.get_connection_info().clone();
        // With RESP3 the connection that sends the commands is told of what is published as well.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))?;
        let (changed, published) = (self.changed.clone(), self.published.clone());
        let config = AsyncConnectionConfig::new()
            // The limit around the whole call counts.
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_push_sender(move |push: PushInfo| {
                if matches!(push.kind, PushKind::Message | PushKind::Disconnection) {
                    let version =
                        push.data.last().and_then(|payload| String::from_redis_value_ref(payload).ok());
                    // Without a version, a guard was given back, or the connection broke.
                    match version.filter(|version| !version.is_empty() && push.kind == PushKind::Message) {
                        Some(version) => *lock(&published) = Some(version),
                        None if push.kind == PushKind::Disconnection => *lock(&published) = None,
                        None => {}
                    }
                    changed.notify_waiters();
                }
                Ok::<_, Infallible>(())
            });
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        // A user who may not subscribe polls.
        let _ = connection.subscribe(&self.channel).await;
        Ok(connection)
    }
}

fn lock(published: &Published) -> MutexGuard<'_, Option<String>> {
    published.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The connection: made when it is needed, and again when it broke. It tells of writes by others as well.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ProtocolVersion, PushInfo, PushKind, RedisError, Value};
use tokio::runtime::{Handle, Id};
use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;

use super::failure::{Failure, is_mended_by_a_new_connection};
use super::script::{Argument, Script};

pub(super) struct Link {
    client: Client,
    channel: String,
    open: Mutex<Option<Open>>,
    /// How many connections there were.
    count: AtomicU64,
    /// Notified of each write by anyone, and when the connection breaks.
    pub(super) changed: Arc<Notify>,
}

#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    number: u64,
    /// The runtime that drives it. If that is not driven itself, the connection is of no use to another one.
    runtime: Id,
}

impl Link {
    pub(super) fn new(client: Client, channel: String) -> Self {
        Self { client, channel, open: Mutex::default(), count: AtomicU64::new(0), changed: Arc::default() }
    }

    pub(super) fn address(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    /// Runs a script within a time limit. It is sent again, once, if the connection turns out to be an old one.
    pub(super) async fn run(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: &[Argument],
        limit: Duration,
    ) -> Result<Value, Failure> {
        let used = AtomicU64::new(0);
        let calls = async {
            let count = self.count.load(Ordering::Relaxed);
            let first = self.try_once(script, keys, arguments, &used).await;
            // Zero stands for none: connecting failed.
            let was_open = (1..=count).contains(&used.load(Ordering::Relaxed));
            match first {
                Err(error) if was_open && is_mended_by_a_new_connection(&error) => {
                    self.try_once(script, keys, arguments, &used).await
                }
                result => result,
            }
        };
        match timeout(limit, calls).await {
            Ok(result) => result.map_err(|error| Failure::new(&error, &self.address())),
            Err(_) => {
                // What was sent on it takes effect in time or never: see `lua/time.lua`.
                self.close(used.load(Ordering::Relaxed)).await;
                Err(Failure::timed_out(&self.address(), limit))
            }
        }
    }

    async fn try_once(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: &[Argument],
        used: &AtomicU64,
    ) -> Result<Value, RedisError> {
        let Open { mut connection, number, .. } = self.open().await?;
        used.store(number, Ordering::Relaxed);
        let result = script.run(&mut connection, keys, arguments).await;
        if result.as_ref().is_err_and(is_mended_by_a_new_connection) {
            self.close(number).await;
        }
        result
    }

    async fn open(&self) -> Result<Open, RedisError> {
        let runtime = Handle::current().id();
        let mut slot = self.open.lock().await;
        match slot.as_ref() {
            Some(open) if open.runtime == runtime => Ok(open.clone()),
            _ => {
                let connection = self.connect().await?;
                let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
                Ok(slot.insert(Open { connection, number, runtime }).clone())
            }
        }
    }

    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let info = self.client.get_connection_info().clone();
        // With RESP3 the connection that sends the commands is told of what is published as well.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))?;
        let changed = self.changed.clone();
        let config = AsyncConnectionConfig::new()
            // The limit around the whole call counts.
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_push_sender(move |push: PushInfo| {
                if matches!(push.kind, PushKind::Message | PushKind::Disconnection) {
                    changed.notify_waiters();
                }
                Ok::<_, Infallible>(())
            });
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        // A user who may not subscribe polls.
        let _ = connection.subscribe(&self.channel).await;
        Ok(connection)
    }

    async fn close(&self, number: u64) {
        let mut slot = self.open.lock().await;
        if slot.as_ref().is_some_and(|open| open.number == number) {
            *slot = None;
        }
    }
}

//! A store in Redis, for a fleet.

mod acquire;
mod backend;
mod calls;
mod delays;
mod failure;
mod found;
mod keys;
mod lease;
mod link;
mod moment;
mod script;
mod server_time;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::Client;

use self::backend::{Backend, Settings};
use crate::clock::{Clock, SystemClock};
use crate::error::Error;

/// Keeps credentials in Redis 7 or Valkey, for a fleet of processes that share one login (feature `redis`).
///
/// ```no_run
/// # fn example(source: reauth::oauth2::RefreshToken) -> Result<(), reauth::Error> {
/// use reauth::Authenticator;
/// use reauth::store::RedisStore;
///
/// let store = RedisStore::new("rediss://orders:s3cret@redis.example.com:6379/")?.profile("orders");
/// let auth = Authenticator::builder(source).store(store).build();
/// # let _ = auth;
/// # Ok(())
/// # }
/// ```
///
/// Making one connects to nothing. The first call connects, and so does the first one after a connection broke.
///
/// A refresh takes two round trips. The first one takes the guard, reads the entry, and proves that it can be written. The
/// second one saves what the refresh brought, gives the guard back, and tells the other processes.
///
/// # In Redis
///
/// | key | what |
/// | --- | --- |
/// | `{reauth:default}:entry` | a hash with the [text](crate::store::Entry::expose_text) of the entry. It never expires. |
/// | `{reauth:default}:lease` | who has the guard. It expires. |
/// | `{reauth:default}:damaged` | a copy of the last entry that could not be read |
/// | `{reauth:default}:changed` | a channel |
///
/// The text has secrets in it. Who can read the key, a backup or the traffic has the credentials. Use TLS, and a user with
/// these permissions alone:
///
/// ```text
/// ACL SETUSER orders on >s3cret ~{reauth:default}:* &{reauth:default}:changed
///   +evalsha +script|load +subscribe +publish +time
///   +get +set +del +pexpire +hmget +hset +hdel +persist +copy
/// ```
///
/// The fields of the hash are `text`; `version` and `intent`, which repeat parts of it; and `pad`, room for the next save. A
/// person who writes an entry by hand sets `text` alone.
///
/// # TLS, and which Rust
///
/// This crate enables no TLS. For `rediss://`, add the crate `redis` 1 to your program, with its feature `tokio-rustls-comp`
/// or `tokio-native-tls-comp`. With rustls, the program needs a default provider of cryptography as well. A certificate of
/// your own is a setting of the [client](Self::from_client).
///
/// The crate `redis` needs Rust 1.85 up to its version 1.2.3, and Rust 1.88 from 1.2.4 on.
///
/// # What it promises
///
/// * One process has the guard. It is a lease of [30 s](Self::DEFAULT_LEASE), which is renewed as long as the refresh runs.
///   It lapses if its holder dies. Only who has it can give it back.
/// * A save succeeds exactly if nobody has written since what it replaces was read. So a process that stood still for longer
///   than its lease overwrites nothing. It can still save what it alone has, if nobody came.
/// * A Redis that is full, read-only or without its replicas is noticed before a refresh token is spent. If memory runs out
///   after that, the save still succeeds.
/// * A call ends within its [limit](Self::timeout). A write that Redis gets later than that does nothing.
/// * All times are stored as times of Redis' clock: clocks that differ do not change a lifetime. Differences of up to a second
///   are ignored.
///
/// # What it can't promise
///
/// * **A failover, or a restored backup, can lose a write** that Redis has acknowledged. A process that still has something
///   newer writes it back. If none has, the provider may refuse the older refresh token, and somebody has to log in again.
///   Less is lost with `appendfsync always`, `min-replicas-to-write` and `maxmemory-policy noeviction`.
/// * **Two processes may have the guard at once**: after a failover, or if one stood still for longer than the lease. The
///   entry then says that an exchange is open. That keeps the second one from sending while the access token is valid.
/// * Redis Cluster and Sentinel are not supported by themselves. An address that always leads to the primary works.
/// * The buffers of the crate `redis` are not overwritten when they are dropped.
///
/// Clones share the connection. `Debug` shows neither user nor password, and no error does.
#[derive(Clone)]
pub struct RedisStore(Arc<Backend>);

impl RedisStore {
    /// How long one call to Redis may take, connecting included: 3 s.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);

    /// How long the guard lasts without a renewal: 30 s.
    pub const DEFAULT_LEASE: Duration = Duration::from_secs(30);

    /// Makes a store at a URL: `redis://`, or `rediss://` for TLS, then `user:password@host:port/database`.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::ErrorKind::Misconfigured) if it is not such a URL, or if the crate `redis` has no TLS. The
    /// error does not show the URL.
    pub fn new(url: &str) -> Result<Self, Error> {
        Client::open(url).map(Self::from_client).map_err(|_| {
            Error::misconfigured(
                "URL of Redis: use redis://user:password@host:port/database; \
                 for rediss:// enable a TLS feature of the crate redis",
            )
        })
    }

    /// Makes a store with a client, such as one that trusts a certificate of your own. Its own time limits do not count.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), redis::RedisError> {
    /// let client = redis::Client::open("redis://redis.example.com/")?;
    /// let store = reauth::store::RedisStore::from_client(client);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_client(client: Client) -> Self {
        Self(Arc::new(Backend::new(Settings {
            client,
            prefix: "reauth".into(),
            profile: "default".into(),
            timeout: Self::DEFAULT_TIMEOUT,
            lease: Self::DEFAULT_LEASE,
            clock: Arc::new(SystemClock::new()),
        })))
    }

    /// Sets what all keys begin with. Default: `reauth`.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        self.changed(|settings| settings.prefix = prefix.into())
    }

    /// Sets which credentials these are, if there are several under one prefix. Default: `default`. Each name can be a part of a
    /// key, so this can't fail.
    #[must_use]
    pub fn profile(self, profile: impl Into<String>) -> Self {
        self.changed(|settings| settings.profile = profile.into())
    }

    /// Sets how long one call to Redis may take, connecting included. Default: [`DEFAULT_TIMEOUT`](Self::DEFAULT_TIMEOUT).
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.changed(|settings| settings.timeout = timeout)
    }

    /// Sets how long the guard lasts without a renewal. It is renewed after a third of that. Two thirds of it must be longer
    /// than a token request may take ([`TokenEndpoint::timeout`](crate::TokenEndpoint::timeout)). Default:
    /// [`DEFAULT_LEASE`](Self::DEFAULT_LEASE).
    #[must_use]
    pub fn lease(self, lease: Duration) -> Self {
        self.changed(|settings| settings.lease = lease)
    }

    /// Sets the clock by which the process judges lifetimes, in tests. Give the authenticator the same one. Default:
    /// [`SystemClock`].
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        self.changed(|settings| settings.clock = Arc::new(clock))
    }

    fn changed(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.0.settings.clone();
        change(&mut settings);
        Self(Arc::new(Backend::new(settings)))
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("address", &self.0.link.address())
            .field("entry", &self.0.keys.entry)
            .finish_non_exhaustive()
    }
}

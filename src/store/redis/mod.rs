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

/// TODO
pub struct RedisStore(Arc<Backend>);

impl RedisStore {
    /// How long one call to Redis may take, connecting included.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);
    /// How long the guard lasts without a renewal.
    pub const DEFAULT_LEASE: Duration = Duration::from_secs(30);

    pub fn new(url: &str) -> Result<Self, Error> {
        Client::open(url).map(Self::from_client).map_err(|_| Error::misconfigured("URL"))
    }

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

    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        self.changed(|settings| settings.prefix = prefix.into())
    }

    #[must_use]
    pub fn profile(self, profile: impl Into<String>) -> Self {
        self.changed(|settings| settings.profile = profile.into())
    }

    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.changed(|settings| settings.timeout = timeout)
    }

    #[must_use]
    pub fn lease(self, lease: Duration) -> Self {
        self.changed(|settings| settings.lease = lease)
    }

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
            .field("key", &self.0.keys.entry)
            .finish_non_exhaustive()
    }
}

//! Many identities: an authenticator for each key of the program, made on demand.

mod builder;
mod creation;
mod kept;
mod slot;

pub use builder::IdentitiesBuilder;

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kept::Kept;

use crate::authenticator::{Authenticator, Exchanges};
use crate::clock::Clock;
use crate::error::Error;
use crate::source::BoxFuture;
use crate::timing::Timing;

type Factory<K> = Box<dyn Fn(K) -> BoxFuture<'static, Result<Authenticator, Error>> + Send + Sync>;

/// One [`Authenticator`] for each key, such as a tenant or a user. A factory makes it when it is first asked for. Clones share
/// the set.
///
/// The key has to hold *everything* that says who somebody is. If users prove themselves by a password and the key is the name
/// alone, anyone who knows a name gets that user's tokens.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use reauth::per_request::WithAuthenticator;
/// use reauth::{AuthLayer, Authenticator, Credentials, Identities, Origins, source_fn};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// let tenants = Identities::new(|tenant: String| async move {
///     let source = source_fn(move || {
///         let token = format!("token-of-{tenant}");
///         async move { Credentials::new(token) }
///     });
///     Ok(Authenticator::new(source))
/// });
/// let api = ServiceBuilder::new()
///     .layer(AuthLayer::per_request(Origins::new("https://api.example.com")?))
///     .service_fn(|request: http::Request<String>| async move {
///         assert_eq!(request.headers()["authorization"], "Bearer token-of-ada");
///         Ok::<_, std::convert::Infallible>(http::Response::new(()))
///     });
/// let ada = tenants.get(&"ada".to_owned()).await?;
/// let request = http::Request::get("https://api.example.com/").extension(WithAuthenticator(ada));
/// api.oneshot(request.body(String::new())?).await?;
/// # Ok(())
/// # }
/// ```
///
/// # What is kept
///
/// A new key evicts the least used identity when the set is [full](IdentitiesBuilder::capacity), and an identity that was not
/// used for a [time](IdentitiesBuilder::idle) is evicted too. One that is in use is not: while the program has a clone of its
/// authenticator, while it refreshes, logs out or saves, and while it holds something that would be lost. So there is one
/// authenticator of a key at a time, unless the program [removes](Self::remove) it. Would be lost:
///
/// * with a store, what the store does not hold yet, such as a rotated refresh token. The store must outlive the authenticator: a
///   [`MemoryStore`](crate::store::MemoryStore) that the factory made ends with it.
/// * without a store, credentials that the program has set, or that come from a refresh of those that the source was built
///   with. After a log-in of the source, it can log in again, and does. A log-out is not kept: if the factory gives the source
///   initial credentials, have it give none to a user who has logged out.
///
/// # Events
///
/// An [`Event`](crate::Event) does not name the identity. The factory has the key, and gives it to the observer:
///
/// ```
/// use reauth::{Authenticator, Credentials, Identities};
///
/// let tenants = Identities::new(|tenant: u64| async move {
///     let observer = move |event: &reauth::Event| println!("tenant {tenant}: {event:?}");
///     Ok(Authenticator::builder(Credentials::new("at-1")?).observer(observer).build())
/// });
/// # let _ = tenants;
/// ```
pub struct Identities<K> {
    set: Arc<Set<K>>,
}

/// What all clones share.
struct Set<K> {
    kept: Kept<K>,
    factory: Factory<K>,
    idle: Duration,
    /// When to look again for what is idle, in milliseconds.
    next_look: AtomicU64,
    exchanges: Option<Exchanges>,
    clock: Box<dyn Clock>,
    timing: Arc<Timing>,
}

impl<K: Eq + Hash + Clone + Send + Sync + 'static> Identities<K> {
    /// How many identities a set keeps by default.
    pub const CAPACITY: usize = 10_000;
    /// After how much time without use an identity is evicted by default: 1 h.
    pub const IDLE: Duration = Duration::from_secs(60 * 60);

    /// Returns a set with the default settings. The factory makes the authenticator of a key.
    ///
    /// One creation of a key runs at a time, in a task of its own on the caller's Tokio runtime. It may take
    /// [`Timing::FLIGHT_DEADLINE`]. A panic of the factory is a [`Transient`](crate::ErrorKind::Transient) error. The factory
    /// should not log in: the authenticator does that when it is first used, and tries again if that fails.
    pub fn new<F, Fut>(factory: F) -> Self
    where
        F: Fn(K) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Authenticator, Error>> + Send + 'static,
    {
        Self::builder(factory).build()
    }

    /// Returns a builder for other settings: how many are kept, for how long, how many log in or refresh at once.
    pub fn builder<F, Fut>(factory: F) -> IdentitiesBuilder<K>
    where
        F: Fn(K) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Authenticator, Error>> + Send + 'static,
    {
        IdentitiesBuilder::new(factory)
    }

    /// Returns the authenticator of this key. This waits only while the factory makes it.
    ///
    /// # Errors
    ///
    /// That of the factory, for all who waited. It is remembered for this key alone, and returned until the next creation may
    /// start: as long as an authenticator would remember it, up to five minutes after many refusals
    /// ([`Timing::terminal_memory`]). [`Misconfigured`](crate::ErrorKind::Misconfigured) also if the factory asks for the
    /// key that it is to make, or if there is no Tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends this caller's wait and nothing else. A creation goes on.
    pub async fn get(&self, key: &K) -> Result<Authenticator, Error> {
        let now = self.set.clock.coarse().monotonic;
        self.set.evict_idle(now);
        let slot = self.set.kept.slot(key);
        slot.touch(now);
        if let Some(made) = slot.made() {
            return Ok(made.clone());
        }
        Box::pin(self.set.made(key, slot)).await
    }

    /// Removes a key, even if its identity is in use, and returns its authenticator if there is one. The factory makes
    /// another for the next caller.
    ///
    /// Clones of the old one go on, and so does a creation for those who wait for it. If both of them spend the same refresh
    /// token, the provider may revoke it. So log out of the old one, or await [`settled`](Authenticator::settled), before anybody
    /// asks for this key again.
    pub fn remove(&self, key: &K) -> Option<Authenticator> {
        self.set.kept.remove(key)?.made().cloned()
    }

    /// Logs a key out ([`Authenticator::log_out`]), and removes it unless it is in use. If it is not in the set, the factory
    /// makes it first, because its store may hold credentials.
    ///
    /// # Errors
    ///
    /// That of the factory or of the log-out.
    ///
    /// # Cancel safety
    ///
    /// That of [`Authenticator::log_out`], once there is an authenticator.
    pub async fn log_out(&self, key: &K) -> Result<(), Error> {
        self.get(key).await?.log_out().await?;
        self.set.kept.remove_unused(key);
        Ok(())
    }

    /// Returns how many keys the set keeps. Those whose creation failed a short time ago count.
    pub fn len(&self) -> usize {
        self.set.kept.len()
    }

    /// Returns whether the set keeps nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K> Set<K> {
    fn now(&self) -> Duration {
        self.clock.now().monotonic
    }
}

impl<K: Eq + Hash + Clone> Set<K> {
    /// Looks for what is idle, if that is due. One caller at a time does it.
    fn evict_idle(&self, now: Duration) {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let due = self.next_look.load(Ordering::Relaxed);
        if millis(now) < due {
            return;
        }
        let next = now.saturating_add((self.idle / 8).min(Duration::from_secs(60)));
        let next = millis(next).max(due.saturating_add(1));
        if self.next_look.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.kept.remove_idle(self.idle, now);
        }
    }
}

impl<K> Clone for Identities<K> {
    fn clone(&self) -> Self {
        Self { set: self.set.clone() }
    }
}

/// Shows no key, because keys may have secrets.
impl<K> fmt::Debug for Identities<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identities").finish_non_exhaustive()
    }
}

//! The handle that programs clone: one identity, its credentials, one flight at a time.

mod builder;
mod exchanges;
mod flight;
mod guard;
#[cfg(feature = "identities")]
mod leaving;
mod limit;
mod log_out;
mod own_calls;
mod running;
mod store;
mod ticket;
mod watcher;

pub use builder::AuthenticatorBuilder;
#[cfg(feature = "identities")]
pub(crate) use exchanges::Exchanges;
#[cfg(feature = "identities")]
pub(crate) use leaving::has_other_clones;
pub(crate) use own_calls::without_place;
pub(crate) use ticket::Ticket;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, TryLockError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::auth_header::AuthHeader;
use crate::cache::{Ask, Cache, Usable, acquire, refresh};
use crate::clock::Clock;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::machine::{Wanted, Work};
use crate::passed::OncePerMinute;
use crate::source::{CredentialSource, DynSource};
use crate::timing::Timing;

/// Keeps the credentials of one identity valid.
///
/// All callers, clones and adapters share one token request at a time. A refresh runs in a task of its own on the caller's
/// Tokio runtime, which needs its time driver. The task belongs to the authenticator, not to the caller, so that a rotated
/// refresh token is kept even if the caller goes away.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use reauth::{Authenticator, Credentials};
///
/// let auth = Authenticator::new(Credentials::new("at-1")?);
/// let credentials = auth.credentials().await?;
/// assert_eq!(credentials.access_token(), "at-1");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Authenticator {
    shared: Arc<Shared>,
}

/// What all clones share.
struct Shared {
    cache: Cache,
    source: Box<dyn DynSource>,
    store: Option<Box<builder::Store>>,
    /// Tells calls of the store that a log-out, or credentials set by the program, may have overtaken them.
    overtaken: Notify,
    /// The tasks of flights, also of those that a log-out has ended.
    running: running::Running,
    /// Held by the thread that calls the observer.
    telling: Mutex<()>,
    clock: Box<dyn Clock>,
    timing: Arc<Timing>,
    observer: Option<builder::Observer>,
    /// Limits the events of requests that pass without a token.
    passed: OncePerMinute,
    /// The header that carries the token, if it is another one than `Authorization: Bearer`.
    header: Option<Arc<AuthHeader>>,
    /// The limit of exchanges at once, if this belongs to a set of identities that has one.
    exchanges: OnceLock<exchanges::Exchanges>,
}

impl Authenticator {
    /// Returns an authenticator with the default settings. This spawns nothing, sends nothing and needs no runtime.
    pub fn new(source: impl CredentialSource) -> Self {
        Self::builder(source).build()
    }

    /// Returns a builder for other settings: a store, a clock, [timing](Timing), an observer.
    pub fn builder(source: impl CredentialSource) -> AuthenticatorBuilder {
        AuthenticatorBuilder::new(source)
    }

    /// Returns credentials that may be sent now: neither expired nor rejected.
    ///
    /// This waits only if there are none, or if those in use expire soon. While a refresh fails, callers get the token that is
    /// still valid. After its expiry they get the error.
    ///
    /// # Errors
    ///
    /// The reason why there are none. [`Error::kind`] says what to do about it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends this caller's wait and nothing else.
    pub async fn credentials(&self) -> Result<Credentials, Error> {
        if let Some(credentials) = self.shared.cache.warm(self.shared.clock.coarse()) {
            return Ok(credentials);
        }
        Ok(self.need(Wanted::Usable).await?.credentials)
    }

    /// Returns credentials that are valid for `least` at least, for a call that takes long, such as an upload. Those in use
    /// are refreshed if they expire sooner.
    ///
    /// # Errors
    ///
    /// The reason why there are none. It is [`Misconfigured`](crate::ErrorKind::Misconfigured) if the provider's tokens do
    /// not last that long.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends this caller's wait and nothing else.
    pub async fn credentials_valid_for(&self, least: Duration) -> Result<Credentials, Error> {
        Ok(self.need(Wanted::ValidFor(least)).await?.credentials)
    }

    /// Returns the credentials that are held, as they are: they may have expired, or a server may have rejected them. This starts
    /// nothing and never waits. `None` if nothing is held: before the first log-in, and after a log-out.
    pub fn peek(&self) -> Option<Credentials> {
        self.shared.cache.held()
    }

    /// Waits until other credentials are held than `used`, and returns those. `None` after a
    /// log-out, also if somebody has logged in again since: that may be another user.
    ///
    /// It is for streams that outlive a token (server-sent events, WebSocket, gRPC), which have to be opened again with the next
    /// one. This does not refresh: some call has to, such as [`credentials_valid_for`](Self::credentials_valid_for).
    ///
    /// ```
    /// # async fn read_until_closed(_: &reauth::Credentials) {}
    /// # async fn example(auth: reauth::Authenticator) -> Result<(), reauth::Error> {
    /// let mut credentials = auth.credentials().await?;
    /// loop {
    ///     tokio::select! {
    ///         _ = read_until_closed(&credentials) => credentials = auth.credentials().await?,
    ///         next = auth.changed(&credentials) => match next {
    ///             Some(next) => credentials = next,
    ///             None => break,
    ///         },
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the wait and nothing else.
    pub async fn changed(&self, used: &Credentials) -> Option<Credentials> {
        self.shared.cache.until_other_than(used).await
    }

    /// Reports that a server rejected `used` with a 401, and waits for newer credentials.
    ///
    /// If `used` was replaced before, this returns its successor and fetches nothing. While the successor is on its way,
    /// nobody gets `used`. If it can't be had, `used` goes back into use, unless the provider has refused the login.
    ///
    /// # Errors
    ///
    /// The reason why there are no newer credentials. It is [`Transient`](crate::ErrorKind::Transient) also if a
    /// rejection caused a refresh only a short time ago ([`Timing::REJECTION_INTERVAL`]). A server that rejects each
    /// new token would otherwise cause a refresh for each request.
    ///
    /// # Cancel safety
    ///
    /// Once this future has been polled, the rejection stands and the refresh goes on, even if the caller does not wait.
    pub async fn reject(&self, used: &Credentials) -> Result<Credentials, Error> {
        let ask = self.shared.cache.ask(self.shared.clock.now(), |state, now| state.reject_token(used, now));
        Ok(self.follow(ask, Wanted::other_than(used)).await?.credentials)
    }

    /// Fetches newer credentials, even if those in use are still good. They are issued after this call: if a request is
    /// under way already, this waits for its end, and then makes its own for all who have asked meanwhile.
    ///
    /// # Errors
    ///
    /// The reason why it failed. An earlier failure that is too recent for another attempt is returned again. The credentials
    /// in use stay in use.
    ///
    /// # Cancel safety
    ///
    /// Once this future has been polled, the refresh goes on, even if the caller does not wait.
    pub async fn refresh(&self) -> Result<Credentials, Error> {
        self.shared.check_not_called_by_itself()?;
        Ok(Box::pin(without_place(refresh(&self.shared.cache, &self.shared))).await?.credentials)
    }

    /// Replaces the credentials with those of a log-in that happened elsewhere (a browser, a prompt).
    ///
    /// Remembered errors are forgotten. A refresh that is running is dropped, and its callers get these credentials.
    ///
    /// The credentials have to be the same identity's, because requests that are under way may be sent again with them. For
    /// another identity use another authenticator, or call [`log_out`](Self::log_out) first.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) if the credentials could not be stored. They are used anyway.
    ///
    /// # Cancel safety
    ///
    /// Once this future has been polled, the credentials are in use. Within a Tokio runtime they are then stored even if
    /// this future is dropped.
    pub async fn set_credentials(&self, credentials: Credentials) -> Result<(), Error> {
        let held = self.shared.cache.set_credentials(credentials, self.shared.clock.now());
        self.shared.overtaken.notify_waiters();
        self.shared.tell();
        let shared = self.shared.clone();
        self.in_a_task(async move { shared.do_at_store(Work::Save(held)).await }).await
    }
}

impl Authenticator {
    async fn need(&self, wanted: Wanted) -> Result<Usable, Error> {
        let ask = self.shared.cache.ask(self.shared.clock.now(), |state, now| state.need(wanted, now));
        self.follow(ask, wanted).await
    }

    /// The future is in a box, because it is large, and adapters' futures that hold it are moved around.
    async fn follow(&self, ask: Ask, wanted: Wanted) -> Result<Usable, Error> {
        if let Ask::Wait { .. } = ask {
            self.shared.check_not_called_by_itself()?;
            return Box::pin(without_place(acquire(&self.shared.cache, ask, wanted, &self.shared))).await;
        }
        Box::pin(acquire(&self.shared.cache, ask, wanted, &self.shared)).await
    }
}

impl Shared {
    /// Calls the observer with what has happened since the last call, in order, outside every lock of the cache.
    ///
    /// One thread does this at a time. It also reports what happens meanwhile, even in the observer itself.
    fn tell(&self) {
        if !self.cache.may_have_events() {
            return;
        }
        while self.cache.look(|state| !state.events.is_empty()) {
            let turn = match self.telling.try_lock() {
                Ok(turn) => turn,
                Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            for event in self.cache.take_events() {
                #[cfg(feature = "tracing")]
                crate::trace::record(&event);
                if let Some(observer) = &self.observer {
                    // A panic in the observer must not cost a token.
                    let _ = catch_unwind(AssertUnwindSafe(|| observer(&event)));
                }
            }
            // A thread that found the turn taken relies on this thread to look again.
            drop(turn);
        }
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(reauth_model)))]
mod tests;

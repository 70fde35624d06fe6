//! The handle that people clone: one identity, one credential, one flight at a time.

mod builder;
mod flight;
mod log_out;
mod store;

pub use builder::AuthenticatorBuilder;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::HeaderValue;

use crate::cache::{Ask, Cache, Usable, acquire, refresh};
use crate::clock::Clock;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::machine::Work;
use crate::source::{CredentialSource, DynSource};
use crate::timing::Timing;

/// Keeps one identity's credentials good.
///
/// However many callers, clones and adapters share it, one token request is in the air. A refresh runs in a
/// task of its own on the caller's Tokio runtime (with its time driver enabled): it belongs to the
/// authenticator, not to the caller, so that a rotated refresh token is kept whoever goes away.
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

struct Shared {
    cache: Cache,
    source: Box<dyn DynSource>,
    store: Option<builder::Store>,
    telling: tokio::sync::Mutex<()>,
    clock: Box<dyn Clock>,
    timing: Arc<Timing>,
    observer: Option<builder::Observer>,
}

/// What an adapter needs for one request.
pub(crate) struct Ticket {
    /// The value of the `Authorization` header.
    pub(crate) header: HeaderValue,
    /// What to report if a server rejects the token.
    pub(crate) generation: u64,
}

impl Ticket {
    fn of(usable: &Usable) -> Self {
        Self { header: usable.credentials.bearer().clone(), generation: usable.generation }
    }
}

impl Authenticator {
    /// An authenticator with the default settings. Spawns nothing, sends nothing, and needs no runtime.
    pub fn new(source: impl CredentialSource) -> Self {
        Self::builder(source).build()
    }

    /// Settings: a store, a clock, other [timing](Timing), an observer.
    pub fn builder(source: impl CredentialSource) -> AuthenticatorBuilder {
        AuthenticatorBuilder::new(source)
    }

    /// Credentials that may be sent now: neither expired nor rejected.
    ///
    /// Waits only when there are none, or the ones in hand are about to lapse. While a refresh fails, a token
    /// that is still valid is handed out; past its expiry the error is.
    ///
    /// # Errors
    ///
    /// Why there are none; [`Error::kind`] says what to do about it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends this caller's wait and nothing else.
    pub async fn credentials(&self) -> Result<Credentials, Error> {
        if let Some(credentials) = self.shared.cache.warm(self.shared.clock.coarse()) {
            return Ok(credentials);
        }
        Ok(self.follow(self.shared.cache.need(self.shared.clock.now())).await?.credentials)
    }

    /// Reports that a server refused `used` with a 401, and waits for the successor.
    ///
    /// Where `used` has been replaced already, its successor is returned and nothing is fetched.
    ///
    /// # Errors
    ///
    /// Why there is no successor. [`Transient`](crate::ErrorKind::Transient) also when the last refresh
    /// that a rejection caused is too recent
    /// ([`Timing::REJECTION_INTERVAL`](Timing::REJECTION_INTERVAL)): the server refuses good tokens, and its
    /// answer stands.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the rejection stands and the refresh goes on whether or not the caller waits.
    pub async fn reject(&self, used: &Credentials) -> Result<Credentials, Error> {
        let ask = self.shared.cache.reject_token(used, self.shared.clock.now());
        Ok(self.follow(ask).await?.credentials)
    }

    /// Fetches newer credentials, whatever is in hand; joins the refresh in the air if there is one.
    ///
    /// # Errors
    ///
    /// Why it failed; also when an earlier failure is too recent for another attempt. What is in hand stays
    /// in use.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the refresh goes on whether or not the caller waits.
    pub async fn refresh(&self) -> Result<Credentials, Error> {
        Ok(refresh(&self.shared.cache, &self.shared).await?.credentials)
    }

    /// Takes credentials from a log-in that happened elsewhere (a browser, a prompt), in place of what is
    /// held. Remembered errors are forgotten. A refresh in the air is dropped, and its waiters get these.
    ///
    /// They are the same identity's: requests that are under way may be sent again with them. For another
    /// identity use another authenticator, or [`log_out`](Self::log_out) first.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) when they could not be stored; they are used all the same.
    ///
    /// # Cancel safety
    ///
    /// Once polled, they are in use; whether they were stored is unknown.
    pub async fn set_credentials(&self, credentials: Credentials) -> Result<(), Error> {
        let held = self.shared.cache.set_credentials(credentials, self.shared.clock.now());
        self.shared.tell();
        self.shared.do_at_store(Work::Save(held)).await
    }

    /// A ticket for one request, if one can be had without waiting and without a lock.
    #[inline]
    pub(crate) fn try_acquire(&self) -> Option<Ticket> {
        let (header, generation) = self.shared.cache.warm_header(self.shared.clock.coarse())?;
        Some(Ticket { header, generation })
    }

    /// A ticket for one request.
    pub(crate) async fn acquire(&self) -> Result<Ticket, Error> {
        let usable = self.follow(self.shared.cache.need(self.shared.clock.now())).await?;
        Ok(Ticket::of(&usable))
    }

    /// Reports that a server refused the token of `generation`, and waits for a ticket with its successor.
    pub(crate) async fn reject_generation(&self, generation: u64) -> Result<Ticket, Error> {
        let ask = self.shared.cache.reject(generation, self.shared.clock.now());
        Ok(Ticket::of(&self.follow(ask).await?))
    }

    /// The future is in a box, because it is large, and everyone who holds an adapter's future would move it.
    async fn follow(&self, ask: Ask) -> Result<Usable, Error> {
        Box::pin(acquire(&self.shared.cache, ask, &self.shared)).await
    }
}

impl Shared {
    /// Tells the observer what has happened since the last call, in order, outside every lock of the cache.
    ///
    /// One thread tells at a time; what happens meanwhile, in the observer itself too, is told by that one.
    fn tell(&self) {
        if !self.cache.may_have_events() {
            return;
        }
        while self.cache.has_events() {
            let Ok(turn) = self.telling.try_lock() else { return };
            for event in self.cache.take_events() {
                #[cfg(feature = "tracing")]
                crate::trace::record(&event);
                if let Some(observer) = &self.observer {
                    // An observer is no reason to lose a token.
                    let _ = catch_unwind(AssertUnwindSafe(|| observer(&event)));
                }
            }
            // Whoever came meanwhile and found the turn taken relies on another look.
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

//! Builds an [`Authenticator`] with settings other than the defaults.

use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;

use super::guard::Slot;
use super::running::Running;
use super::watcher::Watcher;
use super::{Authenticator, Shared};
use crate::auth_header::AuthHeader;
use crate::cache::Cache;
use crate::clock::{Clock, SystemClock};
use crate::credentials::Credentials;
use crate::event::Event;
use crate::passed::OncePerMinute;
use crate::source::{CredentialSource, DynSource};
use crate::store::{CredentialStore, DynStore};
use crate::timing::Timing;

pub(super) type Observer = Box<dyn Fn(&Event) + Send + Sync>;

pub(super) struct Store {
    pub(super) calls: Arc<dyn DynStore>,
    /// Lets one call through at a time.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// Lets one flight at a time have the guard. A store of two methods has no guard of its own.
    pub(super) guard: Arc<tokio::sync::Mutex<()>>,
    /// The guard that a flight has, and the number of that flight.
    pub(super) held: std::sync::Mutex<Option<(u64, Slot)>>,
    /// Learns what other processes write.
    pub(super) watcher: Watcher,
}

impl Store {
    fn new(calls: impl CredentialStore) -> Self {
        Self {
            calls: Arc::new(calls),
            turn: tokio::sync::Mutex::default(),
            guard: Arc::default(),
            held: std::sync::Mutex::default(),
            watcher: Watcher::default(),
        }
    }
}

/// The settings of an [`Authenticator`]. [`Authenticator::builder`] makes one.
#[must_use]
pub struct AuthenticatorBuilder {
    source: Box<dyn DynSource>,
    initial: Option<Credentials>,
    store: Option<Box<Store>>,
    clock: Box<dyn Clock>,
    timing: Timing,
    observer: Option<Observer>,
    refreshes_without_store: bool,
    header: Option<Arc<AuthHeader>>,
    login_limit: Option<Duration>,
}

impl AuthenticatorBuilder {
    pub(super) fn new(source: impl CredentialSource) -> Self {
        Self {
            initial: source.initial(),
            login_limit: source.login_limit().map(|limit| limit.min(Timing::MAX_LIFETIME)),
            source: Box::new(source),
            store: None,
            clock: Box::new(SystemClock::new()),
            timing: Timing::default(),
            observer: None,
            refreshes_without_store: false,
            header: None,
        }
    }

    /// Sets where credentials are kept beyond this process. Default: nowhere.
    pub fn store(mut self, store: impl CredentialStore) -> Self {
        self.store = Some(Box::new(Store::new(store)));
        self
    }

    /// Sets credentials to begin with, such as those of a log-in elsewhere. What the store holds comes before them, because it may
    /// be their successor. That includes the note of a log-out: to use other credentials after it, call
    /// [`set_credentials`](Authenticator::set_credentials). Default: those of the source, if it was built with some.
    pub fn initial(mut self, credentials: Credentials) -> Self {
        self.initial = Some(credentials);
        self
    }

    /// Has a refresh token sent even if the store can't be used. Default: it is not.
    ///
    /// The provider may take a refresh token once only. If its successor can't be stored, it is lost when the process ends, and
    /// other processes have only the spent one. With this setting a program goes on during an outage of its store, and may
    /// need another log-in after it.
    pub fn refresh_without_store(mut self) -> Self {
        self.refreshes_without_store = true;
        self
    }

    /// Sets the header in which the access token is sent, and the scheme before it. Default: `Authorization: Bearer …`.
    pub fn header(mut self, header: AuthHeader) -> Self {
        self.header = Some(Arc::new(header));
        self
    }

    /// Sets the clock that decides about expiry. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Sets the windows, deadlines and back-offs. Default: [`Timing::default`].
    pub fn timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// Sets a function that is called with every [`Event`], in order, one call at a time, on the thread that caused it. It must
    /// not block. A panic in it is ignored. Default: none.
    pub fn observer(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Builds the authenticator. This spawns nothing, sends nothing and needs no runtime.
    pub fn build(self) -> Authenticator {
        let timing = shared(self.timing);
        let header = self.header.clone();
        let cache = Cache::new(timing.clone(), self.store.is_some(), header, self.initial, self.clock.now());
        cache.limit_login(self.login_limit);
        if self.refreshes_without_store {
            cache.refresh_without_store();
        }
        Authenticator {
            shared: Arc::new(Shared {
                cache,
                source: self.source,
                store: self.store,
                overtaken: Notify::new(),
                running: Running::default(),
                telling: Mutex::default(),
                clock: self.clock,
                timing,
                observer: self.observer,
                passed: OncePerMinute::default(),
                header: self.header,
                exchanges: OnceLock::new(),
            }),
        }
    }
}

/// Most authenticators have the default timing. They share one copy of it.
fn shared(timing: Timing) -> Arc<Timing> {
    static DEFAULT: LazyLock<Arc<Timing>> = LazyLock::new(Arc::default);
    if timing == **DEFAULT { DEFAULT.clone() } else { Arc::new(timing) }
}

impl fmt::Debug for AuthenticatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticatorBuilder").field("timing", &self.timing).finish_non_exhaustive()
    }
}

//! Builds an [`Authenticator`] with other settings than the defaults.

use std::fmt;
use std::sync::Arc;

use super::{Authenticator, Shared};
use crate::cache::Cache;
use crate::clock::{Clock, SystemClock};
use crate::source::{CredentialSource, DynSource};
use crate::store::{CredentialStore, DynStore};
use crate::{Credentials, Event, Timing};

pub(super) type Observer = Box<dyn Fn(&Event) + Send + Sync>;

/// Asked by one at a time.
pub(super) type Store = Box<tokio::sync::Mutex<dyn DynStore>>;

/// Settings of an [`Authenticator`]; made by [`Authenticator::builder`].
#[must_use]
pub struct AuthenticatorBuilder {
    source: Box<dyn DynSource>,
    initial: Option<Credentials>,
    store: Option<Store>,
    clock: Box<dyn Clock>,
    timing: Timing,
    observer: Option<Observer>,
}

impl AuthenticatorBuilder {
    pub(super) fn new(source: impl CredentialSource) -> Self {
        Self {
            initial: source.initial(),
            source: Box::new(source),
            store: None,
            clock: Box::new(SystemClock::new()),
            timing: Timing::default(),
            observer: None,
        }
    }

    /// Where credentials are kept beyond this process. Default: nowhere.
    pub fn store(mut self, store: impl CredentialStore) -> Self {
        self.store = Some(Box::new(tokio::sync::Mutex::new(store)));
        self
    }

    /// The clock that decides about expiry. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// The windows, deadlines and back-offs. Default: [`Timing::default`].
    pub fn timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// Is told of every [`Event`], in order and one at a time, on a thread where something happens: it must not
    /// block. One that panics is ignored. Default: nobody.
    pub fn observer(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// The authenticator. Spawns nothing, sends nothing, and needs no runtime.
    pub fn build(self) -> Authenticator {
        let timing = Arc::new(self.timing);
        let cache = Cache::new(timing.clone(), self.store.is_some(), self.initial, self.clock.now());
        Authenticator {
            shared: Arc::new(Shared {
                cache,
                source: self.source,
                store: self.store,
                telling: tokio::sync::Mutex::new(()),
                clock: self.clock,
                timing,
                observer: self.observer,
            }),
        }
    }
}

impl fmt::Debug for AuthenticatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticatorBuilder").field("timing", &self.timing).finish_non_exhaustive()
    }
}

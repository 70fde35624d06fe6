//! The world around the machine of one process. The source and the store of a scenario respond at once, or when the scenario
//! says so, or not at all.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use super::nature::Nature;
use super::provider::Provider;
use super::store::{AtStore, ScenarioGuard};
use super::suite::{Call, Process, Setup, stored_of, timing_of};
use crate::cache::{Turn, Waiters, World};
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::machine::{Step, StoreCall};
use crate::timing::Timing;

pub(super) type SourceResult = Result<Credentials, Error>;

pub(super) struct Outside {
    pub(super) process: Process,
    can_login: bool,
    can_refresh: bool,
    can_revoke: bool,
    pub(super) timing: Timing,
    pub(super) nature: Nature,
    inner: Mutex<Inner>,
}

#[derive(Default)]
pub(super) struct Inner {
    pub(super) calls: Vec<Call>,
    pub(super) provider: Provider,
    pub(super) at_store: AtStore,
    pub(super) panicked: bool,
    launched: Vec<u64>,
    /// What somebody waits for, by the clock. The keys only tell them apart.
    timers: Vec<(u64, Duration)>,
    /// The callers of a flight, and until when those who have a valid token wait.
    watched: Vec<(Duration, Arc<Waiters>)>,
    /// Counts what a flight has done.
    pub(super) moves: u64,
}

impl Outside {
    pub(super) fn new(process: Process, setup: &Setup, nature: Nature) -> Self {
        Self {
            process,
            can_login: setup.can_login,
            can_refresh: setup.can_refresh,
            can_revoke: setup.can_revoke,
            timing: timing_of(setup),
            nature,
            inner: Mutex::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reading(&self) -> Reading {
        self.nature.now()
    }

    /// Nudges the callers that have waited long enough.
    pub(super) fn nudge(&self) {
        let now = self.reading().monotonic;
        let mut inner = self.lock();
        let (due, later) = std::mem::take(&mut inner.watched).into_iter().partition(|(due, _)| *due <= now);
        inner.watched = later;
        drop(inner);
        let due: Vec<(Duration, Arc<Waiters>)> = due;
        due.into_iter().for_each(|(_, waiters)| waiters.nudge());
    }

    pub(super) fn next_timer(&self) -> Option<Duration> {
        let inner = self.lock();
        let timers = inner.timers.iter().map(|(_, due)| *due);
        timers.chain(inner.watched.iter().map(|(due, _)| *due)).min()
    }

    pub(super) fn launched(&self) -> Vec<u64> {
        std::mem::take(&mut self.lock().launched)
    }

    pub(super) fn moves(&self) -> u64 {
        self.lock().moves
    }

    /// Whether the source or the store has panicked since the last call.
    pub(super) fn panicked(&self) -> bool {
        std::mem::take(&mut self.lock().panicked)
    }

    pub(super) fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.lock().calls)
    }

    pub(super) fn revoke(&self, credentials: &Credentials) {
        if self.can_revoke {
            self.lock().calls.push(Call::Revoke(stored_of(credentials).access));
        }
    }

    /// Waits until there is something, or until `due`.
    pub(super) async fn until<T>(
        &self,
        due: Duration,
        mut look: impl FnMut(&mut Inner) -> Option<T>,
    ) -> Option<T> {
        let timer = Timer::start(self, due);
        poll_fn(|_| {
            let now = self.reading().monotonic;
            let inner = &mut *self.lock();
            let found = look(inner);
            let is_over = found.is_some() || now >= timer.due;
            inner.moves += u64::from(is_over);
            if is_over { Poll::Ready(found) } else { Poll::Pending }
        })
        .await
    }
}

impl World for Outside {
    fn now(&self) -> Reading {
        self.reading()
    }

    fn tell(&self) {}

    fn launch(&self, waiters: Arc<Waiters>) {
        self.lock().launched.push(waiters.number);
    }

    fn watch(&self, waiters: &Arc<Waiters>, patience: impl FnOnce() -> Duration) {
        let due = self.reading().monotonic + patience();
        let inner = &mut *self.lock();
        if !inner.watched.iter().any(|(_, watched)| Arc::ptr_eq(watched, waiters)) {
            inner.watched.push((due, waiters.clone()));
        }
    }

    type Guard = Option<ScenarioGuard>;

    async fn store(&self, call: &StoreCall, turn: Turn<'_>, guard: &mut Self::Guard) -> Option<Step> {
        match call {
            StoreCall::Guard(request) => self.take_guard(call, request, turn, guard).await,
            _ => self.call_store(call, turn).await,
        }
    }

    fn may_lapse(&self, guard: &Self::Guard) -> bool {
        guard.as_ref().is_some_and(ScenarioGuard::has_lapsed)
    }

    async fn overtaken(&self, turn: Turn<'_>) {
        poll_fn(|_| if turn.is_wanted() { Poll::Pending } else { Poll::Ready(()) }).await;
    }

    type Place = ();

    async fn place(&self, _: Duration) -> Result<(), Error> {
        Ok(())
    }

    async fn refresh(&self, held: &Credentials, limit: Duration, (): ()) -> SourceResult {
        match self.can_refresh {
            true => self.ask(Call::Refresh(held.refresh_token().unwrap_or_default().to_owned()), limit).await,
            false => Err(Error::unsupported("the scenario's source cannot refresh")),
        }
    }

    async fn login(&self, limit: Duration, (): ()) -> SourceResult {
        match self.can_login {
            true => self.ask(Call::Login, limit).await,
            false => Err(Error::unsupported("the scenario's source cannot log in")),
        }
    }

    async fn revoke(&self, credentials: &Credentials) {
        Self::revoke(self, credentials);
    }

    async fn sleep(&self, time: Duration) {
        let due = self.reading().monotonic + time;
        let _: Option<()> = self.until(due, |_| None).await;
    }
}

/// Something that is due at a time.
struct Timer<'a> {
    outside: &'a Outside,
    key: u64,
    due: Duration,
}

impl<'a> Timer<'a> {
    fn start(outside: &'a Outside, due: Duration) -> Self {
        let inner = &mut *outside.lock();
        let key = inner.timers.last().map_or(0, |(key, _)| key + 1);
        inner.timers.push((key, due));
        Self { outside, key, due }
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.outside.lock().timers.retain(|(key, _)| *key != self.key);
    }
}

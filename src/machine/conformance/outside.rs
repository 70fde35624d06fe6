//! The world around the machine: a clock set by hand, and the source and the store of a scenario. Both respond at once, or
//! when the scenario says so, or not at all.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, UNIX_EPOCH};

use super::store::Store;
use super::suite::{Call, Response, START, Setup, credentials_of, response_of, timing_of};
use crate::cache::{Turn, Waiters, World};
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::machine::{Step, StoreCall};
use crate::timing::Timing;

type SourceResult = Result<Credentials, Error>;

pub(super) struct Outside {
    can_login: bool,
    can_refresh: bool,
    pub(super) timing: Timing,
    inner: Mutex<Inner>,
}

pub(super) struct Inner {
    now: Reading,
    pub(super) calls: Vec<Call>,
    /// The response to every request from now on.
    standing: Option<Response>,
    /// The open request: its response, once there is one.
    request: Option<Option<SourceResult>>,
    /// A request was given up.
    abandoned: bool,
    pub(super) panicked: bool,
    pub(super) store: Option<Store>,
    launched: Vec<u64>,
    /// What somebody waits for, by the clock. The keys only tell them apart.
    timers: Vec<(u64, Duration)>,
    /// Counts what a flight has done.
    pub(super) moves: u64,
}

impl Outside {
    pub(super) fn new(setup: &Setup) -> Result<Self, String> {
        let store = match &setup.store {
            Some(holds) => Some(Store::new(holds.as_ref().map(credentials_of).transpose()?)),
            None => None,
        };
        let inner = Inner {
            now: Reading { monotonic: Duration::ZERO, wall: UNIX_EPOCH + Duration::from_secs(START) },
            calls: Vec::new(),
            standing: None,
            request: None,
            abandoned: false,
            panicked: false,
            store,
            launched: Vec::new(),
            timers: Vec::new(),
            moves: 0,
        };
        let (can_login, can_refresh) = (setup.can_login, setup.can_refresh);
        Ok(Self { can_login, can_refresh, timing: timing_of(setup), inner: Mutex::new(inner) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reading(&self) -> Reading {
        self.lock().now
    }

    pub(super) fn go_to(&self, monotonic: Duration) {
        let mut inner = self.lock();
        inner.now = inner.now.after(monotonic.saturating_sub(inner.now.monotonic));
    }

    pub(super) fn jump(&self, back: bool, by: Duration) {
        let wall = &mut self.lock().now.wall;
        if back { *wall -= by } else { *wall += by }
    }

    pub(super) fn next_timer(&self) -> Option<Duration> {
        self.lock().timers.iter().map(|(_, due)| *due).min()
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

    pub(super) fn respond_to_all(&self, response: Option<Response>) {
        self.lock().standing = response;
    }

    pub(super) fn respond(&self, response: &Response) -> Result<(), String> {
        let inner = &mut *self.lock();
        inner.request.as_ref().ok_or("there is no request to respond to")?;
        inner.receive(response)
    }

    /// The response to a request that was given up: nobody waits for it any more.
    pub(super) fn respond_late(&self) -> Result<(), String> {
        match std::mem::take(&mut self.lock().abandoned) {
            true => Ok(()),
            false => Err("no request was given up".into()),
        }
    }

    async fn ask(&self, call: Call, limit: Duration) -> SourceResult {
        let deadline = {
            let inner = &mut *self.lock();
            inner.calls.push(call);
            inner.moves += 1;
            inner.request = Some(None);
            if let Some(response) = &inner.standing.clone() {
                inner.receive(response).map_err(Error::misconfigured)?;
            }
            inner.now.monotonic + limit
        };
        let _request = Request(self);
        let response = self.until(deadline, |inner| inner.request.as_mut()?.take()).await;
        match response {
            Some(response) => {
                self.lock().request = None;
                response
            }
            None => Err(Error::transient("the provider did not respond before the deadline")),
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
            let inner = &mut *self.lock();
            let found = look(inner);
            let is_over = found.is_some() || inner.now.monotonic >= timer.due;
            inner.moves += u64::from(is_over);
            if is_over { Poll::Ready(found) } else { Poll::Pending }
        })
        .await
    }
}

impl World for Outside {
    fn now(&self) -> Reading {
        self.lock().now
    }

    fn tell(&self) {}

    fn launch(&self, waiters: Arc<Waiters>) {
        self.lock().launched.push(waiters.number);
    }

    fn watch(&self, _: &Arc<Waiters>) {}

    async fn store(&self, call: &StoreCall, turn: Turn<'_>) -> Option<Step> {
        self.call_store(call, turn).await
    }

    async fn refresh(&self, held: &Credentials, limit: Duration) -> SourceResult {
        match self.can_refresh {
            true => self.ask(Call::Refresh(held.refresh_token().unwrap_or_default().to_owned()), limit).await,
            false => Err(Error::unsupported("the scenario's source cannot refresh")),
        }
    }

    async fn login(&self, limit: Duration) -> SourceResult {
        match self.can_login {
            true => self.ask(Call::Login, limit).await,
            false => Err(Error::unsupported("the scenario's source cannot log in")),
        }
    }

    async fn sleep(&self, time: Duration) {
        let due = self.reading().monotonic + time;
        let _: Option<()> = self.until(due, |_| None).await;
    }
}

impl Inner {
    /// The provider responds to the open request, or the source panics.
    fn receive(&mut self, response: &Response) -> Result<(), String> {
        let response = response_of(response)?;
        self.panicked |= response.is_none();
        self.request = response.map(Some);
        Ok(())
    }
}

/// The open request. If it is dropped before a response, the client gave it up.
struct Request<'a>(&'a Outside);

impl Drop for Request<'_> {
    fn drop(&mut self) {
        let inner = &mut *self.0.lock();
        inner.abandoned |= inner.request.take().is_some();
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

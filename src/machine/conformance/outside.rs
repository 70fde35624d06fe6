//! The world around the machine: a clock set by hand, and the source and the store of a scenario. Both respond at once, or
//! when the scenario says so, or not at all.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, UNIX_EPOCH};

use super::store::Store;
use super::suite::{Call, Response, START, Setup, credentials_of, response_of, stored_of, timing_of};
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
    can_revoke: bool,
    pub(super) timing: Timing,
    inner: Mutex<Inner>,
}

pub(super) struct Inner {
    now: Reading,
    pub(super) calls: Vec<Call>,
    /// The response to every request from now on.
    standing: Option<Response>,
    requests: Vec<Request>,
    /// A request was given up.
    abandoned: bool,
    pub(super) panicked: bool,
    pub(super) store: Option<Store>,
    launched: Vec<u64>,
    /// What somebody waits for, by the clock. The keys only tell them apart.
    timers: Vec<(u64, Duration)>,
    /// The callers of a flight, and until when those who have a valid token wait.
    watched: Vec<(Duration, Arc<Waiters>)>,
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
            requests: Vec::new(),
            abandoned: false,
            panicked: false,
            store,
            launched: Vec::new(),
            timers: Vec::new(),
            watched: Vec::new(),
            moves: 0,
        };
        Ok(Self {
            can_login: setup.can_login,
            can_refresh: setup.can_refresh,
            can_revoke: setup.can_revoke,
            timing: timing_of(setup),
            inner: Mutex::new(inner),
        })
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
        let (due, later) =
            std::mem::take(&mut inner.watched).into_iter().partition(|(due, _)| *due <= monotonic);
        inner.watched = later;
        drop(inner);
        let due: Vec<(Duration, Arc<Waiters>)> = due;
        due.into_iter().for_each(|(_, waiters)| waiters.nudge());
    }

    pub(super) fn jump(&self, back: bool, by: Duration) {
        let wall = &mut self.lock().now.wall;
        if back { *wall -= by } else { *wall += by }
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

    pub(super) fn respond_to_all(&self, response: Option<Response>) {
        self.lock().standing = response;
    }

    pub(super) fn respond(&self, response: &Response) -> Result<(), String> {
        let inner = &mut *self.lock();
        let open = inner.requests.iter().position(|request| !request.is_late);
        inner.receive(open.ok_or("there is no request to respond to")?, response)
    }

    /// The response to a request that a log-out has overtaken, or to one that was given up: nobody waits for that.
    pub(super) fn respond_late(&self, response: &Response) -> Result<(), String> {
        let inner = &mut *self.lock();
        match inner.requests.iter().rposition(|request| request.is_late) {
            Some(late) => inner.receive(late, response),
            None if std::mem::take(&mut inner.abandoned) => Ok(()),
            None => Err("no request was given up".into()),
        }
    }

    /// A log-out, or credentials set by the program, have overtaken the open request.
    pub(super) fn overtake(&self) {
        self.lock().requests.iter_mut().for_each(|request| request.is_late = true);
    }

    pub(super) fn revoke(&self, credentials: &Credentials) {
        if self.can_revoke {
            self.lock().calls.push(Call::Revoke(stored_of(credentials).access));
        }
    }

    async fn ask(&self, call: Call, limit: Duration) -> SourceResult {
        let (deadline, id) = {
            let inner = &mut *self.lock();
            inner.calls.push(call);
            inner.moves += 1;
            let id = inner.moves;
            inner.requests.push(Request { id, is_late: false, response: None });
            if let Some(response) = &inner.standing.clone() {
                inner.receive(inner.requests.len() - 1, response).map_err(Error::misconfigured)?;
            }
            (inner.now.monotonic + limit, id)
        };
        let _asked = Asked { outside: self, id };
        let response = self.until(deadline, |inner| {
            inner.requests.iter_mut().find(|request| request.id == id)?.response.take()
        });
        let response = response.await;
        if response.is_some() {
            self.lock().requests.retain(|request| request.id != id);
        }
        response.unwrap_or_else(|| Err(Error::transient("the provider did not respond before the deadline")))
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

    fn watch(&self, waiters: &Arc<Waiters>, patience: impl FnOnce() -> Duration) {
        let patience = patience();
        let inner = &mut *self.lock();
        if !inner.watched.iter().any(|(_, watched)| Arc::ptr_eq(watched, waiters)) {
            inner.watched.push((inner.now.monotonic + patience, waiters.clone()));
        }
    }

    type Guard = ();

    async fn store(&self, call: &StoreCall, turn: Turn<'_>, (): &mut ()) -> Option<Step> {
        self.call_store(call, turn).await
    }

    fn may_lapse(&self, (): &()) -> bool {
        false
    }

    async fn overtaken(&self, turn: Turn<'_>) {
        poll_fn(|_| if turn.is_wanted() { Poll::Pending } else { Poll::Ready(()) }).await;
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

    async fn revoke(&self, credentials: &Credentials) {
        Self::revoke(self, credentials);
    }

    async fn sleep(&self, time: Duration) {
        let due = self.reading().monotonic + time;
        let _: Option<()> = self.until(due, |_| None).await;
    }
}

impl Inner {
    /// The provider responds to the request in the air, or the source panics.
    fn receive(&mut self, request: usize, response: &Response) -> Result<(), String> {
        let response = response_of(response)?;
        self.panicked |= response.is_none();
        match response {
            Some(response) => self.requests[request].response = Some(response),
            None => drop(self.requests.remove(request)),
        }
        Ok(())
    }
}

/// An open request.
struct Request {
    id: u64,
    /// A log-out has overtaken it.
    is_late: bool,
    response: Option<SourceResult>,
}

/// Who waits for a request. If this is dropped before a response, the request was given up.
struct Asked<'a> {
    outside: &'a Outside,
    id: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let inner = &mut *self.outside.lock();
        let before = inner.requests.len();
        inner.requests.retain(|request| request.id != self.id);
        inner.abandoned |= inner.requests.len() != before;
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

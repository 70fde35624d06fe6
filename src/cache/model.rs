//! The concurrent part of the cache in every schedule: who waits, who is woken, and what is seen when (F14).
//!
//! ```text
//! RUSTFLAGS="--cfg reauth_model" cargo test --lib --target-dir target/model model
//! ```
//!
//! Under that cfg the locks of `sync.rs` are loom's, and loom runs each test once for every order in which its
//! threads can take them. The machine, the [`Cache`], the [`Waiters`] and the driver are the real ones. The callers and
//! the flights are threads, with a source and a store of their own. Time stands still: it does not matter here when a
//! thread looks at the clock.
//!
//! loom fits better than shuttle, which draws schedules at random and needs very many to meet the one that loses a
//! wake-up. The code under test is small (three locks and no atomics), so that loom can visit all of its schedules. It
//! also finds deadlocks and leaked wakers. [`check`] says where the number of preemptions is bounded.

mod endings;
mod flights;
mod outside;
mod processes;
mod store;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use loom::future::block_on;
use loom::thread::{self, JoinHandle};

use outside::Outside;
use store::Store;

use super::driver::wait;
use super::sync::Mutex;
use super::{Ask, Cache, Waiters, acquire, drive};
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::machine::{Input, Sent, State, Step, Verdict, Wanted, Work};
use crate::timing::Timing;

/// Runs `model` in every schedule with at most `preemptions` of them: switches away from a thread that could
/// have gone on. Those at a blocked or finished thread don't count, and are all visited. Experience (CHESS,
/// and the mutations tried on this code) says that two find nearly every fault; a model that says `None` is
/// exhaustive.
fn check(preemptions: impl Into<Option<usize>>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(preemptions.into());
    builder.check(model);
}

/// The cache with a source and a store. The locks that loom does not know add no schedules: nothing that two
/// threads do may be told apart by what is behind them.
struct World {
    cache: Cache,
    now: Reading,
    store: Option<Arc<Store>>,
    /// Whether the source can log in by itself.
    logs_in: bool,
    /// One call at a time.
    turn: Mutex<()>,
    /// The responses to the next requests. After them the source responds `at-` and the number of the flight.
    responses: std::sync::Mutex<VecDeque<Result<Credentials, Error>>>,
    requests: AtomicUsize,
    /// The access tokens that were revoked.
    revoked: std::sync::Mutex<Vec<String>>,
    runners: std::sync::Mutex<Vec<JoinHandle<()>>>,
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

/// When the cache is made.
const START: Reading = Reading { monotonic: Duration::from_secs(1_000), wall: SystemTime::UNIX_EPOCH };

/// `at` with a lifetime of 100 s: advisory after 75 s, mandatory after 90 s.
fn credentials(at: &str) -> Credentials {
    Credentials::new(at).unwrap().with_lifetime(Duration::from_secs(100))
}

impl World {
    fn new(store: Option<Arc<Store>>, initial: Option<Credentials>, seconds: u64) -> Arc<Self> {
        let timing = Timing::default().without_jitter();
        Arc::new(Self {
            cache: Cache::new(timing.into(), store.is_some(), None, initial, START),
            now: START.after(Duration::from_secs(seconds)),
            store,
            logs_in: true,
            turn: Mutex::default(),
            responses: Default::default(),
            requests: AtomicUsize::new(0),
            revoked: Default::default(),
            runners: Default::default(),
        })
    }

    /// Nothing held; no store.
    fn cold() -> Arc<Self> {
        Self::new(None, None, 0)
    }

    /// Nothing held, nothing stored.
    fn storing() -> Arc<Self> {
        Self::new(Some(Arc::default()), None, 0)
    }

    /// A process that holds nothing, shares this store, and can't log in.
    fn sharing(store: &Arc<Store>) -> Arc<Self> {
        let mut world = Self::new(Some(store.clone()), None, 0);
        Arc::get_mut(&mut world).unwrap().logs_in = false;
        world
    }

    /// Holds `at-0` as generation 1, `seconds` old; no store.
    fn holding(seconds: u64) -> Arc<Self> {
        Self::new(None, Some(credentials("at-0")), seconds)
    }

    /// Holds `at-0`, which has expired, with a refresh token; no store.
    fn expired() -> Arc<Self> {
        let initial = credentials("at-0").with_refresh_token("rt-0").unwrap();
        Self::new(None, Some(initial), 100)
    }

    fn responding(self: Arc<Self>, response: Result<Credentials, Error>) -> Arc<Self> {
        self.responses.lock().unwrap().push_back(response);
        self
    }

    /// A thread that does `what` with the world.
    fn spawn<T: 'static>(self: &Arc<Self>, what: impl FnOnce(&Arc<Self>) -> T + 'static) -> JoinHandle<T> {
        let world = self.clone();
        thread::spawn(move || what(&world))
    }

    /// What a caller of `Authenticator::credentials` does.
    fn call(self: &Arc<Self>) -> Result<Credentials, Error> {
        match self.cache.warm(self.now) {
            Some(credentials) => Ok(self.seen(credentials)),
            None => self.follow(self.cache.ask(self.now, need)),
        }
    }

    fn follow(self: &Arc<Self>, ask: Ask) -> Result<Credentials, Error> {
        block_on(acquire(&self.cache, ask, Wanted::Usable, &self.outside(0)))
            .map(|usable| self.seen(usable.credentials))
    }

    /// What a caller of `Authenticator::reject` does.
    fn follow_rejection(self: &Arc<Self>, generation: u64) -> Result<Credentials, Error> {
        let ask = self.cache.ask(self.now, |state, now| state.reject(generation, now));
        let wanted = Wanted::SuccessorOf(generation);
        block_on(acquire(&self.cache, ask, wanted, &self.outside(0)))
            .map(|usable| self.seen(usable.credentials))
    }

    fn wait(self: &Arc<Self>, waiters: &Arc<Waiters>, run: bool) -> Result<(), Error> {
        let is_enough = || self.cache.look(|state| state.has(Wanted::Usable, self.now));
        block_on(wait(&self.cache, waiters.clone(), run, &self.outside(0), is_enough))
    }

    fn log_out(self: &Arc<Self>) {
        let grants = self.cache.log_out(self.now);
        self.revoke(&grants);
        self.do_at_store(Work::Forget);
        self.revoke(&self.cache.take_found(&grants));
    }

    fn set_credentials(self: &Arc<Self>, access_token: &str) {
        let held = self.cache.set_credentials(credentials(access_token), self.now);
        self.do_at_store(Work::Save(held));
    }

    fn do_at_store(self: &Arc<Self>, work: Work) {
        block_on(drive(&self.cache, work, &self.outside(0))).unwrap();
    }

    fn outside(self: &Arc<Self>, flight: u64) -> Outside {
        Outside { world: self.clone(), flight }
    }

    fn launch(self: &Arc<Self>, waiters: Arc<Waiters>) {
        let flight = waiters.number;
        let runner = self.spawn(move |world| {
            let _ = block_on(drive(&world.cache, Work::Flight(flight), &world.outside(flight)));
            // The runner's `Drop` does this after every flight, whatever became of it.
            world.cache.interrupt(flight, Error::transient("the runner is gone"), world.now);
        });
        self.runners.lock().unwrap().push(runner);
    }

    /// What the source and the store do for a step of a flight.
    fn perform(self: &Arc<Self>, flight: u64, step: Step) -> Option<Input> {
        match step {
            Step::Refresh(request) => {
                let sent = Sent::refresh(self.now, request.held);
                Some(Input::Responded(sent, self.outside(flight).respond()))
            }
            Step::Login(_) => Some(Input::Responded(Sent::login(self.now), self.outside(flight).respond())),
            Step::Wait(_) => Some(Input::Waited),
            Step::Store(_) | Step::Revoke(_) | Step::Done(_) | Step::Stop => None,
        }
    }

    fn revoke(&self, credentials: &[Credentials]) {
        let tokens = credentials.iter().map(|credentials| credentials.access_token().to_owned());
        self.revoked.lock().unwrap().extend(tokens);
    }

    /// What is handed out was stored before (R16).
    fn seen(&self, credentials: Credentials) -> Credentials {
        if let Some(store) = &self.store {
            let at = credentials.access_token();
            let stored = store.content.lock().ever.iter().any(|stored| stored == at);
            assert!(stored, "{at} was published before it was stored");
        }
        credentials
    }

    /// Waits for the runners; there may come more while it waits.
    fn land(&self) {
        loop {
            let runner = self.runners.lock().unwrap().pop();
            match runner {
                Some(runner) => runner.join().unwrap(),
                None => return,
            }
        }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn warm(&self) -> Option<String> {
        let credentials = self.cache.warm(self.now)?;
        Some(self.seen(credentials).access_token().to_owned())
    }

    fn stored(&self) -> Option<String> {
        let content = self.store.as_ref()?.content.lock();
        let stored = content.now.as_ref().and_then(|entry| entry.credentials().cloned());
        stored.map(|credentials| credentials.access_token().to_owned())
    }
}

fn need(state: &mut State, now: Reading) -> Verdict {
    state.need(Wanted::Usable, now)
}

/// The access token that a caller got.
fn token(got: &Result<Credentials, Error>) -> &str {
    got.as_ref().map_or("none", Credentials::access_token)
}

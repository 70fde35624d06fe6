//! The concurrent part of the cache in every schedule: who waits, who is woken, and what is seen when (F14).
//!
//! ```text
//! RUSTFLAGS="--cfg reauth_model" cargo test --lib --target-dir target/model model
//! ```
//!
//! Under that cfg the locks of `sync.rs` are loom's, and loom runs each test once for every order in which its
//! threads can take them. What runs is the real [`Cache`], [`State`](super::state::State) and [`Waiters`]; the
//! callers and the runner around them are threads that do what `Authenticator` and its flight do, with a source
//! and a store of their own. Time stands still: when a thread looks at the clock is not what is checked here.
//!
//! Why loom and not shuttle: shuttle draws schedules at random and needs very many to meet the one that loses
//! a wake-up. The code under test is small (three locks and no atomics), so that loom can visit all of its
//! schedules; and it finds deadlocks and leaked wakers by itself. [`check`] says where the number of
//! preemptions is bounded.

mod endings;
mod flights;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use loom::future::block_on;
use loom::thread::{self, JoinHandle};

use super::state::Held;
use super::sync::Mutex;
use super::{Ask, Cache, Input, Step, Waiters, Woken};
use crate::clock::Reading;
use crate::{Credentials, Error, Timing};

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
    store: Option<Store>,
    /// The answers to the next requests; after them the source answers `at-` and the number of the flight.
    answers: std::sync::Mutex<VecDeque<Result<Credentials, Error>>>,
    requests: AtomicUsize,
    runners: std::sync::Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Store {
    /// Stands for the authenticator's: one call at a time.
    turn: Mutex<()>,
    content: Mutex<Content>,
}

#[derive(Default)]
struct Content {
    now: Option<Credentials>,
    /// Every access token that was ever saved.
    ever: Vec<String>,
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
    fn new(store: Option<Store>, initial: Option<Credentials>, seconds: u64) -> Arc<Self> {
        let timing = Timing::default().without_jitter();
        Arc::new(Self {
            cache: Cache::new(timing.into(), store.is_some(), initial, START),
            now: START.after(Duration::from_secs(seconds)),
            store,
            answers: Default::default(),
            requests: AtomicUsize::new(0),
            runners: Default::default(),
        })
    }

    /// Nothing held; no store.
    fn cold() -> Arc<Self> {
        Self::new(None, None, 0)
    }

    /// Nothing held, nothing stored.
    fn storing() -> Arc<Self> {
        Self::new(Some(Store::default()), None, 0)
    }

    /// Holds `at-0` as generation 1, `seconds` old; no store.
    fn holding(seconds: u64) -> Arc<Self> {
        Self::new(None, Some(credentials("at-0")), seconds)
    }

    fn answering(self: Arc<Self>, answer: Result<Credentials, Error>) -> Arc<Self> {
        self.answers.lock().unwrap().push_back(answer);
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
            None => self.settle(self.cache.need(self.now)),
        }
    }

    /// As `Authenticator::settle`.
    fn settle(self: &Arc<Self>, mut ask: Ask) -> Result<Credentials, Error> {
        loop {
            match ask {
                Ask::Use(lease, background) => {
                    if let Some(waiters) = background {
                        self.launch(&waiters);
                    }
                    return Ok(self.seen(lease.credentials));
                }
                Ask::Fail(error) => return Err(error),
                Ask::Wait { waiters, run } => {
                    let flight = waiters.flight;
                    let outcome = self.wait(&waiters, run);
                    ask = self.cache.settle(flight, outcome, self.now);
                }
            }
        }
    }

    /// As `Authenticator::wait`.
    fn wait(self: &Arc<Self>, waiters: &Arc<Waiters>, run: bool) -> Result<(), Error> {
        let mut waiting = waiters.clone().wait();
        if run {
            self.launch(waiters);
        }
        block_on(async {
            loop {
                match (&mut waiting).await {
                    Woken::Landed(outcome) => return outcome,
                    Woken::Nudged if self.cache.has_usable(self.now) => return Ok(()),
                    Woken::Nudged => {}
                }
            }
        })
    }

    fn launch(self: &Arc<Self>, waiters: &Arc<Waiters>) {
        let flight = waiters.flight;
        let runner = self.spawn(move |world| {
            world.fly(flight);
            // The runner's `Drop`: it does this after every flight, landed or not.
            world.cache.interrupt(flight, Error::transient("the runner is gone"), world.now);
        });
        self.runners.lock().unwrap().push(runner);
    }

    /// As `Inner::fly`.
    fn fly(&self, flight: u64) {
        let mut input = Input::Begin;
        while let Some(next) = self.obey(flight, self.cache.step(flight, input, self.now)) {
            input = next;
        }
    }

    /// Does what a step says. Nothing comes of the last one.
    fn obey(&self, flight: u64, step: Step) -> Option<Input> {
        match step {
            Step::Load => Some(Input::Loaded(Ok(self.store.as_ref()?.content.lock().now.clone()))),
            Step::Forget => Some(Input::Forgot(Ok(self.forget()))),
            Step::Save(credentials) => Some(Input::Saved(Ok(self.save(&credentials, flight)))),
            Step::Refresh(_) | Step::Login => Some(Input::Answered(self.now, self.ask(flight))),
            Step::Wait(_) => Some(Input::Waited),
            Step::Done(_) | Step::Stop => None,
        }
    }

    fn ask(&self, flight: u64) -> Result<Credentials, Error> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.lock().unwrap().pop_front();
        answer.unwrap_or_else(|| Ok(credentials(&format!("at-{flight}"))))
    }

    /// As `Inner::save`.
    fn save(&self, credentials: &Credentials, flight: u64) {
        let Some(store) = &self.store else { return };
        let _turn = store.turn.lock();
        if self.cache.is_in_the_air(flight) {
            store.write(Some(credentials.clone()));
        }
    }

    /// As `Inner::save_own`.
    fn save_own(&self, held: &Held) {
        let Some(store) = &self.store else { return };
        let _turn = store.turn.lock();
        if self.cache.holds(held.generation) {
            self.cache.writes(&held.credentials);
            store.write(Some(held.credentials.clone()));
            self.cache.stored(Some(held.credentials.clone()));
        }
    }

    /// As `Inner::forget`.
    fn forget(&self) {
        let Some(store) = &self.store else { return };
        let _turn = store.turn.lock();
        if self.cache.must_forget() {
            store.write(None);
            self.cache.stored(None);
        }
    }

    /// As `Authenticator::log_out`.
    fn clear(&self) {
        self.cache.log_out(self.now);
        self.forget();
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
        content.now.as_ref().map(|credentials| credentials.access_token().to_owned())
    }
}

impl Store {
    fn write(&self, credentials: Option<Credentials>) {
        let mut content = self.content.lock();
        content.ever.extend(credentials.iter().map(|credentials| credentials.access_token().to_owned()));
        content.now = credentials;
    }
}

/// The access token of an answer.
fn token(answer: &Result<Credentials, Error>) -> &str {
    answer.as_ref().map_or("none", Credentials::access_token)
}

//! One identity's credential, shared: the pure state behind one lock, a snapshot that is read without it,
//! and a place to wait for the flight in the air. Nothing here does I/O, and no lock outlives a call.

mod backoff;
mod chain;
#[cfg(all(test, not(reauth_model)))]
mod conformance;
mod dice;
mod flight;
mod landed;
mod landing;
mod log_out;
#[cfg(all(test, reauth_model))]
mod model;
mod rejection;
mod snapshot;
mod state;
mod stored;
mod sync;
#[cfg(test)]
mod testing;
mod windows;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use flight::{Input, Step};
pub(crate) use landing::{Landing, Woken};
pub(crate) use snapshot::Lease;

use snapshot::Snapshot;
use state::{Held, State, Verdict};
use sync::{Mutex, Slot};

use crate::clock::Reading;
use crate::event::Event;
use crate::{Credentials, Error, Timing};

/// What a caller has to do next.
pub(crate) enum Ask {
    /// Use this; and if a flight was started in the background, run it.
    Use(Lease, Option<Arc<Landing>>),
    /// Wait at the landing; `run` says that this caller has to run the flight first.
    Wait { landing: Arc<Landing>, run: bool },
    /// There is nothing to be had now.
    Fail(Error),
}

pub(crate) struct Cache {
    shared: Mutex<Shared>,
    /// Whether something may have happened that nobody was told of: asked before the lock is taken to see.
    untold: AtomicBool,
    snapshot: Slot<Snapshot>,
}

struct Shared {
    state: State,
    /// Of the flight in the air.
    landing: Option<Arc<Landing>>,
}

impl Cache {
    pub(crate) fn new(
        timing: Arc<Timing>,
        has_store: bool,
        initial: Option<Credentials>,
        now: Reading,
    ) -> Self {
        let mut state = State::new(timing, has_store);
        if let Some(initial) = initial {
            state.start_with(initial, now);
        }
        let shared = Mutex::new(Shared { state, landing: None });
        Self { shared, untold: AtomicBool::new(false), snapshot: Slot::new() }
    }

    pub(crate) fn need(&self, now: Reading) -> Ask {
        self.ask(now, State::need)
    }

    pub(crate) fn reject(&self, generation: u64, now: Reading) -> Ask {
        self.ask(now, |state, now| state.reject(generation, now))
    }

    /// [`reject`](Self::reject) of the generation that holds this access token; any other token was
    /// replaced already.
    pub(crate) fn reject_token(&self, used: &Credentials, now: Reading) -> Ask {
        self.ask(now, |state, now| state.reject_token(used, now))
    }

    pub(crate) fn refresh(&self, now: Reading) -> Ask {
        self.ask(now, State::refresh)
    }

    /// What a waiter gets whose flight is over. After one that succeeded without the lock, as thousands may come at
    /// once.
    pub(crate) fn settle(&self, flight: u64, outcome: Result<(), Error>, now: Reading) -> Ask {
        match outcome.is_ok().then(|| self.landed(flight, now)).flatten() {
            Some(lease) => Ask::Use(lease, None),
            None => self.ask(now, |state, now| state.settle(flight, outcome, now)),
        }
    }

    /// Whether flight `id` is still wanted.
    pub(crate) fn is_in_the_air(&self, id: u64) -> bool {
        self.shared.lock().state.is_in_the_air(id)
    }

    /// Moves a flight on. When it is over, the state shows it before any waiter is woken.
    pub(crate) fn step(&self, id: u64, input: Input, now: Reading) -> Step {
        let (step, landing) = self.change(now, |shared| {
            let step = shared.state.step(id, input, now);
            let landing = match &step {
                Step::Done(_) => shared.landing.take(),
                Step::Wait(_) => shared.landing.clone(),
                _ => None,
            };
            (step, landing)
        });
        match (&step, landing) {
            (Step::Done(outcome), Some(landing)) => landing.finish(outcome.clone()),
            (_, Some(landing)) => landing.nudge(),
            (_, None) => {}
        }
        step
    }

    /// Ends a flight whose runner is gone.
    pub(crate) fn interrupt(&self, id: u64, error: Error, now: Reading) {
        self.end(now, |state| state.interrupt(id, error, now));
    }

    /// Ends a flight that its first caller can't run.
    pub(crate) fn call_off(&self, id: u64, error: Error, now: Reading) {
        self.end(now, |state| state.call_off(id, error, now));
    }

    fn end(&self, now: Reading, end: impl FnOnce(&mut State) -> Option<Result<(), Error>>) {
        let ended = self.change(now, |shared| {
            let outcome = end(&mut shared.state)?;
            Some((shared.landing.take()?, outcome))
        });
        if let Some((landing, outcome)) = ended {
            landing.finish(outcome);
        }
    }

    /// Returns what a log-out leaves behind at the provider.
    pub(crate) fn clear(&self, now: Reading) -> Vec<Credentials> {
        let (landing, ended) = self.change(now, |shared| {
            let ended = shared.state.clear();
            (shared.landing.take(), ended)
        });
        if let Some(landing) = landing {
            landing
                .finish(Err(Error::login_required("the credentials were cleared (log-out): log in again")));
        }
        ended
    }

    /// Whether these, or others of the same grant, are in hand.
    pub(crate) fn has(&self, credentials: &Credentials) -> bool {
        self.shared.lock().state.has(credentials)
    }

    pub(crate) fn set(&self, credentials: Credentials, now: Reading) -> Arc<Held> {
        let (held, landing) =
            self.change(now, |shared| (shared.state.set(credentials, now), shared.landing.take()));
        if let Some(landing) = landing {
            // Whoever waited for something newer has it.
            landing.finish(Ok(()));
        }
        held
    }

    /// Whether there is a credential that may be sent.
    pub(crate) fn has_usable(&self, now: Reading) -> bool {
        self.shared.lock().state.usable(now).is_some()
    }

    /// Whether the store still has to forget what was cleared.
    pub(crate) fn must_forget(&self) -> bool {
        self.shared.lock().state.must_forget
    }

    /// Whether this is the generation in hand.
    pub(crate) fn holds(&self, generation: u64) -> bool {
        self.shared.lock().state.generation() == generation
    }

    /// The store now holds what was cleared or set by the program.
    pub(crate) fn stored(&self, credentials: Option<Credentials>) {
        self.shared.lock().state.wrote(credentials);
    }

    /// The program's own credentials are about to be written to the store.
    pub(crate) fn writes(&self, credentials: &Credentials) {
        self.shared.lock().state.writes(credentials);
    }

    /// Something has happened outside of the machine.
    pub(crate) fn note(&self, event: Event) {
        let mut shared = self.shared.lock();
        shared.state.events.push(event);
        self.untold.store(true, Ordering::Relaxed);
    }

    /// Whether something has happened that nobody was told of.
    pub(crate) fn has_events(&self) -> bool {
        !self.shared.lock().state.events.is_empty()
    }

    /// The same at a glance, for whoever has just changed something, or nothing.
    pub(crate) fn may_have_events(&self) -> bool {
        self.untold.load(Ordering::Relaxed)
    }

    /// The events since the last call. Whoever changed the state takes them and tells the observer, outside
    /// the lock.
    pub(crate) fn take_events(&self) -> Vec<Event> {
        let mut shared = self.shared.lock();
        self.untold.store(false, Ordering::Relaxed);
        std::mem::take(&mut shared.state.events)
    }

    fn ask(&self, now: Reading, ask: impl FnOnce(&mut State, Reading) -> Verdict) -> Ask {
        self.change(now, |shared| {
            let verdict = ask(&mut shared.state, now);
            let mut landing =
                |flight: u64| shared.landing.get_or_insert_with(|| Landing::new(flight)).clone();
            match verdict {
                Verdict::Use(held) => Ask::Use(Lease::of(&held), None),
                Verdict::UseAndRun(held, flight) => Ask::Use(Lease::of(&held), Some(landing(flight))),
                Verdict::Run(flight) => Ask::Wait { landing: landing(flight), run: true },
                Verdict::Join(flight) => Ask::Wait { landing: landing(flight), run: false },
                Verdict::Fail(error) => Ask::Fail(error),
            }
        })
    }

    /// Changes the state under the lock, and publishes what the warm path may use from then on.
    fn change<R>(&self, now: Reading, change: impl FnOnce(&mut Shared) -> R) -> R {
        let mut shared = self.shared.lock();
        let result = change(&mut shared);
        self.untold.store(!shared.state.events.is_empty(), Ordering::Relaxed);
        let snapshot = shared.state.snapshot(now);
        self.publish(snapshot, shared.state.logged_out.1);
        result
    }
}

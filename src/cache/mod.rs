//! One identity's credential, shared: the pure state behind one lock, a snapshot that is read without it,
//! and a place to wait for the flight in the air. Nothing here does I/O, and no lock outlives a call.

#[cfg(all(test, reauth_model))]
mod model;
mod snapshot;
mod sync;
mod waiters;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use snapshot::Usable;
pub(crate) use waiters::{Waiters, Woken};

use snapshot::Snapshot;
use sync::{Mutex, Slot};

use crate::clock::Reading;
use crate::event::Event;
use crate::machine::{Held, Input, State, Step, Verdict};
use crate::{Credentials, Error, Timing};

/// What a caller has to do next.
pub(crate) enum Ask {
    /// Use this; and if a flight was started in the background, run it.
    Use(Usable, Option<Arc<Waiters>>),
    /// Wait at the waiters; `run` says that this caller has to run the flight first.
    Wait { waiters: Arc<Waiters>, run: bool },
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
    waiters: Option<Arc<Waiters>>,
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
        let shared = Mutex::new(Shared { state, waiters: None });
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
        let (step, waiters) = self.change(now, |shared| {
            let step = shared.state.step(id, input, now);
            let waiters = match &step {
                Step::Done(_) => shared.waiters.take(),
                Step::Wait(_) => shared.waiters.clone(),
                _ => None,
            };
            (step, waiters)
        });
        match (&step, waiters) {
            (Step::Done(outcome), Some(waiters)) => waiters.finish(outcome.clone()),
            (_, Some(waiters)) => waiters.nudge(),
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
            Some((shared.waiters.take()?, outcome))
        });
        if let Some((waiters, outcome)) = ended {
            waiters.finish(outcome);
        }
    }

    /// Returns what a log-out leaves behind at the provider.
    pub(crate) fn log_out(&self, now: Reading) -> Vec<Credentials> {
        let (waiters, ended) = self.change(now, |shared| {
            let ended = shared.state.log_out();
            (shared.waiters.take(), ended)
        });
        if let Some(waiters) = waiters {
            waiters
                .finish(Err(Error::login_required("the credentials were cleared (log-out): log in again")));
        }
        ended
    }

    /// Whether these, or others of the same grant, are in hand.
    pub(crate) fn has(&self, credentials: &Credentials) -> bool {
        self.shared.lock().state.has(credentials)
    }

    pub(crate) fn set(&self, credentials: Credentials, now: Reading) -> Arc<Held> {
        let (held, waiters) =
            self.change(now, |shared| (shared.state.set(credentials, now), shared.waiters.take()));
        if let Some(waiters) = waiters {
            // Whoever waited for something newer has it.
            waiters.finish(Ok(()));
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
            let mut waiters =
                |flight: u64| shared.waiters.get_or_insert_with(|| Waiters::new(flight)).clone();
            match verdict {
                Verdict::Use(held) => Ask::Use(Usable::of(&held), None),
                Verdict::UseAndRun(held, flight) => Ask::Use(Usable::of(&held), Some(waiters(flight))),
                Verdict::Run(flight) => Ask::Wait { waiters: waiters(flight), run: true },
                Verdict::Join(flight) => Ask::Wait { waiters: waiters(flight), run: false },
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

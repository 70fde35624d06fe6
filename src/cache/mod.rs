//! The machine behind one lock, a snapshot that is read without it, and the place where callers wait for a flight.
//! Nothing here does I/O, and no lock is held after a call returns.

mod driver;
mod exchange;
#[cfg(all(test, reauth_model))]
mod model;
mod snapshot;
mod sync;
mod together;
mod waiters;

pub(crate) use driver::{Turn, World, acquire, drive, refresh};
pub(crate) use snapshot::Usable;
pub(crate) use waiters::Waiters;

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;

use snapshot::Snapshot;
use sync::{Mutex, Slot};

use crate::auth_header::AuthHeader;
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::event::Event;
use crate::machine::{Held, Input, Rest, State, Step, Verdict, Wanted, Work};
use crate::store::Entry;
use crate::timing::Timing;

/// What a caller has to do next.
pub(crate) type Ask = Verdict<Usable, Arc<Waiters>>;

pub(crate) struct Cache {
    locked: Mutex<Locked>,
    /// Whether there may be events that the observer has not seen. It is read without the lock.
    has_events: AtomicBool,
    snapshot: Slot<Snapshot>,
    /// Tells that other credentials are held than before, once somebody has asked for that.
    changed: OnceLock<Box<Notify>>,
}

struct Locked {
    state: State,
    /// The callers that wait for the running flight.
    waiters: Option<Arc<Waiters>>,
}

impl Cache {
    pub(crate) fn new(
        timing: Arc<Timing>,
        has_store: bool,
        header: Option<Arc<AuthHeader>>,
        initial: Option<Credentials>,
        now: Reading,
    ) -> Self {
        let mut state = State::new(timing, has_store);
        state.use_header(header);
        if let Some(initial) = initial {
            state.start_with(initial, now);
        }
        let locked = Mutex::new(Locked { state, waiters: None });
        Self { locked, has_events: AtomicBool::new(false), snapshot: Slot::new(), changed: OnceLock::new() }
    }

    /// Asks the machine for a caller.
    pub(crate) fn ask(&self, now: Reading, ask: impl FnOnce(&mut State, Reading) -> Verdict) -> Ask {
        self.change(now, |locked| {
            let verdict = ask(&mut locked.state, now);
            let mut waiters =
                |flight: u64| locked.waiters.get_or_insert_with(|| Waiters::new(flight)).clone();
            match verdict {
                Verdict::Use(held, flight) => Ask::Use(Usable::of(&held), flight.map(waiters)),
                Verdict::Wait { flight, run } => Ask::Wait { flight: waiters(flight), run },
                Verdict::Fail(error) => Ask::Fail(error),
            }
        })
    }

    pub(crate) fn refresh_without_store(&self) {
        self.locked.lock().state.refresh_without_store();
    }

    pub(crate) fn limit_login(&self, limit: Option<Duration>) {
        self.locked.lock().state.limit_login(limit);
    }

    /// Looks at the machine.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.locked.lock().state)
    }

    /// What a waiter gets whose flight is over. After a success it needs no lock, because thousands may come at once.
    fn settle(&self, flight: u64, outcome: Result<(), Error>, wanted: Wanted, now: Reading) -> Ask {
        let is_any_good = outcome.is_ok() && matches!(wanted, Wanted::Usable);
        match is_any_good.then(|| self.usable_after(flight, now)).flatten() {
            Some(usable) => Ask::Use(usable, None),
            None => self.ask(now, |state, now| state.settle(flight, outcome, wanted, now)),
        }
    }

    /// Moves some work on. When a flight is over, the state shows it before any waiter is woken.
    pub(crate) fn step(&self, work: &Work, input: Input, now: Reading) -> Step {
        let (step, waiters) = self.change(now, |locked| {
            let step = locked.state.step(work, input, now);
            let waiters = match (work, &step) {
                (Work::Flight(_), Step::Done(_)) => locked.waiters.take(),
                // It has ended the login, and so the flight in the air.
                (Work::Rest(_), Step::Done(Err(_))) => locked.waiters.take(),
                (Work::Flight(_), Step::Wait(_)) => locked.waiters.clone(),
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

    /// Ends the wait of all callers of a flight, which goes on (R14).
    fn release(&self, work: &Work, now: Reading) {
        self.end(now, |state| state.release(work));
    }

    /// Ends a flight whose driver is gone.
    pub(crate) fn interrupt(&self, flight: u64, error: Error, now: Reading) {
        self.end(now, |state| state.interrupt(flight, error, now));
    }

    /// Ends a flight that its first caller cannot run.
    pub(crate) fn call_off(&self, flight: u64, error: Error, now: Reading) {
        self.end(now, |state| state.call_off(flight, error, now));
    }

    /// What this flight has left to do.
    fn take_rest(&self, flight: u64) -> Option<Rest> {
        self.locked.lock().state.take_rest(flight)
    }

    /// What a log-out found in the store, and is valid at the provider beside these.
    pub(crate) fn take_found(&self, grants: &[Credentials]) -> Vec<Credentials> {
        self.locked.lock().state.take_found(grants)
    }

    /// Returns the credentials that are still good at the provider.
    pub(crate) fn log_out(&self, now: Reading) -> Vec<Credentials> {
        let (grants, waiters) = self.change(now, |locked| (locked.state.log_out(), locked.waiters.take()));
        if let Some(waiters) = waiters {
            waiters.finish(Err(Error::login_required("the credentials were logged out; log in again")));
        }
        grants
    }

    pub(crate) fn set_credentials(&self, credentials: Credentials, now: Reading) -> Arc<Held> {
        let (held, waiters) = self
            .change(now, |locked| (locked.state.set_credentials(credentials, now), locked.waiters.take()));
        if let Some(waiters) = waiters {
            // The callers that waited for newer credentials have these.
            waiters.finish(Ok(()));
        }
        held
    }

    /// Another process has written this to the store.
    pub(crate) fn heard(&self, found: Entry, now: Reading) {
        self.change(now, |locked| locked.state.heard(found, now));
    }

    /// Something has happened outside the machine.
    pub(crate) fn note(&self, event: Event) {
        let mut locked = self.locked.lock();
        locked.state.events.push(event);
        self.has_events.store(true, Ordering::Relaxed);
    }

    /// Whether there may be events that the observer has not seen: right for the thread that made the last change.
    pub(crate) fn may_have_events(&self) -> bool {
        self.has_events.load(Ordering::Relaxed)
    }

    /// The events since the last call.
    pub(crate) fn take_events(&self) -> Vec<Event> {
        let mut locked = self.locked.lock();
        self.has_events.store(false, Ordering::Relaxed);
        std::mem::take(&mut locked.state.events)
    }

    fn end(&self, now: Reading, end: impl FnOnce(&mut State) -> Option<Result<(), Error>>) {
        let ended = self.change(now, |locked| {
            let outcome = end(&mut locked.state)?;
            Some((locked.waiters.take()?, outcome))
        });
        if let Some((waiters, outcome)) = ended {
            waiters.finish(outcome);
        }
    }

    /// Changes the state under the lock, and publishes what may be used without the lock from then on.
    fn change<R>(&self, now: Reading, change: impl FnOnce(&mut Locked) -> R) -> R {
        let mut locked = self.locked.lock();
        let before = locked.state.held_generation();
        let result = change(&mut locked);
        let is_changed = locked.state.held_generation() != before;
        self.has_events.store(!locked.state.events.is_empty(), Ordering::Relaxed);
        self.publish(locked.state.snapshot(now), locked.state.last_flight_before_log_out());
        drop(locked);
        if let Some(changed) = self.changed.get().filter(|_| is_changed) {
            changed.notify_waiters();
        }
        result
    }

    /// What is held, whether or not it may be sent.
    pub(crate) fn held(&self) -> Option<Credentials> {
        self.look(|state| state.held().cloned())
    }

    /// Waits until other credentials are held than these.
    pub(crate) async fn until_other_than(&self, used: &Credentials) -> Option<Credentials> {
        let notify = self.changed.get_or_init(Box::default);
        loop {
            let mut changed = pin!(notify.notified());
            changed.as_mut().enable();
            match self.look(|state| state.held_after(used).cloned()) {
                Some(held) if held.is_same_as(used) => {}
                other => return other,
            }
            changed.await;
        }
    }
}

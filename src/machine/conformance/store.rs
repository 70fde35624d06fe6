//! The store, from one process: one call at a time, each in the manner that the scenario says.

use std::time::Duration;

use super::nature::Nature;
use super::outside::{Inner, Outside};
use super::suite::{Call, Manner, Operation, Process, Shelf, Ticket, Write, call_of};
use crate::cache::Turn;
use crate::error::Error;
use crate::machine::{Guarded, Hold, Step, StoreCall, StoreResult};
use crate::store::{GuardError, GuardRequest};

#[derive(Default)]
pub(super) struct AtStore {
    manners: Vec<(Operation, Manner)>,
    /// A call is under way.
    is_busy: bool,
    /// The call that hangs is carried out.
    responds: bool,
}

/// Carries out a call that is not for the guard.
fn work(store: &mut Shelf, process: Process, call: &StoreCall) -> StoreResult {
    match write_of(call) {
        None => StoreResult::Loaded(Ok(store.load())),
        Some(write) => StoreResult::Replaced(Ok(store.write(process, &write))),
    }
}

fn write_of(call: &StoreCall) -> Option<Write> {
    match call {
        StoreCall::Load | StoreCall::Guard(_) => None,
        StoreCall::Replace(expected, entry) => Some(Write { over: Some(*expected), entry: entry.clone() }),
        StoreCall::Overwrite(entry) => Some(Write { over: None, entry: entry.clone() }),
    }
}

/// What comes of a call that fails.
fn failed(call: &StoreCall, error: Error) -> StoreResult {
    match call {
        StoreCall::Load => StoreResult::Loaded(Err(error)),
        StoreCall::Guard(_) => StoreResult::Guarded(Err(GuardError::Unreachable(error))),
        StoreCall::Replace(..) | StoreCall::Overwrite(_) => StoreResult::Replaced(Err(error)),
    }
}

/// What comes of a call before it is carried out.
enum Called {
    Goes,
    /// It is not needed any more, or a log-out has overtaken it.
    Dropped,
    Ended(StoreResult),
}

impl Outside {
    pub(super) async fn call_store(&self, call: &StoreCall, turn: Turn<'_>) -> Option<Step> {
        let limit = self.reading().monotonic + self.timing.store_timeout;
        match self.until(limit, |inner| take_turn(inner, turn)).await {
            Some(true) => {}
            Some(false) => return None,
            None => return Some(turn.end(failed(call, Error::late()), self.reading())),
        }
        let busy = Busy(self);
        let result = match self.called(call, turn, limit).await {
            Called::Goes => self.nature.with_store(|store| work(store, self.process, call))?,
            Called::Dropped => return None,
            Called::Ended(result) => result,
        };
        let step = turn.end(result, self.reading());
        drop(busy);
        Some(step)
    }

    /// Waits for the guard. Something new in the store ends the wait.
    pub(super) async fn take_guard(
        &self,
        call: &StoreCall,
        request: &GuardRequest,
        turn: Turn<'_>,
        guard: &mut Option<ScenarioGuard>,
    ) -> Option<Step> {
        drop(guard.take());
        let limit = self.reading().monotonic + request.limit();
        let held = || Some(turn.end(StoreResult::Guarded(Err(GuardError::Held(None))), self.reading()));
        // What an earlier flight has left to do comes first.
        let is_free = |_: &mut Inner| match turn.is_wanted() {
            true => self.nature.with_store(|store| store.guarded_by() != Some(self.process))?.then_some(true),
            false => Some(false),
        };
        match self.until(limit, is_free).await {
            Some(true) => {}
            Some(false) => return None,
            None => return held(),
        }
        let soon = self.reading().monotonic + request.call_limit();
        match self.until(soon, |inner| take_turn(inner, turn)).await {
            Some(true) => {}
            Some(false) => return None,
            None => return Some(turn.end(failed(call, Error::late()), self.reading())),
        }
        let busy = Busy(self);
        let soon = self.reading().monotonic + request.call_limit();
        let result = match self.called(call, turn, soon).await {
            Called::Dropped => return None,
            Called::Ended(result) => result,
            Called::Goes => {
                let ticket = self.nature.with_store(|store| store.want_guard(self.process))?;
                let wanted = ScenarioGuard { nature: self.nature.clone(), ticket };
                let look = |_: &mut Inner| match turn.is_wanted() {
                    true => self.nature.with_store(|store| guarded(store, ticket, request, turn))?.map(Some),
                    false => Some(None),
                };
                match self.until(limit, look).await {
                    None => StoreResult::Guarded(Err(GuardError::Held(None))),
                    Some(None) => return None,
                    Some(Some(guarded)) => {
                        *guard = guarded.hold.map(|_| wanted);
                        StoreResult::Guarded(Ok(guarded))
                    }
                }
            }
        };
        let step = turn.end(result, self.reading());
        drop(busy);
        Some(step)
    }

    /// Makes a call. It may fail or hang before it is carried out.
    async fn called(&self, call: &StoreCall, turn: Turn<'_>, limit: Duration) -> Called {
        if !turn.needs(call) {
            return Called::Dropped;
        }
        let manner = self.lock().manner_of(call);
        let result = match manner {
            Manner::Works => return Called::Goes,
            Manner::Fails => failed(call, Error::store("the scenario's store fails")),
            Manner::Held => StoreResult::Guarded(Err(GuardError::Held(None))),
            Manner::ReadOnly => {
                StoreResult::Guarded(Err(GuardError::NotWritable(Error::store("the store is read-only"))))
            }
            Manner::Hangs => {
                let responds = |inner: &mut Inner| match turn.is_wanted() {
                    true => inner.at_store.responds.then_some(Called::Goes),
                    false => Some(Called::Dropped),
                };
                let mut open = OpenWrite { outside: self, write: write_of(call) };
                let responds = self.until(limit, responds).await;
                if matches!(responds, Some(Called::Goes)) {
                    open.write = None;
                }
                return responds.unwrap_or_else(|| Called::Ended(failed(call, Error::late())));
            }
            Manner::Panics => std::future::pending().await,
        };
        Called::Ended(result)
    }

    pub(super) fn behave(&self, operation: Operation, manner: Manner) {
        let manners = &mut self.lock().at_store.manners;
        manners.retain(|(known, _)| *known != operation);
        manners.push((operation, manner));
    }

    pub(super) fn store_responds(&self) -> Result<(), String> {
        let at_store = &mut self.lock().at_store;
        at_store.responds = at_store.is_busy;
        at_store.responds.then_some(()).ok_or_else(|| "the store was not called".into())
    }
}

/// The guard, or the news that ends the wait for it.
fn guarded(store: &mut Shelf, ticket: Ticket, request: &GuardRequest, turn: Turn<'_>) -> Option<Guarded> {
    let hold = if store.guard_lapses() { Hold::MayLapse } else { Hold::CannotLapse };
    if let Some((found, is_written)) = store.take_guard(ticket, request) {
        return Some(Guarded { found: Ok(found), is_written, hold: Some(hold) });
    }
    let news = store.load().filter(|found| turn.finds_news(found))?;
    Some(Guarded { found: Ok(Some(news)), is_written: false, hold: None })
}

/// Whether it is the turn of this call now. It is never, if a log-out has overtaken it.
fn take_turn(inner: &mut Inner, turn: Turn<'_>) -> Option<bool> {
    if !turn.is_wanted() {
        return Some(false);
    }
    if inner.at_store.is_busy {
        return None;
    }
    inner.at_store.is_busy = true;
    inner.at_store.responds = false;
    Some(true)
}

impl Inner {
    /// How the store behaves in this call.
    fn manner_of(&mut self, call: &StoreCall) -> Manner {
        let (operation, seen) = match call {
            StoreCall::Load => (Operation::Load, Call::Load),
            StoreCall::Guard(_) => (Operation::Guard, Call::Guard),
            StoreCall::Replace(expected, entry) => call_of(expected.as_ref(), entry),
            StoreCall::Overwrite(entry) => call_of(None, entry),
        };
        self.moves += 1;
        self.calls.push(seen);
        let manner = self.at_store.manners.iter().find(|(known, _)| *known == operation);
        let manner = manner.map_or(Manner::Works, |(_, manner)| *manner);
        self.panicked |= manner == Manner::Panics;
        manner
    }
}

/// The guard, or a place in the queue for it. It ends when this is dropped.
pub(super) struct ScenarioGuard {
    nature: Nature,
    ticket: Ticket,
}

impl ScenarioGuard {
    pub(super) fn has_lapsed(&self) -> bool {
        self.nature.with_store(|store| store.guard_lapses() && !store.has_guard(self.ticket)).unwrap_or(false)
    }
}

impl Drop for ScenarioGuard {
    fn drop(&mut self) {
        self.nature.with_store(|store| store.give_back(self.ticket));
    }
}

/// A write that hangs. If this is dropped before it is carried out, it is left open.
struct OpenWrite<'a> {
    outside: &'a Outside,
    write: Option<Write>,
}

impl Drop for OpenWrite<'_> {
    fn drop(&mut self) {
        if let Some(write) = self.write.take() {
            self.outside.nature.with_store(|store| store.leave_open(self.outside.process, write));
        }
    }
}

/// A call is under way at the store.
struct Busy<'a>(&'a Outside);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.lock().at_store.is_busy = false;
    }
}

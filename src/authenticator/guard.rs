//! The guard of the store: the wait for it, and beside that a look at what other processes write (R57).

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::builder::Store;
use super::store::unsealed;
use crate::cache::Turn;
use crate::error::Error;
use crate::machine::{Guarded, Hold, Step, StoreCall, StoreResult};
use crate::store::{Entry, Guard, GuardError, GuardRequest};
use crate::token_endpoint::TokenEndpoint;

/// How long the wait between two looks at the store is: 75 ms to 125 ms, so that processes look at different times.
const LOOK: (Duration, Duration) = (Duration::from_millis(75), Duration::from_millis(50));

/// Added to the limit of a request.
const GRACE: Duration = Duration::from_millis(250);

/// A lease has to last longer than the longest request by default.
const LEAST_LEASE: Duration = TokenEndpoint::DEFAULT_TIMEOUT.saturating_add(Duration::from_secs(2));

/// The guard of the store that a flight has. It is given back when this is dropped, or when the flight is ended from outside:
/// nothing may drive the runtime of the flight, and so drop this.
pub(super) struct HeldGuard(Slot);

/// Where a guard is until it is given back.
pub(super) type Slot = Arc<Mutex<Option<Taken>>>;

pub(super) struct Taken {
    guard: Guard,
    /// How long it is good for when it is new, if it can lapse.
    lease: Option<Duration>,
    /// The turn within this authenticator.
    _turn: OwnedMutexGuard<()>,
}

impl HeldGuard {
    fn new(guard: Guard, turn: OwnedMutexGuard<()>) -> Self {
        let lease = guard.lease_left();
        Self(Arc::new(Mutex::new(Some(Taken { guard, lease, _turn: turn }))))
    }

    /// Whether it may be lost before the response to a request that is sent now.
    pub(super) fn may_lapse(&self) -> bool {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lease = taken.as_ref().and_then(|taken| Some((taken.guard.lease_left()?, taken.lease?)));
        // A shorter lease than the usual one is the choice of the program.
        // Or it had lapsed before this process got it, such as while that stood still.
        lease.is_some_and(|(left, lease)| left.is_zero() || left < LEAST_LEASE.min(lease / 3 * 2))
    }
}

impl Drop for HeldGuard {
    fn drop(&mut self) {
        give_back(&self.0);
    }
}

fn give_back(slot: &Slot) {
    let taken = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    drop(taken);
}

/// What ends the wait for the guard.
enum Came {
    Guard(Guard),
    News(Entry),
}

impl Shared {
    /// Gives the guard back that a flight has, which was ended from outside.
    pub(super) fn give_guard_back(&self, flight: u64) {
        let Some(store) = &self.store else { return };
        let held = store.held.lock().unwrap_or_else(PoisonError::into_inner).take_if(|(id, _)| *id == flight);
        held.iter().for_each(|(_, slot)| give_back(slot));
    }

    /// Takes the guard, unless there is news in the store meanwhile.
    pub(super) async fn take_guard(
        &self,
        store: &Store,
        call: &StoreCall,
        request: &GuardRequest,
        turn: Turn<'_>,
        held: &mut Option<HeldGuard>,
    ) -> Option<Step> {
        // The one that this flight has is not good any more.
        drop(held.take());
        let in_turn = async {
            let own = store.guard.clone().lock_owned().await;
            let Ok(_turn) = timeout(request.call_limit(), store.turn.lock()).await else {
                let result = StoreResult::Guarded(Err(GuardError::Unreachable(Error::late())));
                return Some(turn.end(result, self.clock.now()));
            };
            if !turn.needs(call) {
                return None;
            }
            let result = match self.guard_or_news(store, request, turn).await {
                Ok(Came::Guard(guard)) => {
                    let guarded = Guarded {
                        found: guard.found.clone(),
                        is_written: guard.is_written,
                        hold: Some(if guard.cannot_lapse { Hold::CannotLapse } else { Hold::MayLapse }),
                    };
                    let guard = HeldGuard::new(guard, own);
                    *store.held.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some((turn.flight(), guard.0.clone()));
                    *held = Some(guard);
                    Ok(guarded)
                }
                Ok(Came::News(found)) => {
                    Ok(Guarded { found: Ok(Some(found)), is_written: false, hold: None })
                }
                Err(error) => Err(error),
            };
            Some(turn.end(StoreResult::Guarded(result), self.clock.now()))
        };
        // The store has a little more time, to say who holds it.
        let limit = request.limit().saturating_add(GRACE);
        let in_turn = self.while_wanted(turn, self.marked(in_turn));
        timeout(limit, in_turn).await.unwrap_or_else(|_| {
            let result = StoreResult::Guarded(Err(GuardError::Held(None)));
            Some(turn.end(result, self.clock.now()))
        })
    }

    async fn guard_or_news(
        &self,
        store: &Store,
        request: &GuardRequest,
        turn: Turn<'_>,
    ) -> Result<Came, GuardError> {
        let mut guard = pin!(store.calls.guard(request));
        let seen = self.cache.look(crate::machine::State::stored);
        let mut changed = store.calls.changed(seen.as_ref());
        loop {
            let pause = pin!(sleep(LOOK.0 + LOOK.1.mul_f64(fastrand::f64())));
            let came = first_of(guard.as_mut(), pin!(first_of(pause, changed.as_mut()))).await;
            match came {
                Ok(guard) => return opened(guard?),
                Err(Ok(())) => {}
                // It would return at once from now on, if what the store holds is not news.
                Err(Err(())) => changed = Box::pin(pending()),
            }
            let look = pin!(timeout(request.call_limit(), store.calls.load()));
            let found = match first_of(guard.as_mut(), look).await {
                Ok(guard) => return opened(guard?),
                Err(found) => unsealed(found.unwrap_or_else(|_| Err(Error::late()))),
            };
            // What can't be read is found again under the guard.
            if let Ok(Some(found)) = found {
                if turn.finds_news(&found) {
                    return Ok(Came::News(found));
                }
            }
        }
    }
}

/// A guard under which something sealed was found is given back: nothing may be written over it.
fn opened(guard: Guard) -> Result<Came, GuardError> {
    match unsealed(guard.found.clone()) {
        Err(error) if guard.found.is_ok() => Err(GuardError::Unreachable(error)),
        _ => Ok(Came::Guard(guard)),
    }
}

/// What is ready first.
async fn first_of<T, U>(
    mut one: Pin<&mut (impl Future<Output = T> + ?Sized)>,
    mut other: Pin<&mut (impl Future<Output = U> + ?Sized)>,
) -> Result<T, U> {
    poll_fn(|context: &mut Context<'_>| match one.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Ok(result)),
        Poll::Pending => other.as_mut().poll(context).map(Err),
    })
    .await
}

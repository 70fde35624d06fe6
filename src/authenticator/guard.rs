//! The guard of the store: the wait for it, and beside that a look at what other processes write (R57).

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
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

/// The guard of the store, and the turn within this authenticator.
pub(super) struct HeldGuard {
    guard: Guard,
    _turn: OwnedMutexGuard<()>,
}

impl HeldGuard {
    /// Whether it may be lost before the response to a request that is sent now.
    pub(super) fn may_lapse(&self) -> bool {
        self.guard.lease_left().is_some_and(|left| left < LEAST_LEASE)
    }
}

/// What ends the wait for the guard.
enum Came {
    Guard(Guard),
    News(Entry),
}

impl Shared {
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
                    *held = Some(HeldGuard { guard, _turn: own });
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

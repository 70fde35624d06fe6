//! Does what the machine says. The authenticator, the model checker and the conformance scenarios share this code; each
//! brings a [`World`] of its own.

use std::sync::Arc;
use std::time::Duration;

use super::exchange::{login_patience, start};
use super::together::{unless, with_reminder};
use super::waiters::{Waiters, Woken};
use super::{Ask, Cache, Usable};
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::machine::{Input, Sent, State, Step, StoreCall, StoreResult, Wanted, Work};
use crate::store::{Entry, Replaced};

/// What callers and work need from outside.
pub(crate) trait World: Sync {
    fn now(&self) -> Reading;

    /// Something may have happened that the observer has not seen.
    fn tell(&self);

    /// Runs a flight in a task of its own.
    fn launch(&self, flight: Arc<Waiters>);

    /// Watches over a flight from the caller's side, and nudges its callers after `patience`.
    fn watch(&self, flight: &Arc<Waiters>, patience: impl FnOnce() -> Duration);

    /// The guard of the store, while some work has it.
    type Guard: Default + Send;

    /// Calls the store when it is this call's turn, and ends the turn with the next step. `None`, and no call, if it
    /// is not needed any more by then. A call for the guard gives the guard back that the work has, and puts another in its place.
    fn store(
        &self,
        call: &StoreCall,
        turn: Turn<'_>,
        guard: &mut Self::Guard,
    ) -> impl Future<Output = Option<Step>> + Send;

    /// Whether the guard may be lost before the response to a request that is sent now.
    fn may_lapse(&self, guard: &Self::Guard) -> bool;

    /// Returns when a log-out, or credentials set by the program, have overtaken the work.
    fn overtaken(&self, turn: Turn<'_>) -> impl Future<Output = ()> + Send;

    /// A place among the exchanges that may happen at once.
    type Place: Default + Send;

    /// Waits for a place, for `limit` at most.
    fn place(&self, limit: Duration) -> impl Future<Output = Result<Self::Place, Error>> + Send;

    /// Asks the source to refresh `held` within `limit`. The response may bring the successor of a refresh token, so that
    /// nothing shorter may end this.
    fn refresh(
        &self,
        held: &Credentials,
        limit: Duration,
        place: Self::Place,
    ) -> impl Future<Output = Result<Credentials, Error>> + Send;

    /// Asks the source to log in within `limit`.
    fn login(
        &self,
        limit: Duration,
        place: Self::Place,
    ) -> impl Future<Output = Result<Credentials, Error>> + Send;

    /// Has the provider revoke what a request brought that nobody needs any more.
    fn revoke(&self, credentials: &Credentials) -> impl Future<Output = ()> + Send;

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// Some work whose turn at the store has come.
#[derive(Clone, Copy)]
pub(crate) struct Turn<'a> {
    cache: &'a Cache,
    work: &'a Work,
}

impl Turn<'_> {
    /// The number of the flight; 0 if the work is none.
    pub(crate) fn flight(&self) -> u64 {
        if let Work::Flight(flight) = self.work { *flight } else { 0 }
    }

    /// Whether the work still matters. If a log-out has overtaken it, a call of the store is dropped.
    pub(crate) fn is_wanted(&self) -> bool {
        self.cache.look(|state| state.is_wanted(self.work))
    }

    /// How long callers wait from now on for a person who logs in; `None` if they wait for the end.
    pub(super) fn login_patience(&self, now: Reading) -> Option<Duration> {
        self.cache.look(|state| state.login_patience(self.work, now))
    }

    /// Whether the call still has to be made.
    pub(crate) fn needs(&self, call: &StoreCall) -> bool {
        self.cache.look(|state| state.needs(self.work, call))
    }

    /// Whether this, found in the store, ends the wait for its guard.
    pub(crate) fn finds_news(&self, found: &Entry) -> bool {
        self.cache.look(|state| state.is_news(Some(found)))
    }

    /// Tells the machine the result of the call. The turn lasts until the machine knows it. Otherwise a log-out's call could
    /// come in between, and undo a write that is newer than the log-out.
    pub(crate) fn end(&self, result: StoreResult, now: Reading) -> Step {
        self.cache.step(self.work, Input::Stored(result), now)
    }
}

/// Carries out the steps of some work until it is done, and then what a flight has left to do. Nothing is decided here.
pub(crate) async fn drive<W: World>(cache: &Cache, work: Work, world: &W) -> Result<(), Error> {
    let mut guard = W::Guard::default();
    let outcome = carry_out(cache, &work, world, &mut guard).await;
    if let Work::Flight(flight) = work {
        while let Some(rest) = cache.take_rest(flight) {
            // The callers of the flight have its outcome.
            let _ = carry_out(cache, &Work::Rest(rest), world, &mut guard).await;
            world.tell();
        }
    }
    outcome
}

async fn carry_out<W: World>(
    cache: &Cache,
    work: &Work,
    world: &W,
    guard: &mut W::Guard,
) -> Result<(), Error> {
    let turn = Turn { cache, work };
    let mut step = cache.step(work, Input::Begin, world.now());
    loop {
        world.tell();
        let input = match step {
            // Without the guard it would replace the note of another process.
            Step::Store(call) if call.opens_exchange() && world.may_lapse(guard) => Input::Lapsed,
            Step::Store(call) => {
                let calling = world.store(&call, turn, guard);
                // Another process may have the guard while its user logs in.
                let patience = login_patience(turn, world);
                match with_reminder(calling, patience, || cache.release(work, world.now())).await {
                    Some(next) => {
                        step = next;
                        continue;
                    }
                    // Another call has done the same.
                    None if turn.is_wanted() => Input::Stored(StoreResult::Replaced(Ok(Replaced::Yes))),
                    None => return Ok(()),
                }
            }
            Step::Refresh(request) => {
                let Some(started) = start(world, turn, request.patience).await else { return Ok(()) };
                match started.place {
                    Err(error) => Input::Responded(Sent::refresh(started.at, request.held), Err(error)),
                    Ok(_) if world.may_lapse(guard) => Input::Lapsed,
                    Ok(place) => {
                        let left = |limit: Duration| limit.saturating_sub(started.waited);
                        let response = world.refresh(&request.held, left(request.limit), place);
                        let patience = world.sleep(left(request.patience));
                        let release = || cache.release(work, world.now());
                        let response = with_reminder(response, patience, release);
                        // The next flight needs the guard.
                        let give_back = || *guard = W::Guard::default();
                        let response = with_reminder(response, world.overtaken(turn), give_back);
                        let response = response.await;
                        Input::Responded(Sent::refresh(started.at, request.held), response)
                    }
                }
            }
            Step::Login(request) if request.waits_for_user => {
                let sent = world.now();
                // A person would keep a place from others for minutes, so this log-in has none.
                let login = world.login(request.limit, W::Place::default());
                let patience = login_patience(turn, world);
                let login = with_reminder(login, patience, || cache.release(work, world.now()));
                // The prompt is not needed any more after a log-out.
                let Some(response) = unless(world.overtaken(turn), login).await else { return Ok(()) };
                Input::Responded(Sent::login(sent), response)
            }
            Step::Login(request) => {
                // A quarter of the time is kept for the request itself.
                let patience = request.limit - request.limit / 4;
                let Some(started) = start(world, turn, patience).await else { return Ok(()) };
                match started.place {
                    Err(error) => Input::Responded(Sent::login(started.at), Err(error)),
                    Ok(place) => {
                        let response = world.login(request.limit.saturating_sub(started.waited), place);
                        let give_back = || *guard = W::Guard::default();
                        let response = with_reminder(response, world.overtaken(turn), give_back);
                        Input::Responded(Sent::login(started.at), response.await)
                    }
                }
            }
            Step::Wait(time) => match unless(world.overtaken(turn), world.sleep(time)).await {
                Some(()) => Input::Waited,
                None => return Ok(()),
            },
            Step::Revoke(credentials) => {
                world.revoke(&credentials).await;
                return Ok(());
            }
            Step::Done(outcome) => return outcome,
            Step::Stop => return Ok(()),
        };
        step = cache.step(work, input, world.now());
    }
}

/// Gets credentials that are issued from now on. Waits for the end of a flight, even if a valid token is in
/// use meanwhile.
pub(crate) async fn refresh(cache: &Cache, world: &impl World) -> Result<Usable, Error> {
    let last = cache.look(State::last_flight);
    let mut over = None;
    loop {
        let mut is_new = true;
        let ask = cache.ask(world.now(), |state, now| {
            let (verdict, brings_new) = state.refresh(last, over, now);
            is_new = brings_new;
            verdict
        });
        let Ask::Wait { flight, run } = ask else { return acquire(cache, ask, Wanted::Usable, world).await };
        let number = flight.number;
        wait(cache, flight, run, world, || false).await?;
        if is_new {
            let ask = cache.settle(number, Ok(()), Wanted::Usable, world.now());
            return acquire(cache, ask, Wanted::Usable, world).await;
        }
        over = Some(number);
    }
}

/// Does what `ask` says until there are the wanted credentials, or an error.
pub(crate) async fn acquire(
    cache: &Cache,
    mut ask: Ask,
    wanted: Wanted,
    world: &impl World,
) -> Result<Usable, Error> {
    loop {
        world.tell();
        match ask {
            Ask::Use(usable, background) => {
                if let Some(flight) = background {
                    world.launch(flight);
                }
                return Ok(usable);
            }
            Ask::Fail(error) => return Err(error),
            Ask::Wait { flight, run } => {
                let number = flight.number;
                let is_enough = || {
                    let now = world.now();
                    cache.look(|state| state.has(wanted, now))
                };
                let outcome = wait(cache, flight, run, world, is_enough).await;
                ask = cache.settle(number, outcome, wanted, world.now());
            }
        }
    }
}

/// Waits until the flight is over, or until an attempt has failed and `is_enough`.
pub(super) async fn wait(
    cache: &Cache,
    flight: Arc<Waiters>,
    run: bool,
    world: &impl World,
    is_enough: impl Fn() -> bool,
) -> Result<(), Error> {
    let mut waiting = flight.clone().wait();
    if run {
        world.launch(flight.clone());
    }
    let now = world.now();
    world.watch(&flight, || cache.look(|state| state.patience(now)));
    drop(flight);
    loop {
        match (&mut waiting).await {
            Woken::Ended(outcome) => return outcome,
            Woken::Nudged if is_enough() => return Ok(()),
            Woken::Nudged => {}
        }
    }
}

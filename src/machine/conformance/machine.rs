//! The client of one process, made of the machine, its cache and its driver, as the authenticator is, but in one thread:
//! the futures are polled by hand, and the clock is a number.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::nature::Nature;
use super::outside::Outside;
use super::suite::{
    Action, Outcome, Process, Seen, Setup, credentials_of, event_of, outcome_of, stored_of, timing_of,
};
use crate::cache::{Ask, Cache, Usable, acquire, drive, refresh};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::machine::{Wanted, Work};

/// What a call came to: credentials, or nothing but success.
type Came = Result<Option<Usable>, Error>;

type Task<T> = Pin<Box<dyn Future<Output = T>>>;

pub(super) struct Machine {
    cache: Arc<Cache>,
    outside: Arc<Outside>,
    flight: Option<(u64, Task<Result<(), Error>>)>,
    /// Flights that were ended from outside. Their requests go on.
    overtaken: Vec<Task<Result<(), Error>>>,
    callers: Vec<(String, Task<Came>)>,
    /// The generation in which each access token was first handed out.
    given: BTreeMap<String, u64>,
    got: Vec<(String, Outcome)>,
}

impl Machine {
    pub(super) fn new(process: Process, setup: &Setup, nature: &Nature) -> Result<Self, String> {
        let outside = Outside::new(process, setup, nature.clone());
        let initial = setup.initial.as_ref().map(credentials_of).transpose()?;
        let cache = Cache::new(timing_of(setup).into(), setup.store.is_some(), None, initial, nature.now());
        if setup.refresh_without_store {
            cache.refresh_without_store();
        }
        Ok(Self {
            cache: Arc::new(cache),
            outside: Arc::new(outside),
            flight: None,
            overtaken: Vec::new(),
            callers: Vec::new(),
            given: BTreeMap::new(),
            got: Vec::new(),
        })
    }

    fn call<F: Future<Output = Came> + 'static>(
        &mut self,
        caller: &str,
        call: impl FnOnce(Arc<Cache>, Arc<Outside>) -> F,
    ) {
        let task = Box::pin(call(self.cache.clone(), self.outside.clone()));
        self.callers.push((caller.to_owned(), task));
    }

    fn acquire(&mut self, caller: &str, ask: Ask, wanted: Wanted) {
        self.call(caller, move |cache, outside| async move {
            acquire(&cache, ask, wanted, &*outside).await.map(Some)
        });
    }

    fn get(&mut self, caller: &str) -> Result<(), String> {
        let now = self.outside.reading();
        let in_hand = self.cache.warm_header(now).map(|(_, generation)| generation);
        let ask = self.cache.ask(now, |state, now| state.need(Wanted::Usable, now));
        // What is handed out without the lock must be what the machine would hand out.
        match (in_hand, &ask) {
            (None, _) => {}
            (Some(in_hand), Ask::Use(usable, None)) if usable.generation == in_hand => {}
            _ => return Err("the snapshot would have handed out what the machine does not".into()),
        }
        self.acquire(caller, ask, Wanted::Usable);
        Ok(())
    }

    /// Polls everything until nothing moves without time, a response or another process. Returns whether anything moved.
    pub(super) fn settle(&mut self) -> Result<bool, String> {
        let context = &mut Context::from_waker(Waker::noop());
        let mut has_moved = false;
        self.outside.nudge();
        loop {
            let mut moved = self.poll_callers(context);
            for flight in self.outside.launched() {
                if self.flight.is_some() {
                    return Err("two flights in the air".into());
                }
                let (cache, outside) = (self.cache.clone(), self.outside.clone());
                let task = async move { drive(&cache, Work::Flight(flight), &*outside).await };
                self.flight = Some((flight, Box::pin(task)));
                moved = true;
            }
            moved |= self.poll_flight(context)?;
            moved |= self.poll_overtaken(context);
            if !moved && self.outside.panicked() {
                return Err("a store that panics in a caller's own call".into());
            }
            if !moved {
                return Ok(has_moved);
            }
            has_moved = true;
        }
    }

    fn poll_callers(&mut self, context: &mut Context<'_>) -> bool {
        let before = self.callers.len();
        let (given, got) = (&mut self.given, &mut self.got);
        self.callers.retain_mut(|(caller, task)| {
            let Poll::Ready(came) = task.as_mut().poll(context) else { return true };
            let outcome = match &came {
                Ok(None) => Outcome::Done,
                Ok(Some(usable)) => {
                    given.entry(stored_of(&usable.credentials).access).or_insert(usable.generation);
                    outcome_of(Ok(&usable.credentials))
                }
                Err(error) => outcome_of(Err(error)),
            };
            got.push((caller.clone(), outcome));
            false
        });
        self.callers.len() != before
    }

    fn poll_flight(&mut self, context: &mut Context<'_>) -> Result<bool, String> {
        let Some((id, mut task)) = self.flight.take() else { return Ok(false) };
        if !self.cache.look(|state| state.is_wanted(&Work::Flight(id))) {
            self.overtaken.push(task);
            return Ok(true);
        }
        let before = self.outside.moves();
        if task.as_mut().poll(context).is_ready() {
            return Ok(true);
        }
        if self.outside.panicked() {
            drop(task);
            self.interrupt(id, "the source or the store panicked");
            return Ok(true);
        }
        self.flight = Some((id, task));
        Ok(self.outside.moves() != before)
    }

    fn poll_overtaken(&mut self, context: &mut Context<'_>) -> bool {
        let before = (self.outside.moves(), self.overtaken.len());
        self.overtaken.retain_mut(|task| task.as_mut().poll(context).is_pending());
        (self.outside.moves(), self.overtaken.len()) != before
    }

    fn interrupt(&mut self, flight: u64, why: &'static str) {
        self.cache.interrupt(flight, Error::transient(why), self.outside.reading());
    }

    fn set_credentials(&mut self, caller: &str, credentials: Credentials) {
        self.outside.overtake();
        let held = self.cache.set_credentials(credentials, self.outside.reading());
        self.call(caller, |cache, outside| async move {
            drive(&cache, Work::Save(held), &*outside).await.map(|()| None)
        });
    }
}

/// From the side of the scenario.
impl Machine {
    pub(super) fn act(&mut self, action: &Action) -> Result<(), String> {
        let now = self.outside.reading();
        match action {
            Action::Get { caller } => self.get(caller)?,
            Action::Refresh { caller } => {
                self.call(caller, |cache, outside| async move { refresh(&cache, &*outside).await.map(Some) });
            }
            Action::Unauthorized { caller, token } => {
                // The earliest generation with this token: the one that an old request may have carried.
                let generation = self.given.get(token).ok_or_else(|| format!("nobody was given {token}"))?;
                let ask = self.cache.ask(now, |state, now| state.reject(*generation, now));
                self.acquire(caller, ask, Wanted::SuccessorOf(*generation));
            }
            Action::Cancel { caller } => {
                let before = self.callers.len();
                self.callers.retain(|(name, _)| name != caller);
                if self.callers.len() == before {
                    return Err(format!("{caller} does not wait"));
                }
            }
            Action::LogOut { caller } => {
                self.outside.overtake();
                let grants = self.cache.log_out(now);
                self.call(caller, |cache, outside| async move {
                    let forgot = drive(&cache, Work::Forget, &*outside).await;
                    let found = cache.take_found(&grants);
                    grants.iter().chain(&found).for_each(|grant| outside.revoke(grant));
                    forgot.map(|()| None)
                });
            }
            Action::SetCredentials { caller, tokens } => {
                self.set_credentials(caller, credentials_of(tokens)?)
            }
            Action::Respond(response) => self.outside.respond(response)?,
            Action::RespondLate(response) => {
                self.outside.respond_late(response)?;
            }
            Action::RespondToAll(response) => self.outside.respond_to_all(response.clone()),
            Action::StoreBehaves { operation, manner } => self.outside.behave(*operation, *manner),
            Action::StoreResponds => self.outside.store_responds()?,
            Action::Interrupt { request } => {
                let (flight, task) = self.flight.take().ok_or("there is no flight to interrupt")?;
                if request.is_some() {
                    self.outside.overtake();
                    self.overtaken.push(task);
                }
                self.interrupt(flight, "the runtime is gone");
            }
            _ => return Err("this happens to no single process".into()),
        }
        Ok(())
    }

    pub(super) fn next_timer(&self) -> Option<Duration> {
        self.outside.next_timer()
    }

    pub(super) fn seen(&mut self) -> Seen {
        let events = self.cache.take_events().iter().map(event_of).collect();
        Seen { got: std::mem::take(&mut self.got), calls: self.outside.take_calls(), events }
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = String> {
        self.callers.iter().map(|(caller, _)| caller.clone())
    }
}

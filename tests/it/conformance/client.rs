//! The client of one process, made of the whole authenticator. The callers' futures are polled here and not in tasks, because
//! they must outlive the runtime that runs a flight.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use reauth::{Authenticator, Credentials, Error};
use tokio::runtime::Runtime;

use super::clock::{ScenarioClock, Wall};
use super::provider::Provider;
use super::store::ScenarioStore;
use super::suite::{
    Action, Outcome, Seen, Setup, credentials_of, event_of, outcome_of, stored_of, timing_of,
};

/// How often the tasks run after an action: many more times than any chain of steps needs.
const TURNS: usize = 32;

/// The result of a call of the authenticator: credentials, or only success.
type Came = Result<Option<Credentials>, Error>;

type Calling = Pin<Box<dyn Future<Output = Came>>>;

pub struct Live {
    callers: Vec<(String, Calling)>,
    authenticator: Authenticator,
    provider: Provider,
    store: Option<ScenarioStore>,
    clock: ScenarioClock,
    runtime: Option<Runtime>,
    /// The first credentials that were handed out with each access token.
    given: BTreeMap<String, Credentials>,
    seen: Arc<Mutex<Seen>>,
}

impl Live {
    /// Starts the process. `now` is the monotonic clock of the scenario.
    pub fn new(
        setup: &Setup,
        store: Option<ScenarioStore>,
        wall: Wall,
        now: Duration,
    ) -> Result<Self, String> {
        let seen = store.as_ref().map_or_else(Default::default, ScenarioStore::seen);
        let clock = ScenarioClock::new(wall, now);
        let provider = Provider::new(setup, seen.clone())?;
        let events = seen.clone();
        let mut builder = Authenticator::builder(provider.clone())
            .clock(clock.clone())
            .timing(timing_of(setup))
            .observer(move |event| events.lock().unwrap().events.push(event_of(event)));
        if let Some(store) = &store {
            builder = builder.store(store.clone());
        }
        if setup.refresh_without_store {
            builder = builder.refresh_without_store();
        }
        // R18: there is no runtime yet.
        let authenticator = builder.build();
        let runtime = Some(clock.start());
        let (callers, given) = (Vec::new(), BTreeMap::new());
        Ok(Self { callers, authenticator, provider, store, clock, runtime, given, seen })
    }

    fn call<F: Future<Output = Came> + 'static>(
        &mut self,
        caller: &str,
        call: impl FnOnce(Authenticator) -> F,
    ) {
        self.callers.push((caller.to_owned(), Box::pin(call(self.authenticator.clone()))));
    }

    fn store(&self) -> Result<&ScenarioStore, String> {
        self.store.as_ref().ok_or_else(|| "there is no store".to_owned())
    }

    /// Runs everything until it waits for time, a response or another process.
    pub fn settle(&mut self) {
        let runtime = self.runtime.take().unwrap();
        runtime.block_on(async {
            for _ in 0..TURNS {
                poll_fn(|context| {
                    self.poll_callers(context);
                    Poll::Ready(())
                })
                .await;
                tokio::task::yield_now().await;
            }
        });
        self.runtime = Some(runtime);
    }

    /// Paused time advances from timer to timer by itself, because nothing else is left to do.
    pub fn advance(&mut self, by: Duration) {
        let runtime = self.runtime.take().unwrap();
        runtime.block_on(async {
            let mut end = pin!(tokio::time::sleep(by));
            poll_fn(|context| {
                self.poll_callers(context);
                end.as_mut().poll(context)
            })
            .await;
        });
        self.runtime = Some(runtime);
    }

    fn poll_callers(&mut self, context: &mut Context<'_>) {
        let (seen, given) = (&self.seen, &mut self.given);
        self.callers.retain_mut(|(caller, call)| {
            let Poll::Ready(came) = call.as_mut().poll(context) else { return true };
            let outcome = match &came {
                Ok(None) => Outcome::Done,
                Ok(Some(credentials)) => {
                    given.entry(stored_of(credentials).access).or_insert_with(|| credentials.clone());
                    outcome_of(Ok(credentials))
                }
                Err(error) => outcome_of(Err(error)),
            };
            seen.lock().unwrap().got.push((caller.clone(), outcome));
            false
        });
    }

    /// Has stood still for so long: everything that is due meanwhile happens now.
    pub fn go_on(&mut self, after: Duration) {
        let runtime = self.runtime.take().unwrap();
        runtime.block_on(tokio::time::advance(after));
        self.runtime = Some(runtime);
    }

    /// The process is gone.
    pub fn kill(mut self) {
        self.callers.clear();
        self.clock.stop(self.runtime.take().unwrap());
    }
}

/// From the side of the scenario.
impl Live {
    pub fn act(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Get { caller } => {
                self.call(caller, |auth| async move { auth.credentials().await.map(Some) })
            }
            Action::Refresh { caller } => {
                self.call(caller, |auth| async move { auth.refresh().await.map(Some) });
            }
            Action::Unauthorized { caller, token } => {
                let used = self.given.get(token).cloned();
                let used = used.ok_or_else(|| format!("no caller got {token}"))?;
                self.call(caller, |auth| async move { auth.reject(&used).await.map(Some) });
            }
            Action::Cancel { caller } => {
                let waiting = self.callers.iter().position(|(name, _)| name == caller);
                drop(self.callers.remove(waiting.ok_or_else(|| format!("{caller} does not wait"))?));
            }
            Action::LogOut { caller } => {
                self.provider.overtake();
                self.call(caller, |auth| async move { auth.log_out().await.map(|()| None) });
            }
            Action::SetCredentials { caller, tokens } => {
                let credentials = credentials_of(tokens)?;
                self.provider.overtake();
                self.call(
                    caller,
                    |auth| async move { auth.set_credentials(credentials).await.map(|()| None) },
                );
            }
            Action::Respond(response) => self.provider.respond(response)?,
            Action::RespondLate(response) => self.provider.respond_late(response)?,
            Action::RespondToAll(response) => self.provider.respond_to_all(response.clone()),
            Action::StoreBehaves { operation, manner } => self.store()?.behave(*operation, *manner),
            Action::StoreResponds => self.store()?.respond()?,
            Action::Interrupt => {
                // The callers continue on another runtime.
                self.clock.stop(self.runtime.take().unwrap());
                self.runtime = Some(self.clock.start());
            }
            _ => return Err("this happens to no single process".into()),
        }
        Ok(())
    }

    pub fn seen(&mut self) -> Seen {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    pub fn waiting(&self) -> impl Iterator<Item = String> {
        self.callers.iter().map(|(caller, _)| caller.clone())
    }
}

//! A client made of the whole authenticator. The callers' futures are polled here and not in tasks, because they must
//! outlive the runtime that runs a flight.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use reauth::{Authenticator, Credentials, Error};
use tokio::runtime::Runtime;

use super::clock::ScenarioClock;
use super::provider::Provider;
use super::store::ScenarioStore;
use super::suite::{
    Action, Client, Outcome, Seen, Setup, Stored, credentials_of, event_of, outcome_of, stored_of, timing_of,
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
    pub fn new(setup: &Setup) -> Result<Self, String> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let clock = ScenarioClock::new();
        let provider = Provider::new(setup, seen.clone())?;
        let store = ScenarioStore::of(setup, seen.clone())?;
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
        let runtime = Some(paused_runtime(&clock));
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

    /// Runs everything until it waits for time or a response.
    fn settle(&mut self) {
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
    fn advance(&mut self, by: Duration) {
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

    /// Drops the runtime with everything that runs on it. The callers continue on another.
    fn replace_runtime(&mut self) {
        let runtime = self.runtime.take().unwrap();
        let entered = runtime.enter();
        self.clock.stop();
        drop(entered);
        drop(runtime);
        self.runtime = Some(paused_runtime(&self.clock));
    }
}

fn paused_runtime(clock: &ScenarioClock) -> Runtime {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let entered = runtime.enter();
    clock.start();
    drop(entered);
    runtime
}

impl Client for Live {
    fn act(&mut self, action: &Action) -> Result<(), String> {
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
            Action::Loop { .. } => return Err("a loop is played step by step".into()),
            Action::Respond(response) => self.provider.respond(response)?,
            Action::RespondLate(response) => self.provider.respond_late(response)?,
            Action::RespondToAll(response) => self.provider.respond_to_all(response.clone()),
            Action::Advance(by) => self.advance(*by),
            Action::WallClockJump { back, by } => self.clock.jump(*back, *by),
            Action::StoreChanged(tokens) => {
                self.store()?.put(tokens.as_ref().map(credentials_of).transpose()?)?;
            }
            Action::StoreBehaves { operation, manner } => self.store()?.behave(*operation, *manner),
            Action::StoreResponds => self.store()?.respond()?,
            Action::Interrupt => self.replace_runtime(),
        }
        self.settle();
        Ok(())
    }

    fn seen(&mut self) -> Seen {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    fn waiting(&self) -> BTreeSet<String> {
        self.callers.iter().map(|(caller, _)| caller.clone()).collect()
    }

    fn stored(&self) -> Option<Stored> {
        self.store.as_ref()?.holds()
    }
}

//! The client of one process, made of the whole authenticator.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reauth::Authenticator;

use super::clock::{ScenarioClock, Wall};
use super::host::{Came, Host};
use super::provider::Provider;
use super::store::ScenarioStore;
use super::suite::{
    Action, Outcome, Seen, Setup, credentials_of, event_of, outcome_of, stored_of, timing_of,
};

pub struct Live {
    host: Host,
    provider: Provider,
    store: Option<ScenarioStore>,
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
        let (events, got) = (seen.clone(), seen.clone());
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
        let came = move |caller: &str, came: &Came| {
            got.lock().unwrap().got.push((caller.to_owned(), outcome(came)));
        };
        Ok(Self { host: Host::new(authenticator, clock, came), provider, store, seen })
    }

    fn store(&self) -> Result<&ScenarioStore, String> {
        self.store.as_ref().ok_or_else(|| "there is no store".to_owned())
    }

    pub fn settle(&mut self) {
        self.host.settle();
    }

    pub fn advance(&mut self, by: Duration) {
        self.host.advance(by, pending());
    }

    pub fn go_on(&mut self, after: Duration) {
        self.host.go_on(after);
    }

    pub fn act(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Get { caller } => self.host.get(caller),
            Action::Refresh { caller } => self.host.refresh(caller),
            Action::Unauthorized { caller, token } => {
                self.host.reject(caller, |given| stored_of(given).access == *token)?;
            }
            Action::Cancel { caller } => self.host.cancel(caller)?,
            Action::LogOut { caller } => {
                self.provider.overtake();
                self.host.log_out(caller);
            }
            Action::SetCredentials { caller, tokens } => {
                let credentials = credentials_of(tokens)?;
                self.provider.overtake();
                self.host.set_credentials(caller, credentials);
            }
            Action::Respond(response) => self.provider.respond(response)?,
            Action::RespondLate(response) => self.provider.respond_late(response)?,
            Action::RespondToAll(response) => self.provider.respond_to_all(response.clone()),
            Action::StoreBehaves { operation, manner } => self.store()?.behave(*operation, *manner),
            Action::StoreResponds => self.store()?.respond()?,
            Action::Interrupt { request: None } => self.host.interrupt(),
            Action::Interrupt { request: Some(_) } => {
                self.provider.overtake();
                self.host.stand_still();
            }
            _ => return Err("this happens to no single process".into()),
        }
        Ok(())
    }

    pub fn seen(&mut self) -> Seen {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    pub fn waiting(&self) -> impl Iterator<Item = String> {
        self.host.waiting()
    }
}

fn outcome(came: &Came) -> Outcome {
    match came {
        Ok(None) => Outcome::Done,
        Ok(Some(credentials)) => outcome_of(Ok(credentials)),
        Err(error) => outcome_of(Err(error)),
    }
}

//! A provider, a place, and runs on it: a run is one login that workers share.

use std::sync::Arc;
use std::time::Duration;

use super::idp::{Idp, Knobs};
use super::place::{Kind, Place};
use super::{Ledger, Worker};
use crate::protocol::{Order, Provider, Settings, StoreAt};

#[derive(Clone)]
pub struct Stage {
    pub idp: Arc<Idp>,
    pub place: Arc<Place>,
    pub kind: Kind,
}

impl Stage {
    /// With access tokens that live for so many seconds.
    pub async fn new(kind: Kind, access_ttl: u32) -> Self {
        let idp = Idp::spawn(Knobs { access_ttl, ..Knobs::default() }).await;
        Self { idp: Arc::new(idp), place: Arc::new(Place::of(kind)), kind }
    }

    /// `name` has no other run of this stage.
    pub fn run(&self, name: &str) -> Run {
        self.run_at(name, self.place.at(name))
    }

    pub fn run_at(&self, name: &str, store: StoreAt) -> Run {
        let idp = &self.idp;
        let settings = Settings {
            store,
            run: name.into(),
            logs_in: false,
            revokes: false,
            deadline_ms: 30_000,
            call_ms: 5_000,
            provider: Provider {
                base: idp.base_url.clone(),
                token: idp.token_url.clone(),
                revocation: idp.revoke_url.clone(),
                introspection: idp.introspect_url.clone(),
                api: idp.echo_url.clone(),
                client: (idp.pw_client.id.clone(), idp.pw_client.secret.clone()),
                user: (idp.user.id.clone(), idp.user.secret.clone()),
            },
        };
        Run { stage: self.clone(), settings }
    }
}

/// The workers of one login. The settings are for those that are started from now on.
pub struct Run {
    pub stage: Stage,
    pub settings: Settings,
}

impl Run {
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline_ms = u64::try_from(deadline.as_millis()).unwrap();
        self
    }

    #[must_use]
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.settings.call_ms = u64::try_from(limit.as_millis()).unwrap();
        self
    }

    #[must_use]
    pub fn logs_in(mut self, logs_in: bool) -> Self {
        self.settings.logs_in = logs_in;
        self
    }

    #[must_use]
    pub fn revokes(mut self) -> Self {
        self.settings.revokes = true;
        self
    }

    pub fn name(&self) -> &str {
        &self.settings.run
    }

    pub fn worker(&self) -> Worker {
        Worker::start(&self.settings)
    }

    /// Workers that have the same token, of a log-in by the first one.
    pub async fn workers<const N: usize>(&self) -> [Worker; N] {
        let workers: [Worker; N] = std::array::from_fn(|_| self.worker());
        workers[0].ask(Order::LogIn).await.token();
        for worker in &workers[1..] {
            worker.ask(Order::Credentials { callers: 1 }).await.token();
        }
        workers
    }

    /// What the provider has seen of this run.
    pub fn ledger(&self) -> Ledger {
        Ledger::of(&self.stage.idp, self.name())
    }

    pub async fn hold(&self) {
        self.stage.idp.hold(self.name()).await;
    }

    pub async fn release(&self) {
        self.stage.idp.release(self.name()).await;
    }
}

//! One process of the fleet: an authenticator with a runtime of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reauth::clock::Clock;
use reauth::{Authenticator, Credentials, Error, ErrorKind};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::ledger::SharedLedger;
use super::lives::Life;
use super::provider::Provider;
use super::store::SharedStore;
use crate::conformance::{ScenarioClock, Wall};

/// How many calls of a process may wait at once.
const CALLERS: usize = 4;

pub struct Member {
    pub life: Life,
    clock: ScenarioClock,
    runtime: Runtime,
    auth: Authenticator,
    calls: Vec<JoinHandle<()>>,
    pub last: Last,
    ledger: SharedLedger,
    /// The monotonic clock of its runtime.
    now: Duration,
}

/// What the last call got, and the credentials that were handed out last.
#[derive(Clone, Default)]
pub struct Last {
    pub result: Arc<Mutex<Option<Result<Credentials, Error>>>>,
    used: Arc<Mutex<Option<Credentials>>>,
}

#[derive(Clone, Copy)]
pub enum Call {
    Get,
    Refresh,
    Unauthorized,
    LogOut,
    Set,
}

impl Member {
    pub fn new(
        life: Life,
        (provider, store, ledger): (&Provider, &SharedStore, &SharedLedger),
        wall: &Wall,
        now: Duration,
    ) -> Self {
        let clock = ScenarioClock::new(wall.clone(), now);
        let auth = Authenticator::builder(provider.of(life, clock.clone()))
            .clock(clock.clone())
            .store(store.of(life))
            .build();
        let runtime = clock.start();
        let (calls, last, ledger) = (Vec::new(), Last::default(), ledger.clone());
        Self { life, clock, runtime, auth, calls, last, ledger, now }
    }

    pub fn call(&mut self, call: Call, provider: &Provider) {
        self.calls.retain(|call| !call.is_finished());
        if self.calls.len() >= CALLERS {
            return;
        }
        let (auth, ledger, last) = (self.auth.clone(), self.ledger.clone(), self.last.clone());
        let (life, clock, provider) = (self.life, self.clock.clone(), provider.clone());
        let task = async move {
            let used = last.used.lock().unwrap().clone();
            let result = match (call, used) {
                (Call::Get, _) => auth.credentials().await,
                (Call::Refresh, _) => auth.refresh().await,
                (Call::Unauthorized, Some(used)) => auth.reject(&used).await,
                (Call::Unauthorized, None) => return,
                (Call::LogOut, _) => {
                    ledger.lock().changes(life, true);
                    let _ = auth.log_out().await;
                    return;
                }
                (Call::Set, _) => {
                    ledger.lock().changes(life, false);
                    let credentials = provider.elsewhere(clock.now());
                    ledger.lock().sees(life, &credentials);
                    let _ = auth.set_credentials(credentials).await;
                    return;
                }
            };
            match &result {
                Ok(credentials) => {
                    ledger.lock().handed_out(life, credentials, clock.now());
                    *last.used.lock().unwrap() = Some(credentials.clone());
                }
                Err(error) => ledger.lock().note(format!("{life:?} gets {:?}: {error}", error.kind())),
            }
            *last.result.lock().unwrap() = Some(result);
        };
        self.calls.push(self.runtime.spawn(task));
        self.run(Duration::ZERO);
    }

    /// Runs until this time of the monotonic clock.
    pub fn run_until(&mut self, until: Duration) {
        self.run(until.saturating_sub(self.now));
        self.now = self.now.max(until);
    }

    fn run(&self, by: Duration) {
        self.runtime.block_on(async {
            if by.is_zero() {
                for _ in 0..16 {
                    tokio::task::yield_now().await;
                }
            } else {
                tokio::time::sleep(by).await;
            }
        });
    }

    pub fn settle(&self) {
        self.run(Duration::ZERO);
    }

    /// Has stood still until now.
    pub fn go_on(&mut self, now: Duration) {
        self.runtime.block_on(tokio::time::advance(now.saturating_sub(self.now)));
        self.now = now;
    }

    /// Whether nothing happens here while time passes.
    pub fn is_idle(&self) -> bool {
        self.runtime.metrics().num_alive_tasks() == 0
    }

    pub fn waits(&self) -> bool {
        self.calls.iter().any(|call| !call.is_finished())
    }

    pub fn kill(self) {
        self.clock.stop(self.runtime);
    }

    pub fn login_required(&self) -> bool {
        matches!(&*self.last.result.lock().unwrap(), Some(Err(error)) if error.kind() == ErrorKind::LoginRequired)
    }
}

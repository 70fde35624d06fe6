//! Runs a program.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use reauth::{Authenticator, Credentials, Timing};
use tokio::task::JoinHandle;

use super::ledger::{Ledger, most};
use super::program::{CALLERS, HAMMER, Response, Setup, Step, StoreMode};
use super::provider::Provider;
use super::store::Store;
use crate::conformance::next_entry;
use crate::support::clock::TestClock;

/// The promises that the program found broken.
pub fn run(setup: &Setup, steps: &[Step]) -> Vec<String> {
    // The authenticator's random waits are drawn from this thread's generator.
    fastrand::seed(setup.jitter.unwrap_or(0));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(setup);
        for (number, step) in steps.iter().enumerate() {
            world.take(step).await;
            if world.is_broken(|| format!("after step {number}, {step:?}")) {
                return world.broken();
            }
        }
        world.heal().await;
        world.broken()
    })
}

struct World {
    setup: Setup,
    ledger: Ledger,
    provider: Provider,
    store: Store,
    auth: Authenticator,
    callers: Vec<Caller>,
    /// Log-outs and log-ins elsewhere that wait for the store.
    writers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Caller {
    call: Option<JoinHandle<()>>,
    last: Arc<Mutex<Option<Credentials>>>,
}

#[derive(Clone, Copy)]
enum Call {
    Get,
    Refresh,
    Unauthorized,
}

impl World {
    fn new(setup: &Setup) -> Self {
        let ledger = Ledger::new(TestClock::new());
        let provider = Provider::new(ledger.clone(), setup.clone());
        let store = Store::new(ledger.clone());
        let observer = ledger.clone();
        let timing =
            if setup.jitter.is_some() { Timing::default() } else { Timing::default().without_jitter() };
        let builder = Authenticator::builder(provider.clone())
            .clock(ledger.clock.clone())
            .timing(timing)
            .observer(move |event| observer.observes(event));
        let builder = if setup.store { builder.store(store.clone()) } else { builder };
        Self {
            setup: setup.clone(),
            ledger,
            provider,
            store,
            auth: builder.build(),
            callers: (0..=CALLERS).map(|_| Caller::default()).collect(),
            writers: Vec::new(),
        }
    }

    async fn take(&mut self, step: &Step) {
        match *step {
            Step::Get(caller) => self.call(caller, Call::Get),
            Step::Refresh(caller) => self.call(caller, Call::Refresh),
            Step::Unauthorized(caller) => self.call(caller, Call::Unauthorized),
            Step::Cancel(caller) => self.callers[caller].call.take().iter().for_each(JoinHandle::abort),
            Step::Respond(response) => self.provider.respond(response),
            Step::Always(response) => self.provider.always(Some(response)),
            Step::Ask => self.provider.always(None),
            Step::Clear => self.clear(),
            Step::Set => self.set(),
            Step::OtherProcess => self.other_process(),
            Step::Store(mode) => self.store.set(mode),
            Step::Advance(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
            Step::Jump(seconds) => {
                self.ledger.outside();
                let by = Duration::from_secs(seconds.unsigned_abs());
                match seconds > 0 {
                    true => self.ledger.clock.jump_forward(by),
                    false => self.ledger.clock.jump_back(by),
                }
            }
            Step::Hammer { seconds, response, unauthorized } => {
                self.hammer(seconds, response, unauthorized).await
            }
        }
        quiet().await;
    }

    fn call(&mut self, caller: usize, call: Call) {
        let Caller { call: pending, last } = &mut self.callers[caller];
        if pending.as_ref().is_some_and(|pending| !pending.is_finished()) {
            return;
        }
        let (auth, ledger, last) = (self.auth.clone(), self.ledger.clone(), last.clone());
        let has_store = self.setup.store;
        *pending = Some(tokio::spawn(async move {
            let result = match call {
                Call::Get => {
                    let result = auth.credentials().await;
                    result.inspect_err(|error| ledger.failed(error))
                }
                Call::Refresh => {
                    ledger.outside();
                    auth.refresh().await
                }
                Call::Unauthorized => {
                    let used = last.lock().unwrap().clone();
                    match used {
                        Some(used) => unauthorized(&auth, &ledger, &used).await,
                        None => return,
                    }
                }
            };
            if let Ok(credentials) = result {
                ledger.handed_out(&credentials, has_store);
                *last.lock().unwrap() = Some(credentials);
            }
        }));
    }

    fn clear(&mut self) {
        let (auth, ledger) = (self.auth.clone(), self.ledger.clone());
        self.writers.push(tokio::spawn(async move {
            ledger.clears(true);
            if auth.log_out().await.is_ok() {
                ledger.check_store();
            }
        }));
    }

    fn set(&mut self) {
        let (auth, ledger, provider) = (self.auth.clone(), self.ledger.clone(), self.provider.clone());
        self.writers.push(tokio::spawn(async move {
            ledger.clears(false);
            let credentials = provider.elsewhere(None);
            ledger.receives(&credentials, false);
            // They are in use before they are written, because the program set them.
            ledger.written(&credentials);
            let _stored = auth.set_credentials(credentials).await;
        }));
    }

    fn other_process(&self) {
        if !self.setup.store {
            return;
        }
        let stored = self.ledger.lock().stored();
        let refresh_token = stored.as_ref().and_then(Credentials::refresh_token);
        let family = refresh_token.and_then(|token| self.ledger.spend(token, true));
        let credentials = self.provider.elsewhere(family);
        // It was in the store before it was found.
        self.ledger.written(&credentials);
        self.ledger.outside();
        let mut state = self.ledger.lock();
        let wall = state.store_wall(&credentials).expect("it has a lifetime");
        let written =
            next_entry(state.entry.as_ref(), credentials.with_expires_at(wall)).expect("it is an entry");
        state.entry = Some(written);
    }

    async fn hammer(&mut self, seconds: u64, response: Response, unauthorized: bool) {
        self.provider.always(Some(response));
        quiet().await;
        let before = self.ledger.requests();
        let rejected = unauthorized || self.ledger.comes_back_rejected(response);
        for tick in 0..seconds * 20 {
            let call = if unauthorized && tick % 2 == 1 { Call::Unauthorized } else { Call::Get };
            self.call(HAMMER, call);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let requests = self.ledger.requests() - before;
        let most = most(response, rejected, seconds, &self.setup);
        if self.setup.jitter.is_none() && requests as f64 > most {
            self.ledger.lock().broken.push(format!("R10: {requests} requests, and {most} are the most"));
        }
    }

    /// No caller waits forever. When all faults are over, the next call succeeds.
    async fn heal(&mut self) {
        tokio::time::sleep(Duration::from_secs(200)).await;
        let calls = self.callers.iter().filter_map(|caller| caller.call.as_ref()).chain(&self.writers);
        if calls.filter(|call| !call.is_finished()).count() > 0 {
            self.ledger.lock().broken.push("R7: somebody waits for ever".into());
            return;
        }
        self.provider.always(Some(Response::Rotated));
        self.store.set(StoreMode::Works);
        // The longest back-off.
        tokio::time::sleep(Duration::from_secs(301)).await;
        let must_succeed = self.setup.login || self.ledger.can_refresh();
        self.callers[0].last.lock().unwrap().take();
        self.call(0, Call::Get);
        tokio::time::sleep(Duration::from_secs(1)).await;
        if must_succeed && self.callers[0].last.lock().unwrap().is_none() {
            self.ledger.lock().broken.push("F22: all is well, and the call fails".into());
        }
        if must_succeed {
            // What the store could not save or forget before, the next write makes up for.
            self.call(0, Call::Refresh);
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.ledger.check_store();
        }
        self.ledger.check_orphans();
        if self.setup.jitter.is_none() {
            self.ledger.check_rate();
        }
    }

    fn is_broken(&self, at: impl FnOnce() -> String) -> bool {
        let broken = &mut self.ledger.lock().broken;
        if !broken.is_empty() {
            broken.push(at());
        }
        !broken.is_empty()
    }

    fn broken(&self) -> Vec<String> {
        self.ledger.lock().broken.clone()
    }
}

/// Reports a 401. Whether the report counts is known at once.
async fn unauthorized(
    auth: &Authenticator,
    ledger: &Ledger,
    used: &Credentials,
) -> Result<Credentials, reauth::Error> {
    let before = ledger.rejections();
    let mut report = pin!(auth.reject(used));
    let first = poll_fn(|context| Poll::Ready(report.as_mut().poll(context))).await;
    let at_once = match &first {
        Poll::Ready(Err(error)) => Some(error),
        _ => None,
    };
    ledger.unauthorized(used, at_once, ledger.rejections() > before);
    match first {
        Poll::Ready(result) => result,
        Poll::Pending => report.await,
    }
}

/// Lets every task run until all of them wait.
async fn quiet() {
    for _ in 0..30 {
        tokio::task::yield_now().await;
    }
}

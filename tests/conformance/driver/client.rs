//! The client of one process: an authenticator, its callers, and a runtime in paused time. The callers' futures are polled
//! here and not in tasks, because they must outlive the runtime that runs a flight.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use reauth::clock::Clock as _;
use reauth::{Authenticator, Credentials, Error, Timing};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::calls::Calls;
use super::clock::DrivenClock;
use super::outcome::{event_of, outcome_of};
use super::source::Source;
use super::store::Store;
use super::tokens::{credentials_of, seconds};

/// How often the tasks run after a message: many more times than any chain of steps needs.
const TURNS: usize = 32;

type Came = Result<Option<Credentials>, Error>;

type Calling = Pin<Box<dyn Future<Output = Came>>>;

pub struct Client {
    callers: Vec<(String, Calling)>,
    authenticator: Authenticator,
    store: Option<Store>,
    calls: Calls,
    clock: DrivenClock,
    runtime: Option<Runtime>,
    /// How far the clocks are behind after a standstill.
    standstill: Duration,
    /// The first credentials that were handed out with each access token.
    given: BTreeMap<String, Credentials>,
}

impl Client {
    pub fn start(message: &Value) -> Result<Self, String> {
        let (setup, calls) = (&message["setup"], Calls::default());
        let time = |key: &str| message[key].as_u64().ok_or_else(|| format!("`{key}` is no time"));
        let clock = DrivenClock::new(time("mono")?, time("wall")?);
        let store = setup.get("store").map(|store| Store::new(calls.clone(), store));
        let events = calls.clone();
        let mut builder = Authenticator::builder(Source::new(calls.clone(), setup)?)
            .clock(clock.clone())
            .timing(timing_of(&setup["timing"]))
            .observer(move |event| events.note(event_of(event)));
        if let Some(store) = &store {
            builder = builder.store(store.clone());
        }
        if setup["refresh_without_store"] == true {
            builder = builder.refresh_without_store();
        }
        let authenticator = builder.build();
        let runtime = Some(clock.start());
        let (callers, standstill, given) = (Vec::new(), Duration::ZERO, BTreeMap::new());
        Ok(Self { callers, authenticator, store, calls, clock, runtime, standstill, given })
    }

    pub fn act(&mut self, message: &Value) -> Result<(), String> {
        let caller = message["caller"].as_str().unwrap_or_default().to_owned();
        match message["do"].as_str().unwrap_or_default() {
            "get" => self.call(caller, |auth| async move { auth.credentials().await.map(Some) }),
            "refresh" => self.call(caller, |auth| async move { auth.refresh().await.map(Some) }),
            "unauthorized" => {
                let used = message["access"].as_str().and_then(|access| self.given.get(access)).cloned();
                let used = used.ok_or("no caller got this token")?;
                self.call(caller, |auth| async move { auth.reject(&used).await.map(Some) });
            }
            "cancel" => self.callers.retain(|(name, _)| *name != caller),
            "log_out" => self.call(caller, |auth| async move { auth.log_out().await.map(|()| None) }),
            "set_credentials" => {
                let credentials = credentials_of(&message["tokens"])?;
                self.call(
                    caller,
                    |auth| async move { auth.set_credentials(credentials).await.map(|()| None) },
                );
            }
            "answer" => {
                self.calls.answer(message["id"].as_u64().unwrap_or_default(), message["result"].clone());
            }
            "store_changed" => self.store.iter().for_each(|store| store.has_changed(message)),
            "guard_lost" => self.store.iter().for_each(Store::lose_guard),
            "wall_clock" => {
                let wall = message["wall"].as_u64().unwrap_or_default();
                self.block_on(async |this| this.clock.set_wall(wall));
            }
            "interrupt" => {
                // The callers continue on another runtime.
                self.clock.stop(self.runtime.take().unwrap());
                self.runtime = Some(self.clock.start());
            }
            "advance" => {
                let target = Duration::from_millis(message["mono"].as_u64().unwrap_or_default());
                let by = target.saturating_sub(self.monotonic());
                if message["jump"] == true {
                    self.standstill = by;
                } else {
                    self.advance(by);
                }
            }
            _ => return Err("this client has no counterpart of that".into()),
        }
        if self.standstill.is_zero() {
            self.settle();
        }
        Ok(())
    }

    pub fn reply(&mut self) -> Value {
        let mut reply = json!({
            "notes": self.calls.take_notes(),
            "mono": self.monotonic().as_millis() as u64,
        });
        if self.is_idle() {
            reply["due"] = Value::Null;
        }
        reply
    }

    fn call<F: Future<Output = Came> + 'static>(
        &mut self,
        caller: String,
        call: impl FnOnce(Authenticator) -> F,
    ) {
        self.callers.push((caller, Box::pin(call(self.authenticator.clone()))));
    }

    fn block_on<T>(&mut self, run: impl AsyncFnOnce(&mut Self) -> T) -> T {
        let runtime = self.runtime.take().unwrap();
        let result = runtime.block_on(run(self));
        self.runtime = Some(runtime);
        result
    }

    /// The monotonic clock, which follows the paused time of the runtime.
    fn monotonic(&mut self) -> Duration {
        self.block_on(async |this| this.clock.now().monotonic)
    }

    /// Runs everything until it waits for time or an answer.
    fn settle(&mut self) {
        self.block_on(async |this| {
            for _ in 0..TURNS {
                poll_fn(|context| {
                    this.poll_callers(context);
                    Poll::Ready(())
                })
                .await;
                tokio::task::yield_now().await;
            }
        });
    }

    /// Goes on until there is something for the runner, or for so long. After a standstill everything that was due
    /// meanwhile happens at once.
    fn advance(&mut self, by: Duration) {
        let standstill = std::mem::take(&mut self.standstill);
        self.block_on(async |this| {
            if !standstill.is_zero() {
                tokio::time::advance(standstill).await;
                return;
            }
            let calls = this.calls.clone();
            let (mut end, mut noted) = (pin!(tokio::time::sleep(by)), pin!(calls.noted()));
            poll_fn(|context| {
                this.poll_callers(context);
                if noted.as_mut().poll(context).is_ready() {
                    return Poll::Ready(());
                }
                end.as_mut().poll(context)
            })
            .await;
        });
    }

    fn poll_callers(&mut self, context: &mut Context<'_>) {
        let (calls, given) = (&self.calls, &mut self.given);
        self.callers.retain_mut(|(caller, call)| {
            let Poll::Ready(came) = call.as_mut().poll(context) else { return true };
            if let Ok(Some(credentials)) = &came {
                given.entry(credentials.access_token().to_owned()).or_insert_with(|| credentials.clone());
            }
            calls.note(outcome_of(caller, &came));
            false
        });
    }

    /// Whether nothing waits for time.
    fn is_idle(&mut self) -> bool {
        self.callers.is_empty()
            && self.block_on(async |this| {
                let mut settled = pin!(this.authenticator.settled());
                poll_fn(|context| Poll::Ready(settled.as_mut().poll(context).is_ready())).await
            })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.callers.clear();
        if let Some(runtime) = self.runtime.take() {
            self.clock.stop(runtime);
        }
    }
}

fn timing_of(settings: &Value) -> Timing {
    let set = |timing, key: &str, set: fn(Timing, Duration) -> Timing| match seconds(&settings[key]) {
        Some(value) => set(timing, value),
        None => timing,
    };
    // Jitter is off, so that every wait is exact.
    let timing = Timing::default().without_jitter();
    let timing = set(timing, "default_lifetime", Timing::default_lifetime);
    let timing = set(timing, "flight_deadline", Timing::flight_deadline);
    let timing = set(timing, "retry_after_max", Timing::retry_after_max);
    let timing = set(timing, "terminal_memory", Timing::terminal_memory);
    let timing = set(timing, "rejection_interval", Timing::rejection_interval);
    set(timing, "store_timeout", Timing::store_timeout)
}

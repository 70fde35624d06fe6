//! The client of one process: an authenticator, as the runner drives it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, UNIX_EPOCH};

use reauth::clock::Clock as _;
use reauth::{Authenticator, Timing};
use serde_json::{Value, json};

use super::calls::Calls;
use super::clock::{ScenarioClock, Wall};
use super::host::{Came, Host};
use super::outcome::{event_of, outcome_of};
use super::source::Source;
use super::store::Store;
use super::tokens::{credentials_of, seconds};

pub struct Client {
    host: Host,
    store: Option<Store>,
    calls: Calls,
    wall: Wall,
    clock: ScenarioClock,
    /// How far the clocks are behind after a standstill.
    standstill: Duration,
}

impl Client {
    pub fn start(message: &Value) -> Result<Self, String> {
        let (setup, calls) = (&message["setup"], Calls::default());
        let (mono, wall) = (millis(message, "mono")?, millis(message, "wall")?);
        let wall = Wall::new(wall - mono);
        let clock = ScenarioClock::new(wall.clone(), mono);
        let store = setup.get("store").map(|store| Store::new(calls.clone(), store));
        let (events, got) = (calls.clone(), calls.clone());
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
        let came = move |caller: &str, came: &Came| got.note(outcome_of(caller, came));
        let host = Host::new(builder.build(), clock.clone(), came);
        Ok(Self { host, store, calls, wall, clock, standstill: Duration::ZERO })
    }

    pub fn act(&mut self, message: &Value) -> Result<(), String> {
        let caller = message["caller"].as_str().unwrap_or_default();
        match message["do"].as_str().unwrap_or_default() {
            "get" => self.host.get(caller),
            "refresh" => self.host.refresh(caller),
            "unauthorized" => {
                let access = message["access"].as_str().unwrap_or_default();
                self.host.reject(caller, |given| given.access_token() == access)?;
            }
            "cancel" => self.host.cancel(caller)?,
            "log_out" => self.host.log_out(caller),
            "set_credentials" => self.host.set_credentials(caller, credentials_of(&message["tokens"])?),
            "answer" => {
                self.calls.answer(message["id"].as_u64().unwrap_or_default(), message["result"].clone());
            }
            "store_changed" => self.store.iter().for_each(|store| store.has_changed(message)),
            "guard_lost" => self.store.iter().for_each(Store::lose_guard),
            "wall_clock" => self.set_wall(millis(message, "wall")?),
            "interrupt" if message["request"] == "goes_on" => self.host.stand_still(),
            "interrupt" => self.host.interrupt(),
            "advance" => {
                let by = millis(message, "mono")?.saturating_sub(self.monotonic());
                if message["jump"] == true {
                    self.standstill = by;
                } else {
                    self.advance(by);
                }
            }
            _ => return Err("this client has no counterpart of that".into()),
        }
        if self.standstill.is_zero() {
            self.host.settle();
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

    /// Goes on until there is something for the runner, or for so long. After a standstill everything that was due
    /// meanwhile happens at once.
    fn advance(&mut self, by: Duration) {
        let standstill = std::mem::take(&mut self.standstill);
        if standstill.is_zero() {
            let calls = self.calls.clone();
            self.host.advance(by, async move { calls.noted().await });
        } else {
            self.host.go_on(standstill);
        }
    }

    /// The monotonic clock, which follows the paused time of the runtime.
    fn monotonic(&mut self) -> Duration {
        let clock = self.clock.clone();
        self.host.block_on(async |_| clock.now().monotonic)
    }

    fn set_wall(&mut self, since_1970: Duration) {
        let clock = self.clock.clone();
        let now = self.host.block_on(async |_| clock.now().wall);
        match (UNIX_EPOCH + since_1970).duration_since(now) {
            Ok(forward) => self.wall.jump(false, forward),
            Err(back) => self.wall.jump(true, back.duration()),
        }
    }

    /// Whether nothing waits for time.
    fn is_idle(&mut self) -> bool {
        self.host.waiting().next().is_none()
            && self.host.block_on(async |host| {
                let mut settled = pin!(host.authenticator.settled());
                poll_fn(|context| Poll::Ready(settled.as_mut().poll(context).is_ready())).await
            })
    }
}

fn millis(message: &Value, key: &str) -> Result<Duration, String> {
    message[key].as_u64().map(Duration::from_millis).ok_or_else(|| format!("`{key}` is no time"))
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

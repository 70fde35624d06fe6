//! A client made of the pure machine alone: it does what `State` and `step` say, as the authenticator does, but
//! in one thread, at once, and with a clock that is a number.

mod act;

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use super::outside::{Reply, Source, Store, StoreCall, StoreResult};
use super::suite::{
    Answer, Call, Outcome, START, Seen, Setup, answer_of, credentials_of, outcome_of, stored_of, timing_of,
};
use crate::clock::Reading;
use crate::machine::flight::{Input, Step};
use crate::machine::state::{State, Verdict};
use crate::{Credentials, Error, Timing};

pub(super) struct Machine {
    state: State,
    timing: Timing,
    now: Reading,
    source: Source,
    store: Option<Store>,
    flight: Option<Airborne>,
    /// The request that was given up last, and when it was sent.
    abandoned: Option<(u64, Reading)>,
    waiters: Vec<Waiter>,
    own_call: Option<OwnCall>,
    /// The generation in which each access token was first handed out.
    given: BTreeMap<String, u64>,
    seen: Seen,
}

/// The flight in the air and what it is at.
struct Airborne {
    id: u64,
    deadline: Duration,
    doing: Doing,
}

enum Doing {
    Moving,
    Asking { sent: Reading },
    Storing { call: StoreCall, until: Duration },
    Waiting { until: Duration },
}

struct Waiter {
    caller: String,
    flight: u64,
    /// Waits for the end of the flight, whatever is in hand.
    to_the_end: bool,
}

/// A store call outside any flight, which a caller waits for.
struct OwnCall {
    caller: String,
    call: StoreCall,
    until: Duration,
}

impl Machine {
    pub(super) fn new(setup: &Setup) -> Result<Self, String> {
        let timing = timing_of(setup);
        let now = Reading { monotonic: Duration::ZERO, wall: UNIX_EPOCH + Duration::from_secs(START) };
        let store = Store::of(setup)?;
        let mut state = State::new(timing.clone(), store.is_some());
        if let Some(initial) = &setup.initial {
            state.start_with(credentials_of(initial)?, now);
        }
        Ok(Self {
            state,
            timing,
            now,
            source: Source::of(setup),
            store,
            flight: None,
            abandoned: None,
            waiters: Vec::new(),
            own_call: None,
            given: BTreeMap::new(),
            seen: Seen::default(),
        })
    }

    fn get(&mut self, caller: &str) -> Result<(), String> {
        let warm = self.state.snapshot(self.now).map(|(held, _)| held.generation);
        let verdict = self.state.need(self.now);
        // The warm path asks nobody: what it would hand out must be what the machine says.
        if let Some(warm) = warm {
            match &verdict {
                Verdict::Use(held) if held.generation == warm => {}
                _ => return Err("the snapshot would have handed out what the machine does not".into()),
            }
        }
        self.follow(caller, false, verdict)
    }

    /// What a caller does with a verdict.
    fn follow(&mut self, caller: &str, to_the_end: bool, verdict: Verdict) -> Result<(), String> {
        let waiter = |flight| Waiter { caller: caller.to_owned(), flight, to_the_end };
        match verdict {
            Verdict::Use(held) => self.hand_out(caller, &held.credentials, held.generation),
            Verdict::UseAndRun(held, flight) => {
                self.hand_out(caller, &held.credentials, held.generation);
                self.run(flight)?;
            }
            Verdict::Join(flight) => self.waiters.push(waiter(flight)),
            Verdict::Run(flight) => {
                self.waiters.push(waiter(flight));
                self.run(flight)?;
            }
            Verdict::Fail(error) => self.got(caller, outcome_of(Err(&error))),
        }
        Ok(())
    }

    fn hand_out(&mut self, caller: &str, credentials: &Credentials, generation: u64) {
        self.given.entry(stored_of(credentials).access).or_insert(generation);
        self.got(caller, outcome_of(Ok(credentials)));
    }

    fn got(&mut self, caller: &str, outcome: Outcome) {
        self.seen.got.push((caller.to_owned(), outcome));
    }

    fn run(&mut self, id: u64) -> Result<(), String> {
        if self.flight.is_some() {
            return Err("two flights in the air".into());
        }
        let deadline = self.now.monotonic + self.timing.flight_deadline;
        self.flight = Some(Airborne { id, deadline, doing: Doing::Moving });
        self.drive(id, Input::Begin)
    }

    /// Moves the flight on until it has to wait for something.
    fn drive(&mut self, id: u64, first: Input) -> Result<(), String> {
        let mut input = Some(first);
        while let Some(next) = input.take() {
            input = match self.state.step(id, next, self.now) {
                Step::Load => self.flight_calls(id, StoreCall::Load)?,
                Step::Forget => self.flight_calls(id, StoreCall::Clear)?,
                Step::Save(credentials) => self.flight_calls(id, StoreCall::Save(credentials))?,
                Step::Login if !self.source.can_login => self.unsupported(),
                Step::Login => self.ask(id, Call::Login)?,
                Step::Refresh(_) if !self.source.can_refresh => self.unsupported(),
                Step::Refresh(held) => {
                    self.ask(id, Call::Refresh(held.refresh_token().unwrap_or_default().to_owned()))?
                }
                Step::Wait(wait) => {
                    self.now_doing(Doing::Waiting { until: self.now.monotonic + wait });
                    self.nudge()?;
                    None
                }
                Step::Done(outcome) => {
                    self.over(id, outcome)?;
                    None
                }
                Step::Stop => return Err("the flight in the air was told to stop".into()),
            };
        }
        Ok(())
    }

    fn unsupported(&self) -> Option<Input> {
        Some(Input::Answered(self.now, Err(Error::unsupported("the scenario's source can't"))))
    }

    fn ask(&mut self, id: u64, call: Call) -> Result<Option<Input>, String> {
        self.seen.calls.push(call);
        match self.source.standing.clone() {
            Some(answer) => self.answered(id, self.now, &answer),
            None => {
                self.now_doing(Doing::Asking { sent: self.now });
                Ok(None)
            }
        }
    }

    /// What the flight is told of an answer; nothing after a panic, which ends it.
    fn answered(&mut self, id: u64, sent: Reading, answer: &Answer) -> Result<Option<Input>, String> {
        match answer_of(answer)? {
            Some(answer) => Ok(Some(Input::Answered(sent, answer))),
            None => {
                self.cut_off(id, "the source panicked")?;
                Ok(None)
            }
        }
    }

    fn flight_calls(&mut self, id: u64, call: StoreCall) -> Result<Option<Input>, String> {
        if self.own_call.is_some() {
            return Err("two calls of the store at a time".into());
        }
        match self.store_call(&call) {
            Reply::Now(result) => Ok(Some(call.input(result))),
            Reply::Later => {
                self.now_doing(Doing::Storing {
                    call,
                    until: self.now.monotonic + self.timing.store_timeout,
                });
                Ok(None)
            }
            Reply::Panic => {
                self.cut_off(id, "the store panicked")?;
                Ok(None)
            }
        }
    }

    fn store_call(&mut self, call: &StoreCall) -> Reply<StoreResult> {
        self.seen.calls.push(call.seen());
        match &mut self.store {
            Some(store) => store.call(call),
            None => Reply::Now(Err(Error::store("a store was called, and there is none"))),
        }
    }

    fn now_doing(&mut self, doing: Doing) {
        if let Some(flight) = &mut self.flight {
            flight.doing = doing;
        }
    }

    /// An attempt has failed: who holds a valid token need not wait for the next.
    fn nudge(&mut self) -> Result<(), String> {
        if self.state.usable(self.now).is_none() {
            return Ok(());
        }
        let (woken, asleep) = std::mem::take(&mut self.waiters).into_iter().partition(|w| !w.to_the_end);
        self.waiters = asleep;
        self.settle(woken, Ok(()))
    }

    /// The flight is over: its waiters look at what there is now.
    fn over(&mut self, id: u64, outcome: Result<(), Error>) -> Result<(), String> {
        self.abandon();
        let (woken, others) = std::mem::take(&mut self.waiters).into_iter().partition(|w| w.flight == id);
        self.waiters = others;
        self.settle(woken, outcome)
    }

    fn settle(&mut self, waiters: Vec<Waiter>, outcome: Result<(), Error>) -> Result<(), String> {
        for Waiter { caller, to_the_end, flight, .. } in waiters {
            let verdict = match (to_the_end, outcome.clone()) {
                (true, Err(error)) => Verdict::Fail(error),
                (_, outcome) => self.state.settle(flight, outcome, self.now),
            };
            self.follow(&caller, false, verdict)?;
        }
        Ok(())
    }

    /// Whoever runs the flight is gone.
    fn cut_off(&mut self, id: u64, why: &'static str) -> Result<(), String> {
        let outcome = self.state.interrupt(id, Error::transient(why), self.now);
        self.over(id, outcome.ok_or("there was no flight to cut off")?)
    }

    /// Forgets what the flight was at; its request, if one was out, is remembered for a late answer.
    fn abandon(&mut self) -> Option<u64> {
        let flight = self.flight.take()?;
        if let Doing::Asking { sent } = flight.doing {
            self.abandoned = Some((flight.id, sent));
        }
        Some(flight.id)
    }
}

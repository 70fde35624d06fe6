//! The actions of a scenario, carried out on the machine; and time, which goes on from timer to timer.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::outside::{Reply, StoreCall};
use super::super::suite::{
    Action, Answer, Client, Outcome, Seen, Stored, answer_of, credentials_of, outcome_of, stored_of, told_of,
};
use super::{Doing, Machine, OwnCall};
use crate::machine::flight::{Input, Step};
use crate::{Credentials, Error};

impl Client for Machine {
    fn act(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Get { caller } => self.get(caller)?,
            Action::Refresh { caller } => {
                let verdict = self.state.refresh(self.now);
                self.follow(caller, true, verdict)?;
            }
            Action::Unauthorized { caller, token } => {
                // The earliest generation with this token: the one that an old request may have carried.
                let generation = self.given.get(token).copied();
                let generation = generation.ok_or_else(|| format!("nobody was given {token}"))?;
                let verdict = self.state.reject(generation, self.now);
                self.follow(caller, false, verdict)?;
            }
            Action::Cancel { caller } => {
                let before = self.waiters.len();
                self.waiters.retain(|waiter| waiter.caller != *caller);
                if self.waiters.len() == before {
                    return Err(format!("{caller} does not wait"));
                }
            }
            Action::LogOut { caller } => self.clear(caller)?,
            Action::SetCredentials { caller, tokens } => self.set(caller, credentials_of(tokens)?)?,
            Action::Loop { .. } => return Err("a loop is played step by step".into()),
            Action::Respond(answer) => self.respond(answer)?,
            Action::RespondLate(answer) => self.respond_late(answer)?,
            Action::RespondToAll(answer) => self.source.standing = answer.clone(),
            Action::Advance(by) => self.advance(*by)?,
            Action::WallClockJump { back: true, by } => self.now.wall -= *by,
            Action::WallClockJump { back: false, by } => self.now.wall += *by,
            Action::StoreChanged(tokens) => {
                let holds = tokens.as_ref().map(credentials_of).transpose()?;
                self.store.as_mut().ok_or("there is no store")?.holds = holds;
            }
            Action::StoreBehaves { operation, manner } => {
                self.store.as_mut().ok_or("there is no store")?.behave(*operation, *manner);
            }
            Action::StoreResponds => self.store_answers()?,
            Action::Interrupt => {
                let flight = self.flight.as_ref().map(|flight| flight.id);
                self.cut_off(flight.ok_or("there is no flight to interrupt")?, "the runtime is gone")?;
            }
        }
        self.seen.events.extend(self.state.events.drain(..).map(|event| told_of(&event)));
        Ok(())
    }

    fn seen(&mut self) -> Seen {
        std::mem::take(&mut self.seen)
    }

    fn waiting(&self) -> BTreeSet<String> {
        let own = self.own_call.iter().map(|own| own.caller.clone());
        self.waiters.iter().map(|waiter| waiter.caller.clone()).chain(own).collect()
    }

    fn stored(&self) -> Option<Stored> {
        self.store.as_ref()?.holds.as_ref().map(stored_of)
    }
}

impl Machine {
    fn respond(&mut self, answer: &Answer) -> Result<(), String> {
        let flight = self.flight.as_mut().ok_or("there is no request to answer")?;
        let Doing::Asking { sent } = flight.doing else { return Err("there is no request to answer".into()) };
        flight.doing = Doing::Moving;
        let id = flight.id;
        match self.answered(id, sent, answer)? {
            Some(input) => self.drive(id, input),
            None => Ok(()),
        }
    }

    /// The answer to a request that was given up: nothing may come of it.
    fn respond_late(&mut self, answer: &Answer) -> Result<(), String> {
        let (id, sent) = self.abandoned.take().ok_or("no request was given up")?;
        let answer = answer_of(answer)?.ok_or("a request that was given up can't panic")?;
        match self.state.step(id, Input::Answered(sent, answer), self.now) {
            Step::Stop => Ok(()),
            _ => Err("the answer to a request that was given up was taken".into()),
        }
    }

    fn clear(&mut self, caller: &str) -> Result<(), String> {
        self.state.log_out();
        let ended = self.abandon();
        if self.store.is_some() {
            self.own_call(caller, StoreCall::Clear)?;
        } else {
            self.got(caller, Outcome::Done);
        }
        match ended {
            Some(flight) => self.over(flight, Err(Error::login_required("cleared"))),
            None => Ok(()),
        }
    }

    fn set(&mut self, caller: &str, credentials: Credentials) -> Result<(), String> {
        let held = self.state.set(credentials, self.now);
        let ended = self.abandon();
        if self.store.is_some() {
            self.state.writes(&held.credentials);
            self.own_call(caller, StoreCall::Save(held.credentials.clone()))?;
        } else {
            self.got(caller, Outcome::Done);
        }
        match ended {
            Some(flight) => self.over(flight, Ok(())),
            None => Ok(()),
        }
    }

    fn own_call(&mut self, caller: &str, call: StoreCall) -> Result<(), String> {
        if self.own_call.is_some() {
            return Err("two calls of the store at a time".into());
        }
        match self.store_call(&call) {
            Reply::Now(result) => self.own_call_over(caller, &call, result.map(|_| ())),
            Reply::Later => {
                let until = self.now.monotonic + self.timing.store_timeout;
                self.own_call = Some(OwnCall { caller: caller.to_owned(), call, until });
            }
            Reply::Panic => return Err("a store that panics in a caller's own call".into()),
        }
        Ok(())
    }

    fn own_call_over(&mut self, caller: &str, call: &StoreCall, result: Result<(), Error>) {
        if result.is_ok() {
            self.state.wrote(match call {
                StoreCall::Save(credentials) => Some(credentials.clone()),
                StoreCall::Load | StoreCall::Clear => None,
            });
        }
        let outcome = result.map_or_else(|error| outcome_of(Err(&error)), |()| Outcome::Done);
        self.got(caller, outcome);
    }

    fn store_answers(&mut self) -> Result<(), String> {
        let store = self.store.as_mut().ok_or("there is no store")?;
        if let Some(own) = self.own_call.take() {
            let result = store.work(&own.call).map(|_| ());
            self.own_call_over(&own.caller, &own.call, result);
            return Ok(());
        }
        let flight = self.flight.as_mut().ok_or("the store was not called")?;
        match std::mem::replace(&mut flight.doing, Doing::Moving) {
            Doing::Storing { call, .. } => {
                let (id, result) = (flight.id, store.work(&call));
                self.drive(id, call.input(result))
            }
            _ => Err("the store was not called".into()),
        }
    }

    /// Both clocks go on. What is due on the way happens at its time.
    fn advance(&mut self, by: Duration) -> Result<(), String> {
        let target = self.now.monotonic + by;
        while let Some(due) = self.next_timer().filter(|due| *due <= target) {
            self.now = self.now.after(due.saturating_sub(self.now.monotonic));
            self.fire()?;
        }
        self.now = self.now.after(target - self.now.monotonic);
        Ok(())
    }

    fn next_timer(&self) -> Option<Duration> {
        let flight = self.flight.as_ref().and_then(|flight| match &flight.doing {
            Doing::Asking { .. } => Some(flight.deadline),
            Doing::Storing { until, .. } | Doing::Waiting { until } => Some(*until),
            Doing::Moving => None,
        });
        flight.into_iter().chain(self.own_call.as_ref().map(|own| own.until)).min()
    }

    fn fire(&mut self) -> Result<(), String> {
        let too_late = || Error::store("the scenario's store did not answer in time");
        if let Some(own) = self.own_call.take_if(|own| own.until <= self.now.monotonic) {
            self.own_call_over(&own.caller, &own.call, Err(too_late()));
            return Ok(());
        }
        let Some(flight) = &mut self.flight else { return Ok(()) };
        let id = flight.id;
        match std::mem::replace(&mut flight.doing, Doing::Moving) {
            Doing::Asking { sent } => {
                self.abandoned = Some((id, sent));
                self.drive(id, Input::Answered(sent, Err(Error::transient("no answer before the deadline"))))
            }
            Doing::Storing { call, .. } => self.drive(id, call.input(Err(too_late()))),
            Doing::Waiting { .. } => self.drive(id, Input::Waited),
            Doing::Moving => Err("the flight stands still".into()),
        }
    }
}

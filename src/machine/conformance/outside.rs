//! What the machine deals with: the source and the store of a scenario. They answer at once, or not at all.

use super::suite::{Answer, Call, Manner, Operation, Setup, credentials_of, stored_of};
use crate::machine::flight::Input;
use crate::{Credentials, Error};

/// What came of a call to the outside.
pub(super) enum Reply<T> {
    Now(T),
    /// Not before the scenario says so, or the time limit is over.
    Later,
    Panic,
}

pub(super) struct Store {
    pub(super) holds: Option<Credentials>,
    load: Manner,
    save: Manner,
    clear: Manner,
}

impl Store {
    pub(super) fn of(setup: &Setup) -> Result<Option<Self>, String> {
        let Some(holds) = &setup.store else { return Ok(None) };
        let holds = holds.as_ref().map(credentials_of).transpose()?;
        Ok(Some(Self { holds, load: Manner::Works, save: Manner::Works, clear: Manner::Works }))
    }

    pub(super) fn behave(&mut self, operation: Operation, manner: Manner) {
        *self.manner(operation) = manner;
    }

    /// Does what the call says, in the manner that the scenario says.
    pub(super) fn call(&mut self, call: &StoreCall) -> Reply<StoreResult> {
        match *self.manner(call.operation()) {
            Manner::Works => Reply::Now(self.work(call)),
            Manner::Fails => Reply::Now(Err(Error::store("the scenario's store fails"))),
            Manner::Hangs => Reply::Later,
            Manner::Panics => Reply::Panic,
        }
    }

    pub(super) fn work(&mut self, call: &StoreCall) -> StoreResult {
        match call {
            StoreCall::Load => return Ok(self.holds.clone()),
            StoreCall::Save(credentials) => self.holds = Some(credentials.clone()),
            StoreCall::Clear => self.holds = None,
        }
        Ok(None)
    }

    fn manner(&mut self, operation: Operation) -> &mut Manner {
        match operation {
            Operation::Load => &mut self.load,
            Operation::Save => &mut self.save,
            Operation::Clear => &mut self.clear,
        }
    }
}

/// What was loaded; nothing after another call.
pub(super) type StoreResult = Result<Option<Credentials>, Error>;

#[derive(Clone)]
pub(super) enum StoreCall {
    Load,
    Save(Credentials),
    Clear,
}

impl StoreCall {
    pub(super) fn seen(&self) -> Call {
        match self {
            Self::Load => Call::Load,
            Self::Save(credentials) => Call::Save(stored_of(credentials)),
            Self::Clear => Call::Clear,
        }
    }

    pub(super) fn input(&self, result: StoreResult) -> Input {
        match self {
            Self::Load => Input::Loaded(result),
            Self::Save(_) => Input::Saved(result.map(|_| ())),
            Self::Clear => Input::Forgot(result.map(|_| ())),
        }
    }

    fn operation(&self) -> Operation {
        match self {
            Self::Load => Operation::Load,
            Self::Save(_) => Operation::Save,
            Self::Clear => Operation::Clear,
        }
    }
}

/// The identity provider and the source in front of it.
pub(super) struct Source {
    pub(super) can_login: bool,
    pub(super) can_refresh: bool,
    /// What every request is answered with, at once.
    pub(super) standing: Option<Answer>,
}

impl Source {
    pub(super) fn of(setup: &Setup) -> Self {
        Self { can_login: setup.can_login, can_refresh: setup.can_refresh, standing: None }
    }
}

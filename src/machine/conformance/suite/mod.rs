//! The scenarios of `tests/conformance`: their types, a strict reader, and the code that runs one with a client.
//!
//! Both runners include this folder: that of the machine (a unit test) and that of the whole authenticator (in
//! `tests/it`). Their module `api` imports the types of this crate, as `crate::…` or as `reauth::…`.

mod action;
mod amount;
mod expect;
mod form;
mod level;
mod play;
mod read;
mod scenario;
mod shelf;
mod sweep;
mod tokens;
mod translate;

use super::api;

pub(crate) use action::{Action, Manner, Operation, Response};
pub(crate) use expect::{Call, Outcome, Stored};
pub(crate) use form::Process;
pub(crate) use play::{Client, Seen, play_all};
pub(crate) use read::folder;
#[allow(unused_imports)] // The tests of the reader and of the schema use them, in the other runner.
pub(crate) use read::{NULLABLE, file};
#[allow(unused_imports)]
pub(crate) use scenario::{Scenario, Setup, Store};
pub(crate) use shelf::{Shelf, Ticket, Write};
pub(crate) use tokens::START;
#[allow(unused_imports)] // The properties use it.
pub(crate) use translate::next_entry;
pub(crate) use translate::{
    call_of, credentials_of, event_of, outcome_of, response_of, stored_of, timing_of,
};

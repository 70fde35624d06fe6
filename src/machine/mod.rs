//! The pure state machine.

mod backoff;
mod chain;
#[cfg(all(test, not(reauth_model)))]
mod conformance;
mod ending;
mod flight;
mod jitter;
mod log_out;
mod rejection;
mod shelf;
mod state;
#[cfg(test)]
mod testing;
mod windows;

pub(crate) use flight::{Input, Step};
pub(crate) use state::{Held, State, Verdict};
pub(crate) use windows::Deadline;

//! The scenarios of `tests/conformance` against the pure machine: no runtime, the clock set by hand.

mod machine;
mod nature;
mod outside;
mod processes;
mod provider;
mod store;
mod suite;

/// What the suite calls the crate under test.
mod api {
    pub(crate) use crate::store::{Entry, GuardRequest, Replaced, Version};
    pub(crate) use crate::{Credentials, Error, ErrorKind, Event, Timing};
}

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use suite::{Action, Client, Process, Seen, Stored, play_all};

/// `None` in the published package, which leaves `tests` out; the runner in `tests/it` fails where they are
/// missing.
fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    folder.exists().then_some(folder)
}

#[test]
fn every_scenario_holds_for_the_machine() -> Result<(), String> {
    let Some(folder) = folder() else { return Ok(()) };
    play_all(&folder, |scenario| processes::Processes::new(&scenario.setup))
}

/// A client that does nothing at all.
struct Idle;

impl Client for Idle {
    fn act(&mut self, _: Process, _: &Action) -> Result<(), String> {
        Ok(())
    }

    fn seen(&mut self) -> BTreeMap<Process, Seen> {
        BTreeMap::new()
    }

    fn waiting(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }

    fn stored(&self) -> Option<Stored> {
        None
    }

    fn guarded_by(&self) -> Option<Process> {
        None
    }
}

#[test]
fn no_scenario_holds_for_a_client_that_does_nothing() -> Result<(), String> {
    let Some(folder) = folder() else { return Ok(()) };
    let files = suite::folder(&folder)?;
    let scenarios = files.values().flatten().filter(|scenario| scenario.sweep.is_none()).count();
    let failures = play_all(&folder, |_| Ok(Idle)).err().unwrap_or_default();
    assert!(failures.starts_with(&format!("{scenarios} scenarios fail")), "{failures}");
    Ok(())
}

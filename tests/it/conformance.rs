//! The scenarios of `tests/conformance` against the whole authenticator, through its public API, in paused time.
//! The same files run against the machine in a unit test.

mod client;
mod clock;
mod files;
mod host;
mod processes;
mod provider;
mod schema;
mod store;
#[path = "../../src/machine/conformance/suite/mod.rs"]
mod suite;

/// What the suite calls the crate under test.
mod api {
    pub(crate) use reauth::store::{Entry, GuardRequest, Replaced, Version};
    pub(crate) use reauth::{Credentials, Error, ErrorKind, Event, Timing};
}

pub(crate) use clock::{ScenarioClock, Wall};
pub(crate) use suite::{Process, START, Shelf, Store, Ticket, Write, next_entry};

use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

#[test]
fn every_scenario_holds_for_the_authenticator() {
    suite::play_all(&folder(), |scenario| processes::Processes::new(&scenario.setup))
        .unwrap_or_else(|e| panic!("{e}"));
}

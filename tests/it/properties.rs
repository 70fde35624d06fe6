//! Random programs against the authenticator, in paused time: callers, 401s, log-outs, clocks that jump, stores
//! that fail, and a provider whose refresh tokens are good for one use, the second use revoking their family.
//!
//! What must hold after every step:
//!
//! - R1, R3, R12, R24: no token is handed out that has expired on either clock, that a 401 was reported for
//!   (unless the response to the report was "too soon", R26), or that was cleared (R17).
//! - R5: no two requests are in the air.
//! - R8: `credentials` fails only when nothing usable is held.
//! - R10, R11, R12, R26: requests are bounded, see [`ledger`].
//! - R13, R14, R15: a refresh token is sent again only when the response to it was lost, and then at most twice in
//!   a flight; never after it was refused. The store is read between a refusal and the log-in.
//! - R16: what is handed out was written to the store before, or the store failed.
//! - R6, R7: no caller waits forever. When all faults are over, the next call succeeds if a log-in is possible
//!   or a live refresh token was received.
//!
//! `PROPTEST_CASES=20000 cargo test --all-features --test it properties::` runs more of them than the default,
//! [`CASES`]. A failure prints the shortest program that fails; it goes into `scenarios` as it is.

mod ledger;
mod program;
mod provider;
mod run;
mod scenarios;
mod store;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use program::{Setup, Step};

/// How many programs a plain `cargo test` runs: enough for a few seconds.
const CASES: u32 = 256;

#[test]
fn random_programs_keep_every_promise() {
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => Config::default().cases,
        None => CASES,
    };
    // A seed tells a reader nothing, and another version of this test would not make the same program from it.
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    // The default run makes the same programs each time, to check a change. Runs with more cases look for new failures.
    let mut runner = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    if let Err(error) = runner.run(&program::program(), |(setup, steps)| check(&setup, &steps)) {
        panic!("{error}");
    }
}

fn check(setup: &Setup, steps: &[Step]) -> Result<(), TestCaseError> {
    match run::run(setup, steps) {
        violations if violations.is_empty() => Ok(()),
        violations => Err(TestCaseError::fail(violations.join("\n"))),
    }
}

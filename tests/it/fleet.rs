//! Random programs with two to four authenticators that share a store, in paused time. Each has a runtime of its own, so that
//! it can be killed or stopped at any await. The refresh tokens of the provider are good for one use. The second use ends
//! their family.
//!
//! What must hold:
//!
//! - R50, R51: no refresh token is sent again, unless the response to it was lost, its sender was killed, the store was set
//!   back, or a holder that stands still has lost the guard. Not even then while the access token is valid, except by the
//!   sender.
//! - R52: nothing older is written over something newer, and no refresh over a log-out.
//! - R17, R59: nothing of a login is handed out by a process that has seen its log-out. What a request brings after
//!   that is revoked.
//! - R1, R3: no token is handed out that has expired.
//! - When everything has calmed down, each process has a valid token, and all have that of the store, unless
//!   nobody can log in and no live refresh token is left.
//!
//! `PROPTEST_CASES=20000 cargo test --all-features --test it fleet::` runs more of them than the default, [`CASES`]. A failure
//! prints the shortest program that fails; it goes into `scenarios` as it is.

mod checks;
mod ledger;
mod lives;
mod logins;
mod member;
mod program;
mod provider;
mod run;
mod scenarios;
mod store;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use program::{Setup, Step};

/// How many programs a plain `cargo test` runs: enough for a few seconds.
const CASES: u32 = 200;

#[test]
fn r50_r51_r52_r59_random_programs_of_several_processes_keep_every_promise() {
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => Config::default().cases,
        None => CASES,
    };
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 5_000, ..Config::default() };
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

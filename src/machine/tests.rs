//! How long the warm path needs nobody: no rule of behaviour, as `need` would say the same, but each call that
//! has to ask takes the lock.

use std::time::Duration;

use super::testing::at;
use super::*;

/// Holds a token that is advisory from 75 s on, mandatory from 90 s on, and expired at 100 s.
fn holding() -> Result<State, Error> {
    let mut state = State::new(Timing::default().without_jitter(), false);
    let initial = Credentials::new("at")?.with_refresh_token("rt")?;
    state.start_with(initial.with_lifetime(Duration::from_secs(100)), at(0));
    Ok(state)
}

fn is_warm(state: &State, seconds: u64) -> bool {
    state.snapshot(at(seconds)).is_some_and(|(_, until)| !until.passed(at(seconds)))
}

/// The running flight is told that its attempt failed; the request was certainly not processed.
fn fail_once(state: &mut State, flight: u64, now: Reading) -> Step {
    state.step(&Work::Flight(flight), Input::Begin, now);
    let error = Error::transient("no connection").not_processed();
    state.step(&Work::Flight(flight), Input::Responded(now, Err(error)), now)
}

#[test]
fn a_refresh_in_the_background_leaves_the_warm_path_warm() -> Result<(), Error> {
    let mut state = holding()?;
    assert!(is_warm(&state, 74) && !is_warm(&state, 75), "somebody has to start the refresh");
    let Verdict::Use(_, Some(flight)) = state.need(Wanted::Usable, at(75)) else { unreachable!("advisory") };
    assert!(is_warm(&state, 89) && !is_warm(&state, 90), "in the mandatory window callers wait");
    // Its first attempt fails: nobody waits for the rest, and only the expiry ends that.
    assert!(matches!(fail_once(&mut state, flight, at(75)), Step::Wait(_)));
    assert!(is_warm(&state, 99) && !is_warm(&state, 100));
    Ok(())
}

#[test]
fn a_failed_refresh_leaves_the_warm_path_warm_for_its_back_off() -> Result<(), Error> {
    let mut state = holding()?;
    let Verdict::Use(_, Some(flight)) = state.need(Wanted::Usable, at(75)) else { unreachable!("advisory") };
    state.interrupt(flight, Error::transient("cut off"), at(75));
    let Verdict::Use(_, Some(flight)) = state.need(Wanted::Usable, at(75)) else {
        unreachable!("no back-off yet")
    };
    state.interrupt(flight, Error::transient("cut off again"), at(75));
    // One second.
    assert!(is_warm(&state, 75) && !is_warm(&state, 76), "somebody has to start the next");
    Ok(())
}

#[test]
fn a_fresh_token_is_warm_whatever_became_of_a_refresh() -> Result<(), Error> {
    let mut state = holding()?;
    let Verdict::Wait { flight, run: true } = state.refresh(0, at(0)).0 else {
        unreachable!("nothing is in the air")
    };
    assert!(is_warm(&state, 74));
    state.interrupt(flight, Error::transient("cut off"), at(0));
    assert!(is_warm(&state, 74) && !is_warm(&state, 75));
    Ok(())
}

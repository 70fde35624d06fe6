//! Callers while a log-in may wait for a person: what they wait for, and for how long.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use std::time::Duration;

use super::super::testing::{at, nth};
use super::*;
use crate::clock::Reading;
use crate::error::ErrorKind;
use crate::machine::{Guarded, Hold, Input, Sent, Step, StoreCall, StoreResult, Verdict, Wanted};
use crate::store::Entry;
use crate::timing::Timing;

const LIMIT: Duration = Duration::from_secs(600);

fn state(has_store: bool) -> State {
    let mut state = State::new(Timing::default().without_jitter(), has_store);
    state.limit_login(Some(LIMIT));
    state
}

fn begun(state: &mut State, now: Reading) -> Work {
    let Verdict::Wait { flight, run: true } = state.need(Wanted::Usable, now) else {
        unreachable!("a caller has to wait")
    };
    Work::Flight(flight)
}

fn loaded_nothing() -> Input {
    Input::Stored(StoreResult::Loaded(Ok(None)))
}

fn guarded(found: Option<Entry>, is_written: bool, hold: Option<Hold>) -> Input {
    Input::Stored(StoreResult::Guarded(Ok(Guarded { found: Ok(found), is_written, hold })))
}

/// The provider is not ready at any attempt from `now` on. Returns how long the flight tries.
fn tries(state: &mut State, flight: &Work, mut step: Step, mut now: Reading) -> Duration {
    let first = now;
    loop {
        step = match step {
            Step::Login(request) => {
                assert!(request.waits_for_user && request.limit > LIMIT / 2, "{:?}", request.limit);
                let error = Error::transient("503").not_processed();
                state.step(flight, Input::Responded(Sent::login(now), Err(error)), now)
            }
            Step::Wait(time) => {
                now = now.after(time);
                state.step(flight, Input::Waited, now)
            }
            Step::Done(Err(error)) => {
                assert_eq!(error.kind(), ErrorKind::Transient);
                return now.monotonic - first.monotonic;
            }
            _ => unreachable!("nothing else follows"),
        };
    }
}

#[test]
fn r10_an_outage_before_anything_was_shown_holds_callers_no_longer_than_another_one() {
    let mut state = state(false);
    let flight = begun(&mut state, at(0));
    let step = state.step(&flight, Input::Begin, at(0));
    let tried = tries(&mut state, &flight, step, at(0));
    assert!((Duration::from_secs(20)..Timing::FLIGHT_DEADLINE).contains(&tried), "{tried:?}");
}

#[test]
fn r10_the_wait_for_the_user_of_another_process_leaves_time_for_retries() {
    let mut state = state(true);
    let flight = begun(&mut state, at(0));
    state.step(&flight, Input::Begin, at(0));
    assert!(matches!(state.step(&flight, loaded_nothing(), at(0)), Step::Store(StoreCall::Guard(_))));
    let step = state.step(&flight, guarded(None, false, Some(Hold::MayLapse)), at(300));
    let tried = tries(&mut state, &flight, step, at(300));
    assert!((Duration::from_secs(20)..Timing::FLIGHT_DEADLINE).contains(&tried), "{tried:?}");
}

#[test]
fn r14_a_refresh_in_a_flight_that_has_waited_for_a_user_holds_callers_no_longer_than_another_one() {
    let mut state = state(true);
    let flight = begun(&mut state, at(0));
    state.step(&flight, Input::Begin, at(0));
    assert!(matches!(state.step(&flight, loaded_nothing(), at(0)), Step::Store(StoreCall::Guard(_))));
    // The user of another process has logged in, and that was long ago.
    let found = Entry::new(nth(1).with_expires_at(at(299).wall));
    let Step::Store(StoreCall::Guard(request)) =
        state.step(&flight, guarded(Some(found), false, None), at(300))
    else {
        unreachable!("it needs the guard for the refresh")
    };
    assert!(request.proof.is_some());
    let step = state.step(&flight, guarded(None, true, Some(Hold::MayLapse)), at(302));
    let Step::Refresh(request) = step else { unreachable!("the token has expired") };
    assert_eq!(request.patience, Timing::FLIGHT_DEADLINE);
    assert_eq!(request.limit, Timing::FLIGHT_DEADLINE * 2);
    // It is the provider that callers have waited for, and nobody has to complete anything.
    let released = state.release(&flight).unwrap().unwrap_err();
    assert_eq!(released.kind(), ErrorKind::Transient, "{released}");
    assert!(matches!(state.need(Wanted::Usable, at(333)), Verdict::Wait { run: false, .. }));
}

#[test]
fn r12_a_token_that_has_expired_while_the_user_logged_in_is_refreshed() {
    let mut state = state(false);
    let flight = begun(&mut state, at(0));
    assert!(matches!(state.step(&flight, Input::Begin, at(0)), Step::Login(_)));
    let step = state.step(&flight, Input::Responded(Sent::login(at(0)), Ok(nth(1))), at(500));
    let Step::Refresh(request) = step else { unreachable!("it has expired") };
    assert_eq!(request.patience, Timing::FLIGHT_DEADLINE);
}

#[test]
fn r08_callers_use_a_valid_token_while_a_log_in_waits_for_the_user() {
    let mut state = state(false);
    state.start_with(nth(1), at(0));
    let flight = begun(&mut state, at(95));
    assert!(matches!(state.step(&flight, Input::Begin, at(95)), Step::Refresh(_)));
    let refused = Error::login_required("invalid_grant");
    let step = state.step(&flight, Input::Responded(Sent::login(at(95)), Err(refused)), at(95));
    assert!(matches!(step, Step::Login(request) if request.waits_for_user));
    // Callers have waited long enough, and the log-in goes on.
    assert!(state.release(&flight).is_some());
    assert!(matches!(state.need(Wanted::Usable, at(95)), Verdict::Use(held, None) if held.generation == 1));
    assert!(state.snapshot(at(95)).is_some_and(|(_, until)| !until.passed(at(99))));
    let Verdict::Fail(error) = state.need(Wanted::Usable, at(100)) else {
        unreachable!("nothing valid is held")
    };
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
}

/// Nothing may drive it any more. Who waits for it finds that out.
#[test]
fn r07_r90_callers_wait_again_for_a_log_in_that_has_taken_longer_than_it_may() {
    let mut state = state(false);
    let flight = begun(&mut state, at(0));
    assert!(matches!(state.step(&flight, Input::Begin, at(0)), Step::Login(_)));
    assert!(state.release(&flight).is_some());
    assert!(matches!(state.need(Wanted::Usable, at(599)), Verdict::Fail(_)));
    assert!(matches!(state.need(Wanted::Usable, at(600)), Verdict::Wait { run: false, .. }));
}

#[cfg(feature = "identities")]
#[test]
fn r76_what_a_person_has_logged_in_for_is_not_dropped_before_it_is_spent() {
    let logged_in = |limit, has_store, credentials| {
        let mut state = State::new(Timing::default().without_jitter(), has_store);
        state.limit_login(limit);
        let flight = begun(&mut state, at(0));
        let mut step = state.step(&flight, Input::Begin, at(0));
        if has_store {
            state.step(&flight, loaded_nothing(), at(0));
            step = state.step(&flight, guarded(None, false, Some(Hold::MayLapse)), at(0));
        }
        assert!(matches!(step, Step::Login(_)));
        step = state.step(&flight, Input::Responded(Sent::login(at(0)), Ok(credentials)), at(0));
        if has_store {
            let failed = StoreResult::Replaced(Err(Error::store("it is full")));
            step = state.step(&flight, Input::Stored(failed), at(0));
        }
        assert!(matches!(step, Step::Done(Ok(()))));
        state
    };
    let access_only = crate::credentials::Credentials::new("at-1").unwrap();
    let access_only = access_only.with_lifetime(Duration::from_secs(100));
    for credentials in [nth(1), access_only.clone()] {
        assert!(logged_in(None, false, credentials.clone()).can_be_had_again(at(50)));
        assert!(!logged_in(Some(LIMIT), false, credentials).can_be_had_again(at(50)));
    }
    assert!(!logged_in(Some(LIMIT), false, nth(1)).can_be_had_again(at(100)), "its refresh token is good");
    assert!(logged_in(Some(LIMIT), false, access_only.clone()).can_be_had_again(at(100)));
    // The store could not save it.
    assert!(logged_in(None, true, access_only.clone()).can_be_had_again(at(50)));
    assert!(!logged_in(Some(LIMIT), true, access_only.clone()).can_be_had_again(at(50)));
    assert!(logged_in(Some(LIMIT), true, access_only).can_be_had_again(at(100)));
}

#[test]
fn r90_callers_wait_once_as_long_as_they_were_promised_and_not_once_for_each_step() {
    let patience = Duration::from_secs(5);
    let mut state = State::new(Timing::default().without_jitter().login_patience(patience), true);
    state.limit_login(Some(LIMIT));
    let flight = begun(&mut state, at(0));
    assert_eq!(state.login_patience(&flight, at(0)), None, "nobody is asked yet");
    state.step(&flight, Input::Begin, at(0));
    // It waits for the guard, which another process may have while its user logs in.
    assert!(matches!(state.step(&flight, loaded_nothing(), at(0)), Step::Store(StoreCall::Guard(_))));
    assert_eq!(state.login_patience(&flight, at(0)), Some(patience));
    let step = state.step(&flight, guarded(None, false, Some(Hold::CannotLapse)), at(4));
    assert!(matches!(step, Step::Login(_)));
    assert_eq!(state.login_patience(&flight, at(4)), Some(Duration::from_secs(1)));
    assert_eq!(state.login_patience(&flight, at(9)), Some(Duration::ZERO));
}

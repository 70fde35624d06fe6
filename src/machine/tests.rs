//! How long the warm path needs nobody: no rule of behaviour, as `need` would say the same, but each call that
//! has to ask takes the lock. And what no scenario can say of `Retry-After`.

use std::time::Duration;

use super::testing::at;
use super::*;
use crate::error::ErrorKind;

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
    state.step(&Work::Flight(flight), Input::Responded(Sent::login(now), Err(error)), now)
}

#[test]
fn a_refresh_in_the_background_leaves_the_warm_path_warm() -> Result<(), Error> {
    let mut state = holding()?;
    assert!(is_warm(&state, 74) && !is_warm(&state, 75), "somebody has to start the refresh");
    let Verdict::Use(_, Some(flight)) = state.need(Wanted::Usable, at(75)) else { unreachable!("advisory") };
    // A second later nobody waits for it, and only the expiry ends that.
    assert!(is_warm(&state, 76) && is_warm(&state, 90) && is_warm(&state, 99) && !is_warm(&state, 100));
    // Its attempt fails: nobody has to ask until its back-off of a second is over.
    assert!(matches!(fail_once(&mut state, flight, at(75)), Step::Done(Err(_))));
    assert!(is_warm(&state, 75) && !is_warm(&state, 76), "somebody has to start the next");
    Ok(())
}

/// Whether the warm path is left in the mandatory window.
#[test]
fn a_refresh_that_has_just_begun_is_worth_a_wait_in_the_mandatory_window() -> Result<(), Error> {
    let mut state = holding()?;
    let half = Duration::from_millis(500);
    let begun = at(89).after(half);
    let Verdict::Use(_, Some(_)) = state.need(Wanted::Usable, begun) else { unreachable!("advisory") };
    let until = |state: &State, now| state.snapshot(now).map(|(_, until)| until);
    assert!(until(&state, begun).is_some_and(|until| until.passed(at(90))));
    assert!(until(&state, at(90)).is_none(), "a caller waits");
    let second = at(90).after(half);
    assert_eq!(state.patience(at(90)), half);
    assert_eq!(state.patience(second), Duration::ZERO);
    assert!(until(&state, second).is_some_and(|until| !until.passed(at(99)) && until.passed(at(100))));
    Ok(())
}

#[test]
fn r10_retry_after_is_honoured_on_a_terminal_error_too_and_within_bounds() -> Result<(), Error> {
    let hour = Duration::from_secs(3600);
    let mut state = State::new(Timing::default().without_jitter(), false);
    let Verdict::Wait { flight, .. } = state.need(Wanted::Usable, at(0)) else {
        unreachable!("nothing is held")
    };
    state.step(&Work::Flight(flight), Input::Begin, at(0));
    let error = Error::misconfigured("no such client").with_retry_after(hour * 24);
    let Step::Done(Err(error)) =
        state.step(&Work::Flight(flight), Input::Responded(Sent::login(at(0)), Err(error)), at(0))
    else {
        unreachable!("a terminal error is not retried")
    };
    assert_eq!(error.retry_after(), Some(hour));
    let Verdict::Fail(error) = state.need(Wanted::Usable, at(600)) else {
        unreachable!("the rest is not over")
    };
    assert_eq!(
        (error.kind(), error.retry_after()),
        (ErrorKind::Misconfigured, Some(hour - at(600).monotonic))
    );
    assert!(matches!(state.need(Wanted::Usable, at(3599)), Verdict::Fail(_)));
    assert!(matches!(state.need(Wanted::Usable, at(3600)), Verdict::Wait { run: true, .. }));
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
    let Verdict::Wait { flight, run: true } = state.refresh(0, None, at(0)).0 else {
        unreachable!("nothing is in the air")
    };
    assert!(is_warm(&state, 74));
    state.interrupt(flight, Error::transient("cut off"), at(0));
    assert!(is_warm(&state, 74) && !is_warm(&state, 75));
    Ok(())
}

#[test]
fn r25_an_explicit_refresh_joins_a_flight_that_started_after_it_was_asked_for() -> Result<(), Error> {
    let mut state = holding()?;
    let Verdict::Wait { flight: older, run: true } = state.refresh(0, None, at(0)).0 else {
        unreachable!("nothing is in the air")
    };
    state.step(&Work::Flight(older), Input::Begin, at(0));
    assert!(!state.refresh(older, None, at(1)).1, "its request has left already");
    let error = Error::misconfigured("no such client");
    state.step(&Work::Flight(older), Input::Responded(Sent::login(at(1)), Err(error)), at(1));
    let Verdict::Wait { flight: newer, run: true } = state.refresh(older, None, at(6)).0 else {
        unreachable!("the other caller's turn")
    };
    state.step(&Work::Flight(newer), Input::Begin, at(6));
    assert!(state.refresh(older, None, at(6)).1, "its request left after the second caller asked");
    Ok(())
}

#[test]
fn r08_the_warm_path_ends_with_a_caller_who_may_end_the_rest() -> Result<(), Error> {
    let mut state = holding()?;
    let before = at(89).after(Duration::from_millis(900));
    let Verdict::Use(_, Some(flight)) = state.need(Wanted::Usable, before) else { unreachable!("advisory") };
    assert!(matches!(fail_once(&mut state, flight, before), Step::Done(Err(_))));
    assert!(state.snapshot(before).is_some_and(|(_, until)| until.passed(at(90))));
    assert!(
        !is_warm(&state, 90),
        "nobody waited for the flight, so the first caller in the window starts another"
    );
    Ok(())
}

#[test]
fn r04_a_flight_in_the_air_is_joined_whatever_the_last_failure_says() -> Result<(), Error> {
    let mut state = holding()?;
    // The wait with a valid token is half of the time left at most. The other one grows.
    for millis in [0, 1000, 3000, 6500, 8250] {
        let now = at(90).after(Duration::from_millis(millis));
        let Verdict::Wait { flight, run: true } = state.need(Wanted::Usable, now) else {
            unreachable!("the rest is over")
        };
        assert!(matches!(fail_once(&mut state, flight, now), Step::Done(Err(_))));
    }
    let Verdict::Wait { flight, run: true } =
        state.need(Wanted::Usable, at(99).after(Duration::from_millis(125)))
    else {
        unreachable!("the rest is over")
    };
    let expired = state.need(Wanted::Usable, at(100));
    assert!(matches!(expired, Verdict::Wait { flight: joined, run: false } if joined == flight));
    Ok(())
}

#[test]
fn a_time_that_a_new_token_lasts_is_worth_a_flight_that_retries() -> Result<(), Error> {
    let mut state = holding()?;
    let asked = |seconds| Wanted::ValidFor(Duration::from_secs(seconds));
    let Verdict::Wait { flight, run: true } = state.need(asked(101), at(1)) else {
        unreachable!("nothing is known of the lifetime that the provider gives")
    };
    state.step(&Work::Flight(flight), Input::Begin, at(1));
    let issued =
        Credentials::new("at-2")?.with_refresh_token("rt-2")?.with_lifetime(Duration::from_secs(100));
    state.step(&Work::Flight(flight), Input::Responded(Sent::login(at(1)), Ok(issued)), at(1));
    for seconds in [100, 101] {
        assert!(matches!(state.need(asked(seconds), at(2)), Verdict::Fail(_)), "no token lasts that long");
    }
    assert!(matches!(state.need(asked(99), at(2)), Verdict::Use(_, None)));
    let Verdict::Wait { flight, run: true } = state.need(asked(99), at(3)) else {
        unreachable!("the next token lasts that long")
    };
    assert!(matches!(fail_once(&mut state, flight, at(3)), Step::Wait(_)), "the caller has to wait");
    Ok(())
}

#[test]
fn r12_an_expired_response_moves_the_generation_on() -> Result<(), Error> {
    let mut state = holding()?;
    let Verdict::Wait { flight, run: true } = state.refresh(0, None, at(0)).0 else {
        unreachable!("nothing is in the air")
    };
    state.step(&Work::Flight(flight), Input::Begin, at(0));
    let expired = Credentials::new("at-2")?.with_refresh_token("rt-2")?.with_lifetime(Duration::from_secs(1));
    state.step(&Work::Flight(flight), Input::Responded(Sent::login(at(0)), Ok(expired)), at(1));
    let Verdict::Use(held, None) = state.need(Wanted::Usable, at(1)) else { unreachable!("at is valid") };
    assert_eq!((held.credentials.access_token(), held.credentials.refresh_token()), ("at", Some("rt-2")));
    assert_eq!(held.generation, 2);
    Ok(())
}

//! Responses whose flight was ended from outside: which of them are kept, which are revoked, and which are dropped.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use std::time::Duration;

use super::super::testing::{at, nth};
use super::*;
use crate::error::{Error, ErrorKind};
use crate::machine::{Guarded, Hold, Input, StoreCall, StoreResult, Verdict, Wanted, Work};
use crate::store::{Entry, Replaced};
use crate::timing::Timing;

mod with_store;

const SENT: u64 = 200;
const NOW: u64 = 260;

fn state(has_store: bool) -> State {
    let mut state = State::new(Timing::default().without_jitter(), has_store);
    state.start_with(nth(1), at(0));
    state
}

/// Starts a flight for a caller.
fn begun(state: &mut State, seconds: u64) -> Work {
    let Verdict::Wait { flight, run: true } = state.need(Wanted::Usable, at(seconds)) else {
        unreachable!("the token has expired")
    };
    Work::Flight(flight)
}

fn guarded(state: &mut State, flight: &Work, seconds: u64) -> Step {
    assert!(matches!(state.step(flight, Input::Begin, at(seconds)), Step::Store(StoreCall::Load)));
    let nothing = Input::Stored(StoreResult::Loaded(Ok(None)));
    assert!(matches!(state.step(flight, nothing, at(seconds)), Step::Store(StoreCall::Guard(_))));
    let guarded = Guarded { found: Ok(None), is_written: true, hold: Some(Hold::MayLapse) };
    state.step(flight, Input::Stored(StoreResult::Guarded(Ok(guarded))), at(seconds))
}

fn interrupt(state: &mut State, flight: &Work) {
    let Work::Flight(id) = flight else { unreachable!("it is a flight") };
    assert!(state.interrupt(*id, Error::transient("it stands still"), at(SENT + 51)).is_some());
}

/// A flight that has sent `rt-1`, and was interrupted.
fn interrupted(state: &mut State) -> Work {
    let flight = begun(state, SENT);
    let step = match state.shelf {
        Some(_) => guarded(state, &flight, SENT),
        None => state.step(&flight, Input::Begin, at(SENT)),
    };
    let Step::Refresh(request) = step else { unreachable!("it has a refresh token") };
    assert_eq!(request.held.refresh_token(), Some("rt-1"));
    interrupt(state, &flight);
    flight
}

/// The response to its request, which was sent with `rt-1`.
fn late(state: &mut State, flight: &Work, brought: Credentials) -> Step {
    state.step(flight, Input::Responded(Sent::refresh(at(SENT), nth(1)), Ok(brought)), at(NOW))
}

fn responds(state: &mut State, flight: &Work, response: Result<Credentials, Error>) -> Step {
    state.step(flight, Input::Responded(Sent::refresh(at(NOW), nth(1)), response), at(NOW))
}

fn refused() -> Result<Credentials, Error> {
    Err(Error::login_required("invalid_grant"))
}

/// What is in use, and which refresh token the next flight sends.
fn in_use(state: &mut State) -> (String, String) {
    let Verdict::Use(held, None) = state.need(Wanted::Usable, at(NOW)) else {
        unreachable!("nothing valid is held")
    };
    let (Verdict::Wait { flight, run: true }, true) = state.refresh(state.last_flight(), None, at(NOW))
    else {
        unreachable!("nothing is in the air")
    };
    let Step::Refresh(request) = state.step(&Work::Flight(flight), Input::Begin, at(NOW)) else {
        unreachable!("it has a refresh token")
    };
    (held.credentials.access_token().to_owned(), request.held.refresh_token().unwrap().to_owned())
}

fn pair(n: usize) -> (String, String) {
    (format!("at-{n}"), format!("rt-{n}"))
}

#[test]
fn r14_a_late_response_to_the_refresh_token_in_doubt_is_kept() {
    let mut state = state(false);
    let flight = interrupted(&mut state);
    assert!(matches!(late(&mut state, &flight, nth(2)), Step::Done(Ok(()))));
    assert_eq!(in_use(&mut state), pair(2));
}

#[test]
fn r13_a_late_response_without_a_refresh_token_keeps_the_one_that_was_sent() {
    let mut state = state(false);
    let flight = interrupted(&mut state);
    let brought = Credentials::new("at-2").unwrap().with_lifetime(Duration::from_secs(100));
    assert!(matches!(late(&mut state, &flight, brought), Step::Done(Ok(()))));
    assert_eq!(in_use(&mut state), ("at-2".to_owned(), "rt-1".to_owned()));
}

#[test]
fn r14_a_late_response_that_has_expired_is_refreshed_with_its_refresh_token() {
    let mut state = state(false);
    let flight = interrupted(&mut state);
    let brought = nth(2).with_lifetime(Duration::from_secs(10));
    let Step::Refresh(request) = late(&mut state, &flight, brought) else { unreachable!("it has expired") };
    assert_eq!(request.held.refresh_token(), Some("rt-2"));
}

/// Another flight has sent the same refresh token meanwhile, and is refused because the first one has spent it.
#[test]
fn r14_a_late_response_takes_the_place_of_the_refusal_of_another_flight() {
    for comes_first in [true, false] {
        let mut state = state(false);
        let flight = interrupted(&mut state);
        let other = begun(&mut state, NOW);
        assert!(matches!(state.step(&other, Input::Begin, at(NOW)), Step::Refresh(_)));
        if comes_first {
            assert!(matches!(late(&mut state, &flight, nth(2)), Step::Stop));
            assert!(matches!(responds(&mut state, &other, refused()), Step::Done(Ok(()))));
        } else {
            assert!(matches!(responds(&mut state, &other, refused()), Step::Login(_)));
            assert!(matches!(late(&mut state, &flight, nth(2)), Step::Stop));
            let error = Err(Error::unsupported("it can't log in"));
            let response = Input::Responded(Sent::login(at(NOW)), error);
            assert!(matches!(state.step(&other, response, at(NOW)), Step::Done(Ok(()))));
        }
        assert_eq!(in_use(&mut state), pair(2));
    }
}

#[test]
fn r14_a_late_response_is_kept_after_another_flight_was_refused_and_has_failed() {
    let mut state = state(false);
    let flight = interrupted(&mut state);
    let other = begun(&mut state, NOW);
    state.step(&other, Input::Begin, at(NOW));
    assert!(matches!(responds(&mut state, &other, refused()), Step::Login(_)));
    let error = Err(Error::unsupported("it can't log in"));
    state.step(&other, Input::Responded(Sent::login(at(NOW)), error), at(NOW));
    assert!(matches!(state.need(Wanted::Usable, at(NOW)), Verdict::Fail(_)));
    assert!(matches!(late(&mut state, &flight, nth(2)), Step::Done(Ok(()))));
    assert_eq!(in_use(&mut state), pair(2));
}

#[test]
fn r14_a_flight_between_two_attempts_keeps_a_late_response_and_sends_nothing() {
    let mut state = state(false);
    let flight = interrupted(&mut state);
    let other = begun(&mut state, NOW);
    state.step(&other, Input::Begin, at(NOW));
    let error = Err(Error::transient("503").not_processed());
    assert!(matches!(responds(&mut state, &other, error), Step::Wait(_)));
    assert!(matches!(late(&mut state, &flight, nth(2)), Step::Stop));
    assert!(matches!(state.step(&other, Input::Waited, at(NOW)), Step::Done(Ok(()))));
    assert_eq!(in_use(&mut state), pair(2));
}

#[test]
fn r14_a_late_response_does_not_replace_what_another_flight_has_brought_since() {
    for comes_first in [true, false] {
        let mut state = state(false);
        let flight = interrupted(&mut state);
        let other = begun(&mut state, NOW);
        state.step(&other, Input::Begin, at(NOW));
        if comes_first {
            assert!(matches!(late(&mut state, &flight, nth(2)), Step::Stop));
        }
        assert!(matches!(responds(&mut state, &other, Ok(nth(3))), Step::Done(Ok(()))));
        if !comes_first {
            assert!(matches!(late(&mut state, &flight, nth(2)), Step::Stop));
        }
        assert!(state.holdings.late.is_none());
        assert_eq!(in_use(&mut state), pair(3));
    }
}

/// A response without a refresh token leaves the one that was sent in force (R13).
#[test]
fn r14_a_late_response_does_not_replace_what_the_same_refresh_token_has_brought_since() {
    let mut state = state(false);
    let flight = interrupted(&mut state);
    let other = begun(&mut state, NOW);
    state.step(&other, Input::Begin, at(NOW));
    let brought = Credentials::new("at-3").unwrap().with_lifetime(Duration::from_secs(100));
    assert!(matches!(responds(&mut state, &other, Ok(brought)), Step::Done(Ok(()))));
    assert!(matches!(late(&mut state, &flight, nth(2)), Step::Stop));
    assert_eq!(in_use(&mut state), ("at-3".to_owned(), "rt-1".to_owned()));
}

#[test]
fn r14_a_late_response_does_not_replace_a_later_refresh_token_that_is_in_doubt() {
    let mut state = state(false);
    let flight = interrupted(&mut state);
    let other = begun(&mut state, NOW);
    state.step(&other, Input::Begin, at(NOW));
    assert!(matches!(responds(&mut state, &other, Ok(nth(3))), Step::Done(Ok(()))));
    let Verdict::Wait { flight: third, run: true } = state.refresh(2, None, at(NOW)).0 else {
        unreachable!("nothing is in the air")
    };
    state.step(&Work::Flight(third), Input::Begin, at(NOW));
    interrupt(&mut state, &Work::Flight(third));
    assert!(matches!(late(&mut state, &flight, nth(2)), Step::Stop));
    assert_eq!(in_use(&mut state), pair(3));
}

#[test]
fn r17_a_late_response_is_revoked_after_a_log_out() {
    let mut state = state(false);
    let flight = interrupted(&mut state);
    state.log_out();
    assert!(
        matches!(late(&mut state, &flight, nth(2)), Step::Revoke(brought) if brought.access_token() == "at-2")
    );
    assert!(state.held().is_none());
}

#[test]
fn r17_a_log_out_revokes_a_late_response_that_a_flight_has_not_needed_yet() {
    let mut state = state(false);
    let flight = interrupted(&mut state);
    let other = begun(&mut state, NOW);
    state.step(&other, Input::Begin, at(NOW));
    assert!(matches!(late(&mut state, &flight, nth(2)), Step::Stop));
    let grants: Vec<_> = state.log_out().iter().map(|grant| grant.access_token().to_owned()).collect();
    assert_eq!(grants, ["at-2", "at-1"]);
}

/// They may be of the same grant as what the response brings, so that nothing is revoked.
#[test]
fn r17_a_late_refresh_is_dropped_after_the_program_has_set_credentials() {
    let mut state = state(false);
    let flight = interrupted(&mut state);
    state.set_credentials(nth(5), at(NOW));
    assert!(matches!(late(&mut state, &flight, nth(2)), Step::Stop));
    assert_eq!(in_use(&mut state), pair(5));
}

#[test]
fn r90_a_late_log_in_of_a_person_is_revoked() {
    for (limit, ends) in [(Some(600), 0), (Some(600), 1), (None, 0), (None, 1)] {
        let mut state = State::new(Timing::default().without_jitter(), false);
        state.limit_login(limit.map(Duration::from_secs));
        let flight = begun(&mut state, SENT);
        assert!(matches!(state.step(&flight, Input::Begin, at(SENT)), Step::Login(_)));
        match ends {
            0 => interrupt(&mut state, &flight),
            _ => drop(state.set_credentials(nth(5), at(NOW))),
        }
        let response = Input::Responded(Sent::login(at(SENT)), Ok(nth(2)));
        let is_revoked = matches!(state.step(&flight, response, at(NOW)), Step::Revoke(_));
        assert_eq!(is_revoked, limit.is_some());
        assert_eq!(state.held().map(Credentials::access_token), (ends == 1).then_some("at-5"));
    }
}

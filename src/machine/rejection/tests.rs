//! Rejections that come when something else is under way: the token has expired, was put aside, or is being replaced.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use super::super::flight::{Input, Step, Work};
use super::super::held::Candidate;
use super::super::testing::{at, nth};
use super::super::{Sent, Wanted};
use super::*;
use crate::timing::Timing;

/// Holds `at-1` as generation 1.
fn holding() -> State {
    let mut state = State::new(Timing::default().without_jitter(), false);
    state.start_with(nth(1), at(0));
    state
}

fn respond(state: &mut State, flight: u64, response: Credentials, now: Reading) -> Result<(), Error> {
    assert!(matches!(state.step(&Work::Flight(flight), Input::Begin, now), Step::Refresh(..)));
    match state.step(&Work::Flight(flight), Input::Responded(Sent::login(now), Ok(response)), now) {
        Step::Done(outcome) => outcome,
        _ => unreachable!("there is no store"),
    }
}

#[test]
fn r12_a_token_that_was_rejected_after_it_expired_is_not_replaced_by_itself() {
    let mut state = holding();
    let Verdict::Wait { flight, run: true } = state.reject(1, at(100)) else {
        unreachable!("it has expired")
    };
    assert!(respond(&mut state, flight, nth(1), at(100)).is_err());
}

#[test]
fn r24_a_token_that_expired_and_is_kept_for_later_is_rejected_there_too() {
    let mut state = holding();
    state.holdings.doubted = state.holdings.current.clone();
    state.reject(1, at(100));
    assert!(state.holdings.doubted.is_some_and(|doubted| doubted.rejected));
}

#[test]
fn r24_what_is_kept_for_later_is_rejected_in_each_generation_that_had_its_token() {
    let mut state = holding();
    let holdings = &mut state.holdings;
    let windows = holdings.held().unwrap().windows;
    let again = Candidate::good(holdings.number(nth(1), windows));
    holdings.doubted = Some(again.clone());
    holdings.current = Some(again);
    holdings.current = Some(Candidate::good(holdings.number(nth(2), windows)));
    assert!(matches!(state.reject(1, at(0)), Verdict::Use(held, None) if held.generation == 3));
    assert!(state.holdings.doubted.is_some_and(|doubted| doubted.rejected));
}

#[test]
fn r25_r26_while_a_refresh_is_in_the_air_a_rejection_joins_it_however_soon_it_comes() {
    let mut state = holding();
    let Verdict::Wait { flight, run: true } = state.reject(1, at(0)) else {
        unreachable!("the first rejection")
    };
    respond(&mut state, flight, nth(2), at(0)).unwrap();
    let Verdict::Wait { flight, run: true } = state.refresh(0, None, at(1)).0 else {
        unreachable!("nothing is in the air")
    };
    assert!(
        matches!(state.reject(2, at(1)), Verdict::Wait { flight: joined, run: false } if joined == flight)
    );
    assert!(
        matches!(state.need(Wanted::Usable, at(1)), Verdict::Wait { run: false, .. }),
        "a token known to be bad is not sent"
    );
}

#[test]
fn r17_r44_credentials_of_another_authenticator_are_not_those_of_an_earlier_login() {
    let mut other = holding();
    other.log_out();
    let foreign = other.set_credentials(nth(2), at(0));
    let mut state = holding();
    assert!(
        matches!(state.reject_token(&foreign.credentials, at(0)), Verdict::Use(held, None) if held.generation == 1)
    );
}

#[test]
fn r93_the_last_eight_rejected_tokens_are_known_and_none_of_them_is_handed_out_again() {
    let mut state = holding();
    for n in 1..=9 {
        let now = at(20 * n as u64);
        let Verdict::Wait { flight, run: true } = state.reject(state.held_generation(), now) else {
            unreachable!("at-{n} is in use")
        };
        respond(&mut state, flight, nth(n + 1), now).unwrap();
    }
    assert!(!state.is_rejected(&nth(1)), "it was nine rejections ago");
    assert!((2..=9).all(|n| state.is_rejected(&nth(n))));
    assert!(!state.is_rejected(&nth(10)), "it is in use");

    let Verdict::Wait { flight, run: true } = state.reject(state.held_generation(), at(210)) else {
        unreachable!("at-10 is in use")
    };
    assert!(respond(&mut state, flight, nth(2), at(210)).is_err());
    let held = state.held().unwrap();
    assert!(held.same_access_token(&nth(10)), "it goes back into use");
    assert_eq!(held.refresh_token(), nth(2).refresh_token(), "which may be the only one that is good");
}

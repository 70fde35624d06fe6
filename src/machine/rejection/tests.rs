//! Rejections that come when something else is under way: the token has lapsed, was put aside, or is being renewed.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use super::super::flight::{Input, Step};
use super::super::testing::{at, nth};
use super::*;
use crate::Timing;

/// Holds `at-1` as generation 1.
fn holding() -> State {
    let mut state = State::new(Timing::default().without_jitter(), false);
    state.start_with(nth(1), at(0));
    state
}

fn answered(state: &mut State, flight: u64, answer: Credentials, now: Reading) -> Result<(), Error> {
    assert!(matches!(state.step(flight, Input::Begin, now), Step::Refresh(_)));
    match state.step(flight, Input::Answered(now, Ok(answer)), now) {
        Step::Done(outcome) => outcome,
        _ => unreachable!("there is no store"),
    }
}

#[test]
fn r12_a_token_that_was_rejected_after_it_lapsed_is_not_replaced_by_itself() {
    let mut state = holding();
    let Verdict::Run(flight) = state.reject(1, at(100)) else { unreachable!("it has lapsed") };
    assert!(answered(&mut state, flight, nth(1), at(100)).is_err());
}

#[test]
fn r24_a_token_that_lapsed_and_is_kept_for_later_is_rejected_there_too() {
    let mut state = holding();
    state.doubted = state.held.clone().map(|held| (held, false));
    state.reject(1, at(100));
    assert!(state.doubted.is_some_and(|(_, rejected)| rejected));
}

#[test]
fn r24_what_is_kept_for_later_is_rejected_in_each_generation_that_had_its_token() {
    let mut state = holding();
    let windows = state.held.as_ref().unwrap().windows;
    let again = state.hold(nth(1), windows);
    state.held = Some(again.clone());
    state.doubted = Some((again, false));
    state.held = Some(state.hold(nth(2), windows));
    assert!(matches!(state.reject(1, at(0)), Verdict::Use(held) if held.generation == 3));
    assert!(state.doubted.is_some_and(|(_, rejected)| rejected));
}

#[test]
fn r25_r26_while_a_refresh_is_in_the_air_a_rejection_joins_it_however_soon_it_comes() {
    let mut state = holding();
    let Verdict::Run(flight) = state.reject(1, at(0)) else { unreachable!("the first rejection") };
    answered(&mut state, flight, nth(2), at(0)).unwrap();
    let Verdict::Run(flight) = state.refresh(at(1)) else { unreachable!("nothing is in the air") };
    assert!(matches!(state.reject(2, at(1)), Verdict::Join(joined) if joined == flight));
    assert!(matches!(state.need(at(1)), Verdict::Join(_)), "a token known to be bad is not sent");
}

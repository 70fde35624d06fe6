//! What the store may hold: each write that may have happened, and nothing from before a certain one.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use super::super::testing::{at, nth};
use super::*;
use crate::Timing;

fn with_store() -> State {
    State::new(Timing::default(), true)
}

#[test]
fn r15_every_write_that_may_have_happened_is_known_again_the_first_longest() {
    let mut state = with_store();
    for n in 0..=MAX_STORED {
        state.writes(&nth(n));
    }
    assert_eq!(state.stored.0.len(), MAX_STORED, "bounded");
    assert!(state.stored.may_be(&nth(0)) && state.stored.may_be(&nth(2)));
    assert!(state.stored.may_be(&nth(MAX_STORED)) && !state.stored.may_be(&nth(1)));
}

#[test]
fn r15_a_write_of_the_programs_own_ends_what_was_there_before() {
    let mut state = with_store();
    state.writes(&nth(1));
    state.wrote(Some(nth(2)));
    assert!(state.stored.may_be(&nth(2)) && !state.stored.may_be(&nth(1)));
    state.wrote(None);
    assert!(!state.stored.may_be(&nth(2)));
}

#[test]
fn r17_a_log_out_is_carried_through_by_a_write_of_what_is_held_now_and_of_nothing_else() {
    let mut state = with_store();
    state.log_out();
    state.set(nth(2), at(0));
    assert!(!state.may_read(), "what was cleared may still be there");
    let half = nth(2).with_refresh_token("rt-1").unwrap();
    for old in [nth(1), half] {
        state.wrote(Some(old));
        assert!(!state.may_read());
    }
    state.wrote(Some(nth(2)));
    assert!(state.may_read());
}

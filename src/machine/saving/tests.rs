//! Saves that fail, end late, or meet what another process has written.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use super::super::step::tests::{log_in, nothing_loaded, replaced, with_store};
use super::super::testing::{at, nth};
use super::*;
use crate::machine::{Guarded, Hold, Input, Sent, StoreResult, Verdict, Wanted, Work};

/// A log-in that the store did not take. Returns what its flight has left to do, which is at the store now.
fn saving_late(state: &mut State) -> Work {
    let Verdict::Wait { flight: id, run: true } = state.need(Wanted::Usable, at(0)) else {
        unreachable!("nothing is held")
    };
    let flight = Work::Flight(id);
    log_in(state, &flight);
    let response = Input::Responded(Sent::login(at(0)), Ok(nth(1)));
    assert!(matches!(state.step(&flight, response, at(0)), Step::Store(StoreCall::Replace(..))));
    let failed = Input::Stored(StoreResult::Replaced(Err(Error::store("the disk is full"))));
    assert!(matches!(state.step(&flight, failed, at(0)), Step::Done(Ok(()))));
    let rest = Work::Rest(state.take_rest(id).unwrap());
    assert!(matches!(state.step(&rest, Input::Begin, at(0)), Step::Wait(_)));
    assert!(matches!(state.step(&rest, Input::Waited, at(0)), Step::Store(StoreCall::Replace(..))));
    rest
}

fn ends_of_a_save() -> [Result<Replaced, Error>; 3] {
    [Ok(Replaced::Yes), Ok(Replaced::No(None)), Err(Error::store("the disk is full"))]
}

#[test]
fn r17_f13_a_late_save_that_ends_just_after_a_log_out_does_not_undo_it() {
    for result in ends_of_a_save() {
        let mut state = with_store();
        let rest = saving_late(&mut state);
        state.log_out();
        state.step(&rest, Input::Stored(StoreResult::Replaced(result)), at(0));
        assert!(state.must_forget(), "it may have brought back what was logged out");
        assert!(state.shelf.as_ref().unwrap().rest.is_none());
    }
}

#[test]
fn r52_r54_a_late_save_that_ends_just_after_the_program_has_set_credentials_does_not_replace_them() {
    for result in ends_of_a_save() {
        let mut state = with_store();
        let rest = saving_late(&mut state);
        state.set_credentials(nth(5), at(0));
        state.step(&rest, Input::Stored(StoreResult::Replaced(result)), at(0));
        let shelf = state.shelf.as_ref().unwrap();
        let ours = shelf.ours().and_then(Entry::credentials).unwrap();
        assert_eq!(ours.access_token(), "at-5");
        assert!(shelf.rest.is_none() && shelf.unsaved_since.is_none());
    }
}

#[test]
fn r54_r64_a_late_save_that_finds_something_older_is_tried_again() {
    let mut state = with_store();
    let rest = saving_late(&mut state);
    let nothing = Input::Stored(StoreResult::Replaced(Ok(Replaced::No(None))));
    assert!(matches!(state.step(&rest, nothing, at(0)), Step::Done(Ok(()))));
    let id = state.last_flight();
    assert!(matches!(state.take_rest(id), Some(Rest::Save { attempts: 2, .. })));
}

#[test]
fn r52_a_refresh_token_that_is_spent_for_certain_is_not_put_aside() {
    let mut state = with_store();
    let save = Work::Save(state.set_credentials(nth(1), at(0)));
    state.step(&save, Input::Begin, at(0));
    state.step(&save, nothing_loaded(), at(0));
    assert!(matches!(state.step(&save, replaced(), at(0)), Step::Done(Ok(()))));
    let Verdict::Wait { flight: id, run: true } = state.need(Wanted::Usable, at(100)) else {
        unreachable!("it has expired")
    };
    let flight = Work::Flight(id);
    assert!(matches!(state.step(&flight, Input::Begin, at(100)), Step::Store(StoreCall::Guard(_))));
    let found = Ok(state.shelf.as_ref().and_then(|shelf| shelf.ours()).cloned());
    let guarded = Guarded { found, is_written: true, hold: Some(Hold::MayLapse) };
    let guarded = Input::Stored(StoreResult::Guarded(Ok(guarded)));
    assert!(matches!(state.step(&flight, guarded, at(100)), Step::Refresh(_)));
    let response = Input::Responded(Sent::refresh(at(100), nth(1)), Ok(nth(2)));
    let Step::Store(StoreCall::Replace(_, entry)) = state.step(&flight, response, at(100)) else {
        unreachable!("it is to be saved")
    };
    // Another process has refreshed meanwhile, and then once more.
    let version = entry.version().next_refresh([7, 7]);
    let found = Entry::of(version, crate::store::Content::Credentials(nth(7)));
    let met = Input::Stored(StoreResult::Replaced(Ok(Replaced::No(Some(found)))));
    state.step(&flight, met, at(100));
    assert_eq!(state.held().and_then(Credentials::refresh_token), Some("rt-7"));
    assert!(state.holdings.doubted.is_none());
}

//! Work at the store outside a flight, and steps that no correct driver takes.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use super::super::testing::{at, nth};
use super::super::{Verdict, Wanted};
use super::*;
use crate::error::Error;
use crate::machine::{Guarded, Hold, Sent};
use crate::timing::Timing;

pub(in crate::machine) fn with_store() -> State {
    State::new(Timing::default().without_jitter(), true)
}

pub(in crate::machine) fn nothing_loaded() -> Input {
    Input::Stored(StoreResult::Loaded(Ok(None)))
}

fn guarded() -> Input {
    let guarded = Guarded { found: Ok(None), is_written: false, hold: Some(Hold::MayLapse) };
    Input::Stored(StoreResult::Guarded(Ok(guarded)))
}

pub(in crate::machine) fn replaced() -> Input {
    Input::Stored(StoreResult::Replaced(Ok(Replaced::Yes)))
}

/// Takes the steps to a log-in, of a flight that finds nothing in the store.
pub(in crate::machine) fn log_in(state: &mut State, flight: &Work) {
    assert!(matches!(state.step(flight, Input::Begin, at(0)), Step::Store(StoreCall::Load)));
    assert!(matches!(state.step(flight, nothing_loaded(), at(0)), Step::Store(StoreCall::Guard(_))));
    assert!(matches!(state.step(flight, guarded(), at(0)), Step::Login(_)));
}

#[test]
fn r17_a_log_out_is_carried_through_by_a_write_of_what_is_held_now_and_of_nothing_else() {
    let mut state = with_store();
    let half = nth(2).with_refresh_token("rt-1").unwrap();
    let old = [nth(1), half].map(|old| state.set_credentials(old, at(0)));
    state.log_out();
    let current = state.set_credentials(nth(2), at(0));
    assert!(state.must_forget(), "what was logged out may still be there");
    for old in old {
        assert!(matches!(state.step(&Work::Save(old), Input::Begin, at(0)), Step::Done(Ok(()))));
        assert!(state.must_forget());
    }
    let work = Work::Save(current);
    assert!(matches!(state.step(&work, Input::Begin, at(0)), Step::Store(StoreCall::Load)));
    assert!(matches!(state.step(&work, nothing_loaded(), at(0)), Step::Store(StoreCall::Replace(..))));
    assert!(matches!(state.step(&work, replaced(), at(0)), Step::Done(Ok(()))));
    assert!(!state.must_forget());
}

#[test]
fn r17_work_at_the_store_is_wanted_as_long_as_it_matters() {
    let mut state = with_store();
    assert!(!state.is_wanted(&Work::Forget));
    let first = state.set_credentials(nth(1), at(0));
    assert!(state.is_wanted(&Work::Save(first.clone())));
    state.log_out();
    assert!(!state.is_wanted(&Work::Save(first)) && state.is_wanted(&Work::Forget));
    assert!(matches!(state.step(&Work::Forget, Input::Begin, at(0)), Step::Store(StoreCall::Load)));
    assert!(matches!(
        state.step(&Work::Forget, nothing_loaded(), at(0)),
        Step::Store(StoreCall::Replace(None, entry)) if entry.is_logged_out()
    ));
    assert!(matches!(state.step(&Work::Forget, replaced(), at(0)), Step::Done(Ok(()))));
    assert!(!state.is_wanted(&Work::Forget));
    let [older, newer] = [2, 3].map(|n| Work::Save(state.set_credentials(nth(n), at(0))));
    assert!(!state.is_wanted(&older) && state.is_wanted(&newer));
}

#[test]
fn r17_a_flight_is_wanted_until_it_is_over_and_no_other_in_its_place() {
    let mut state = with_store();
    let Verdict::Wait { flight: first, run: true } = state.need(Wanted::Usable, at(0)) else {
        unreachable!("nothing is held")
    };
    assert!(state.is_wanted(&Work::Flight(first)));
    state.log_out();
    let Verdict::Wait { flight: second, run: true } = state.need(Wanted::Usable, at(0)) else {
        unreachable!("nothing is held")
    };
    assert!(!state.is_wanted(&Work::Flight(first)) && state.is_wanted(&Work::Flight(second)));
}

#[test]
fn r17_a_flight_does_not_clear_a_store_that_another_call_has_just_cleared() {
    let mut state = with_store();
    state.log_out();
    let Verdict::Wait { flight: id, run: true } = state.need(Wanted::Usable, at(0)) else {
        unreachable!("nothing is held")
    };
    let flight = Work::Flight(id);
    let Step::Store(clear) = state.step(&flight, Input::Begin, at(0)) else { unreachable!("it must forget") };
    assert!(state.needs(&flight, &clear));
    state.step(&Work::Forget, Input::Begin, at(0));
    state.step(&Work::Forget, nothing_loaded(), at(0));
    state.step(&Work::Forget, replaced(), at(0));
    assert!(!state.needs(&flight, &clear) && state.needs(&flight, &StoreCall::Load));
    // The driver makes no call then, and goes on as after one.
    assert!(matches!(state.step(&flight, replaced(), at(0)), Step::Store(StoreCall::Guard(_))));
}

#[test]
fn r16_an_impossible_step_does_not_lose_what_was_received() {
    let mut state = with_store();
    let Verdict::Wait { flight: id, run: true } = state.need(Wanted::Usable, at(0)) else {
        unreachable!("nothing is held")
    };
    let flight = Work::Flight(id);
    log_in(&mut state, &flight);
    let response = Input::Responded(Sent::login(at(0)), Ok(nth(1)));
    assert!(matches!(state.step(&flight, response, at(0)), Step::Store(StoreCall::Replace(..))));
    assert!(matches!(state.step(&flight, Input::Waited, at(0)), Step::Stop));
    assert_eq!(
        state.interrupt(id, Error::transient("the driver is gone"), at(0)).map(|ended| ended.is_ok()),
        Some(true)
    );
    assert!(state.has(Wanted::Usable, at(0)));
}

#[test]
fn r07_no_flight_stays_in_the_air_when_its_driver_goes_away_while_it_saves_an_expired_token() {
    let mut state = with_store();
    let Verdict::Wait { flight: id, run: true } = state.need(Wanted::Usable, at(0)) else {
        unreachable!("nothing is held")
    };
    let flight = Work::Flight(id);
    log_in(&mut state, &flight);
    let response =
        Input::Responded(Sent::login(at(0)), Ok(nth(1).with_lifetime(std::time::Duration::from_secs(1))));
    assert!(matches!(state.step(&flight, response, at(1)), Step::Store(StoreCall::Replace(..))));
    let ended = state.interrupt(id, Error::transient("the driver is gone"), at(1));
    assert!(ended.is_some_and(|outcome| outcome.is_err()));
    assert!(!state.is_wanted(&flight));
}

#[test]
fn r54_the_end_of_another_flight_does_not_drop_what_a_flight_has_left_to_save() {
    let mut state = with_store();
    let entry = Entry::new(nth(1));
    let shelf = state.shelf.as_mut().unwrap();
    shelf.rest = Some((1, Rest::Save { entry, attempts: 1 }));
    shelf.unsaved_since = Some(1);
    state.interrupt(2, Error::transient("its runtime stands still"), at(0));
    assert!(state.shelf.as_ref().unwrap().unsaved_since.is_some());
    assert!(matches!(state.take_rest(1), Some(Rest::Save { .. })));
    state.interrupt(1, Error::transient("its runtime is gone"), at(0));
    assert!(state.shelf.as_ref().unwrap().unsaved_since.is_none());
}

#[test]
fn r50_a_write_of_what_the_program_has_set_ends_the_guard_of_a_flight() {
    let mut state = with_store();
    let save = Work::Save(state.set_credentials(nth(1), at(0)));
    state.step(&save, Input::Begin, at(0));
    assert!(matches!(state.step(&save, nothing_loaded(), at(0)), Step::Store(StoreCall::Replace(..))));
    let Verdict::Wait { flight: id, run: true } = state.refresh(0, None, at(0)).0 else {
        unreachable!("nothing is in the air")
    };
    let flight = Work::Flight(id);
    assert!(matches!(state.step(&flight, Input::Begin, at(0)), Step::Store(StoreCall::Guard(_))));
    let Step::Store(StoreCall::Replace(_, entry)) = state.step(&flight, guarded(), at(0)) else {
        unreachable!("it stores what was set")
    };
    // The other write comes first, and gives the guard back.
    state.step(&save, replaced(), at(0));
    let met = Input::Stored(StoreResult::Replaced(Ok(Replaced::No(Some(entry)))));
    assert!(matches!(state.step(&flight, met, at(0)), Step::Store(StoreCall::Guard(_))));
}

#[test]
fn r17_the_note_of_a_late_log_out_is_newer_than_what_a_flight_finds_under_the_guard() {
    let mut state = with_store();
    state.log_out();
    let begun = |state: &mut State, seconds| {
        let Verdict::Wait { flight, run: true } = state.need(Wanted::Usable, at(seconds)) else {
            unreachable!("nothing is held")
        };
        Work::Flight(flight)
    };
    let flight = begun(&mut state, 0);
    assert!(matches!(state.step(&flight, Input::Begin, at(0)), Step::Store(StoreCall::Replace(None, _))));
    let failed = Input::Stored(StoreResult::Replaced(Err(Error::store("it is away"))));
    assert!(matches!(state.step(&flight, failed, at(0)), Step::Store(StoreCall::Guard(_))));
    let version = crate::store::Version::unnamed(0).at_sequence(5).next_refresh([7, 7]);
    let found = Entry::of(version, crate::store::Content::Credentials(nth(1)));
    let met = Guarded { found: Ok(Some(found)), is_written: false, hold: Some(Hold::MayLapse) };
    let met = Input::Stored(StoreResult::Guarded(Ok(met)));
    assert!(matches!(state.step(&flight, met, at(0)), Step::Login(_)));
    let response = Input::Responded(Sent::login(at(0)), Err(Error::misconfigured("no")));
    assert!(matches!(state.step(&flight, response, at(0)), Step::Done(Err(_))));
    let next = begun(&mut state, 1000);
    let Step::Store(StoreCall::Replace(Some(over), note)) = state.step(&next, Input::Begin, at(1000)) else {
        unreachable!("the note is still to be written")
    };
    assert!(over == version && note.is_logged_out());
    assert_eq!(note.version().relation_to(&version), crate::store::Relation::Newer);
}

#[test]
fn r56_a_flight_that_goes_without_the_store_leaves_no_note_there() {
    let mut state = with_store();
    state.refresh_without_store();
    state.set_credentials(nth(1), at(0));
    let Verdict::Wait { flight: id, run: true } = state.refresh(0, None, at(0)).0 else {
        unreachable!("nothing is in the air")
    };
    let flight = Work::Flight(id);
    assert!(matches!(state.step(&flight, Input::Begin, at(0)), Step::Store(StoreCall::Guard(_))));
    let error = crate::store::GuardError::Unreachable(Error::store("it is away"));
    let away = Input::Stored(StoreResult::Guarded(Err(error)));
    assert!(matches!(state.step(&flight, away, at(0)), Step::Refresh(_)));
    let response = Err(Error::misconfigured("the client is refused"));
    let response = Input::Responded(Sent::refresh(at(0), nth(1)), response);
    assert!(matches!(state.step(&flight, response, at(0)), Step::Done(Err(_))));
    assert!(state.take_rest(id).is_none(), "another process may have written its own note");
}

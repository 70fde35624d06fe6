//! Late responses beside a store, and what other processes have written there.

use super::*;

/// After a refusal, callers only look into the store for a while (R58). What has come meanwhile is as good as what they look for.
#[test]
fn r14_r58_a_flight_that_only_looks_into_the_store_keeps_a_late_response() {
    let mut state = state(true);
    let flight = interrupted(&mut state);
    let other = begun(&mut state, NOW);
    let ours = state.shelf.as_ref().and_then(|shelf| shelf.ours()).cloned();
    let guard = Guarded { found: Ok(ours.clone()), is_written: true, hold: Some(Hold::MayLapse) };
    state.step(&other, Input::Begin, at(NOW));
    state.step(&other, Input::Stored(StoreResult::Guarded(Ok(guard))), at(NOW));
    assert!(matches!(responds(&mut state, &other, refused()), Step::Store(StoreCall::Load)));
    let nothing_new = || Input::Stored(StoreResult::Loaded(Ok(ours.clone())));
    assert!(matches!(state.step(&other, nothing_new(), at(NOW)), Step::Login(_)));
    let refused = Err(Error::login_required("the user has to"));
    let response = Input::Responded(Sent::login(at(NOW)), refused);
    assert!(matches!(state.step(&other, response, at(NOW)), Step::Done(Err(_))));

    let looking = begun(&mut state, NOW);
    assert!(matches!(state.step(&looking, Input::Begin, at(NOW)), Step::Store(StoreCall::Load)));
    assert!(matches!(late(&mut state, &flight, nth(2)), Step::Stop));
    let step = state.step(&looking, nothing_new(), at(NOW));
    let Step::Store(StoreCall::Replace(_, entry)) = step else { unreachable!("it is to be saved") };
    assert_eq!(entry.credentials().and_then(Credentials::refresh_token), Some("rt-2"));
    let saved = Input::Stored(StoreResult::Replaced(Ok(Replaced::Yes)));
    assert!(matches!(state.step(&looking, saved, at(NOW)), Step::Done(Ok(()))));
    assert!(state.has(Wanted::Usable, at(NOW)));
    let starts = |event: &&Event| matches!(event, Event::RefreshStarted { .. });
    assert_eq!(state.events.iter().filter(starts).count(), 3, "the look has become a refresh");
}

#[test]
fn r16_a_late_response_is_saved_before_callers_get_it() {
    let mut state = state(true);
    let flight = interrupted(&mut state);
    let Step::Store(StoreCall::Replace(Some(_), entry)) = late(&mut state, &flight, nth(2)) else {
        unreachable!("there is a store")
    };
    assert_eq!(entry.credentials().and_then(Credentials::refresh_token), Some("rt-2"));
    // Another flight has not begun. Callers wait for this one, under its own number.
    let Verdict::Wait { flight: joined, run: false } = state.need(Wanted::Usable, at(NOW)) else {
        unreachable!("it is not saved yet")
    };
    assert!(matches!(flight, Work::Flight(id) if id == joined));
    let saved = Input::Stored(StoreResult::Replaced(Ok(Replaced::Yes)));
    assert!(matches!(state.step(&flight, saved, at(NOW)), Step::Done(Ok(()))));
    assert!(state.has(Wanted::Usable, at(NOW)));
}

#[test]
fn r14_callers_wait_for_the_flight_that_a_late_response_has_brought_back_and_for_no_later_one() {
    let mut state = state(true);
    let flight = interrupted(&mut state);
    let other = begun(&mut state, NOW);
    interrupt(&mut state, &other);
    assert!(matches!(late(&mut state, &flight, nth(2)), Step::Store(StoreCall::Replace(..))));
    let Verdict::Wait { flight: joined, run: false } = state.need(Wanted::Usable, at(NOW)) else {
        unreachable!("it is not saved yet")
    };
    assert!(matches!(flight, Work::Flight(id) if id == joined));
    assert!(matches!(state.step(&other, Input::Begin, at(NOW)), Step::Stop));
}

/// The store says what other processes have done since.
#[test]
fn r59_a_late_response_is_revoked_if_another_process_has_logged_out() {
    let mut state = state(true);
    let flight = interrupted(&mut state);
    let Step::Store(StoreCall::Replace(_, entry)) = late(&mut state, &flight, nth(2)) else {
        unreachable!("there is a store")
    };
    let version = entry.version().next_login([7, 7]);
    let found = Entry::of(version, crate::store::Content::LoggedOut);
    let met = Input::Stored(StoreResult::Replaced(Ok(Replaced::No(Some(found)))));
    let Step::Done(Err(error)) = state.step(&flight, met, at(NOW)) else { unreachable!("it is logged out") };
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
    let Work::Flight(id) = flight else { unreachable!("it is a flight") };
    assert!(
        matches!(state.take_rest(id), Some(crate::machine::Rest::Revoke(brought)) if brought.access_token() == "at-2")
    );
}

//! What a log-out and a log-in leave behind: the grants to revoke, the token that ended, the store to clear.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use super::super::Verdict;
use super::super::flight::{Input, Step, StoreCall, StoreResult, Work};
use super::super::testing::{at, nth};
use super::*;
use crate::error::ErrorKind;
use crate::store::{Content, Entry, Replaced, Version};
use crate::timing::Timing;

fn state(has_store: bool) -> State {
    State::new(Timing::default().without_jitter(), has_store)
}

fn kept(state: &mut State, credentials: Credentials) -> Arc<Held> {
    let windows = Windows::of(&credentials, at(0), false, &mut state.pace);
    state.holdings.number(credentials, windows)
}

#[test]
fn r17_what_is_held_is_revoked_before_what_was_put_aside_the_newest_first() {
    let mut state = state(false);
    let [initial, doubted, held] = [1, 2, 3].map(|n| kept(&mut state, nth(n)));
    let holdings = &mut state.holdings;
    holdings.initial = Some(Candidate::good(initial));
    holdings.doubted = Some(Candidate::good(doubted));
    holdings.current = Some(Candidate::good(held));
    let ended: Vec<_> = state.log_out().iter().map(|ended| ended.access_token().to_owned()).collect();
    assert_eq!(ended, ["at-3", "at-2", "at-1"]);
}

#[test]
fn r17_a_grant_without_a_refresh_token_is_revoked_once() {
    let mut state = state(false);
    let bare = kept(&mut state, Credentials::new("at").unwrap());
    state.holdings.initial = Some(Candidate::good(bare.clone()));
    state.holdings.current = Some(Candidate::good(bare));
    assert_eq!(state.log_out().len(), 1);
}

#[test]
fn r17_a_second_log_out_still_knows_the_token_that_the_first_ended() {
    let mut state = state(false);
    state.set_credentials(nth(1), at(0));
    state.log_out();
    state.log_out();
    state.set_credentials(nth(2), at(0));
    let Verdict::Fail(error) = state.reject_token(&nth(1), at(0)) else { unreachable!("it was logged out") };
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
}

#[test]
fn r24_what_a_log_in_replaces_was_not_logged_out() {
    let mut state = state(false);
    state.set_credentials(nth(1), at(0));
    let second = state.set_credentials(nth(2), at(0));
    let verdict = state.reject_token(&nth(1), at(0));
    assert!(matches!(verdict, Verdict::Use(held, None) if held.generation == second.generation));
}

/// As a store may that compares wrongly, or one that very many processes write to.
#[test]
fn r17_a_store_that_always_holds_something_else_holds_up_no_log_out_for_ever() {
    let refuses = |state: &mut State, work: &Work| {
        let version = Version::unnamed(0);
        let mut step = state.step(work, Input::Begin, at(0));
        for sequence in 1..100 {
            let found = Entry::of(version.at_sequence(sequence), Content::Credentials(nth(7)));
            let result = match step {
                Step::Store(StoreCall::Load) => StoreResult::Loaded(Ok(Some(found))),
                Step::Store(StoreCall::Replace(..)) => StoreResult::Replaced(Ok(Replaced::No(Some(found)))),
                end => return Some(end),
            };
            step = state.step(work, Input::Stored(result), at(0));
        }
        None
    };
    let mut state = state(true);
    state.log_out();
    let Some(Step::Store(StoreCall::Overwrite(note))) = refuses(&mut state, &Work::Forget) else {
        unreachable!("a log-out is written over whatever is there")
    };
    assert!(note.is_logged_out());
    let done = state.step(&Work::Forget, Input::Stored(StoreResult::Replaced(Ok(Replaced::Yes))), at(0));
    assert!(matches!(done, Step::Done(Ok(()))));
    let held = state.set_credentials(nth(1), at(0));
    let Some(Step::Done(Err(error))) = refuses(&mut state, &Work::Save(held)) else {
        unreachable!("the program is told")
    };
    assert_eq!(error.kind(), ErrorKind::Store);
}

#[test]
fn r17_a_log_in_does_not_make_up_for_a_store_that_did_not_forget() {
    let mut state = state(true);
    state.log_out();
    state.set_credentials(nth(1), at(0));
    let Verdict::Wait { flight, run: true } = state.refresh(0, None, at(0)).0 else {
        unreachable!("nothing is in the air")
    };
    let step = state.step(&Work::Flight(flight), Input::Begin, at(0));
    assert!(matches!(step, Step::Store(StoreCall::Replace(_, entry)) if entry.is_logged_out()));
}

//! What is newer, and what may be written over.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use std::time::{Duration, UNIX_EPOCH};

use super::*;

const NOW: Reading = Reading { monotonic: Duration::ZERO, wall: UNIX_EPOCH };

fn credentials(name: &str) -> Credentials {
    Credentials::new(name).unwrap()
}

#[test]
fn r52_what_another_process_wrote_is_news_and_what_this_one_replaces_is_not() {
    let mut shelf = Shelf::default();
    let by_hand = Entry::new(credentials("by-hand"));
    assert!(shelf.finding(Some(&by_hand)) == Finding::News);
    assert!(shelf.finding(None) == Finding::Outdated);
    shelf.holds(by_hand.clone());
    assert!(shelf.finding(Some(&by_hand)) == Finding::Ours);
    // A refresh whose save has failed.
    let next = shelf.refreshed(credentials("next"));
    shelf.uses(next.clone());
    assert!(shelf.finding(Some(&by_hand)) == Finding::Outdated);
    assert!(shelf.finding(Some(&next)) == Finding::Ours);
    assert!(shelf.finding(Some(&Entry::new(credentials("by-hand-again")))) == Finding::News);
    shelf.holds(next);
    let other = shelf.refreshed(credentials("other"));
    assert!(shelf.finding(Some(&other)) == Finding::News);
    shelf.log_out(&[]);
    assert!(shelf.finding(Some(&other)) == Finding::Outdated);
    assert!(shelf.finding(shelf.ours()) == Finding::Ours);
    let login = shelf.logged_in(credentials("login"));
    assert!(shelf.finding(Some(&login)) == Finding::News);
    let tombstone = Entry::of(login.version().next_login([1, 1]), Content::LoggedOut);
    assert!(shelf.finding(Some(&tombstone)) == Finding::LoggedOut);
}

#[test]
fn r52_a_log_out_is_newer_than_what_it_finds() {
    let mut shelf = Shelf::default();
    shelf.log_out(&[]);
    let found = Version { sequence: 7, login: 1, generation: 9, write: 1 };
    let forget = shelf.forget_over(found).unwrap();
    assert!(forget.version().relation_to(&found) == Relation::Newer);
    assert_eq!(shelf.ours().unwrap().version(), forget.version());
    assert_eq!(shelf.forget_over(Version::unnamed(1)).unwrap().version(), forget.version());
}

#[test]
fn r51_an_exchange_of_this_process_is_not_foreign() {
    let (mut one, mut other) = (Shelf::default(), Shelf::default());
    one.holds(Entry::new(credentials("at-1")));
    let (_, proof) = one.proof(NOW).unwrap();
    one.holds(proof.clone());
    other.holds(proof);
    assert!(one.foreign_intent().is_none());
    assert!(other.foreign_intent().is_some());
}

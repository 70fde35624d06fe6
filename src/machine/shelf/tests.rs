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

#[test]
fn r17_what_a_log_out_has_found_is_revoked_also_if_another_log_out_follows() {
    let mut shelf = Shelf::default();
    shelf.log_out(&[]);
    shelf.log_out_finds(Some(&Entry::new(credentials("by-hand"))));
    shelf.log_out(&[]);
    assert!(shelf.found.iter().any(|found| found.access_token() == "by-hand"));
}

/// A log-out that could not be written, of a login that the store holds.
fn late_log_out() -> Shelf {
    let mut shelf = Shelf::default();
    shelf.read(None);
    let login = shelf.logged_in(credentials("held"));
    shelf.holds(login);
    shelf.log_out(&[credentials("held")]);
    shelf.log_out_failed();
    shelf
}

#[test]
fn r17_a_late_log_out_ends_what_this_process_had_tried_to_save_before_it() {
    let mut shelf = Shelf::default();
    shelf.read(None);
    // The save of a flight, which the log-out overtakes, and which happens all the same.
    let tried = shelf.logged_in(credentials("tried"));
    shelf.log_out(&[]);
    shelf.log_out_failed();
    assert!(!shelf.log_out_meets(&tried) && shelf.forget.is_some());
    assert!(shelf.met.iter().any(|met| met.access_token() == "tried"), "it is revoked");
    assert!(!shelf.log_out_meets(&tried) && shelf.met.len() == 1, "once");
}

#[test]
fn r17_a_late_log_out_ends_a_refresh_of_the_login_that_was_held() {
    let mut other = Shelf::default();
    let mut shelf = late_log_out();
    other.holds(Entry::of(shelf.stored.unwrap(), Content::Credentials(credentials("held"))));
    assert!(!shelf.log_out_meets(&other.refreshed(credentials("refreshed"))));
    assert_eq!(shelf.met.len(), 1);
    // What was in memory is revoked by the log-out itself.
    assert!(!shelf.log_out_meets(other.ours().unwrap()) && shelf.met.len() == 1);
    shelf.log_out(&[]);
    assert_eq!(shelf.met.len(), 1, "it is still to be revoked");
}

/// Its first version is one that nobody has seen, and it does not name what it comes from.
#[test]
fn r17_a_late_log_out_ends_the_first_refresh_of_a_login_without_a_version() {
    let by_hand = Entry::new(credentials("by-hand"));
    let (mut shelf, mut other) = (Shelf::default(), Shelf::default());
    shelf.holds(by_hand.clone());
    other.holds(by_hand);
    shelf.log_out(&[credentials("by-hand")]);
    shelf.log_out_failed();
    let refreshed = other.refreshed(credentials("refreshed"));
    assert!(!shelf.log_out_meets(&refreshed) && shelf.met.len() == 1);
    other.holds(refreshed);
    let since = other.logged_in(credentials("since"));
    assert!(shelf.log_out_meets(&since), "another log-in has followed");
}

#[test]
fn r59_a_late_log_out_yields_to_a_login_of_another_process_and_to_one_of_this_process_since() {
    let elsewhere = |shelf: &Shelf| {
        let version = Version { login: 77, ..shelf.stored.unwrap().next_login([77, 1]) };
        Entry::of(version, Content::Credentials(credentials("elsewhere")))
    };
    let mut shelf = late_log_out();
    assert!(shelf.log_out_meets(&elsewhere(&shelf)) && shelf.forget.is_none() && shelf.met.is_empty());
    assert!(shelf.finding(Some(&elsewhere(&shelf))) == Finding::News);
    let mut shelf = late_log_out();
    let since = shelf.logged_in(credentials("since"));
    assert!(shelf.log_out_meets(&since) && shelf.met.is_empty());
    // The note that no store holds is not compared with it, however new it was made.
    let mut shelf = late_log_out();
    shelf.forget_over(Version { sequence: 9, login: 1, generation: 0, write: 1 });
    assert!(shelf.log_out_meets(&elsewhere(&shelf)));
    assert!(shelf.finding(Some(&elsewhere(&shelf))) == Finding::News);
    // While the log-out itself is under way, what it meets was there before.
    let mut shelf = late_log_out();
    shelf.log_out_is_late = false;
    assert!(!shelf.log_out_meets(&elsewhere(&shelf)));
    // Nobody can say whose an entry without a version is, or what a store held that could not be read.
    let mut shelf = late_log_out();
    assert!(!shelf.log_out_meets(&Entry::new(credentials("by-hand"))));
    let mut shelf = Shelf::default();
    shelf.log_out(&[]);
    shelf.log_out_failed();
    let found = Version { sequence: 4, login: 77, generation: 0, write: 1 };
    assert!(!shelf.log_out_meets(&Entry::of(found, Content::Credentials(credentials("unknown")))));
    // But this process knows what it has tried to save since.
    let since = shelf.logged_in(credentials("since"));
    assert!(shelf.log_out_meets(&since) && shelf.forget.is_none());
}

#[test]
fn r59_a_log_out_that_could_not_read_the_store_yields_only_to_the_log_in_after_its_note() {
    for (after_the_note, is_over) in [(0, false), (1, true), (2, false)] {
        let mut shelf = Shelf::default();
        shelf.log_out(&[]);
        let later = Reading { wall: UNIX_EPOCH + Duration::from_secs(1_000_000), ..NOW };
        let note = *shelf.forget_unread(later).unwrap().version();
        shelf.log_out_failed();
        let found = Version { sequence: note.sequence + after_the_note, login: 77, generation: 0, write: 1 };
        let found = Entry::of(found, Content::Credentials(credentials("found")));
        assert_eq!(shelf.log_out_meets(&found), is_over, "{after_the_note}");
        assert_eq!(shelf.met.is_empty(), is_over);
    }
}

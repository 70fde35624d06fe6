//! What the store may hold: each write that may have happened, and nothing from before a certain one.

use super::super::testing::nth;
use super::*;

#[test]
fn r15_every_write_that_may_have_happened_is_recognized_and_the_first_for_longest() {
    let mut shelf = Shelf::default();
    for n in 0..=MAX_WRITES {
        shelf.begin_write(&nth(n));
    }
    assert_eq!(shelf.known.len(), MAX_WRITES, "bounded");
    assert!(shelf.may_hold(&nth(0)) && shelf.may_hold(&nth(2)));
    assert!(shelf.may_hold(&nth(MAX_WRITES)) && !shelf.may_hold(&nth(1)));
}

#[test]
fn r15_a_write_that_happened_for_certain_replaces_what_was_there_before() {
    let mut shelf = Shelf::default();
    shelf.begin_write(&nth(1));
    shelf.holds(&nth(2));
    assert!(shelf.may_hold(&nth(2)) && !shelf.may_hold(&nth(1)));
}

#[test]
fn r15_a_write_that_was_begun_before_the_store_forgot_is_still_recognized() {
    let mut shelf = Shelf::to_forget();
    shelf.begin_write(&nth(1));
    shelf.forgot();
    assert!(shelf.may_hold(&nth(1)) && !shelf.must_forget);
}

//! Programs that once failed, as they were printed.

use super::check;
use super::program::Response::*;
use super::program::Step::*;
use super::program::{Setup, Step, StoreMode};

fn holds(setup: &Setup, steps: &[Step]) {
    if let Err(broken) = check(setup, steps) {
        panic!("{broken}");
    }
}

const HOLDING: Setup = Setup { login: false, initial: true, store: false, lifetime: 60, jitter: None };
const STORING: Setup = Setup { login: true, initial: false, store: true, lifetime: 60, jitter: None };

/// R12, R24: a token that has expired and was rejected as well is not replaced by itself.
#[test]
fn r12_an_expired_token_that_is_rejected_does_not_come_back() {
    holds(&HOLDING, &[Always(SameToken), Advance(30_000), Get(0), Advance(30_000), Unauthorized(0)]);
}

/// R26: a provider that keeps issuing the rejected token is asked once an interval.
#[test]
fn r26_the_rejected_token_again_and_again_costs_one_request_an_interval() {
    holds(&HOLDING, &[Hammer { seconds: 35, response: SameToken, unauthorized: true }]);
}

/// R12, R26: the same where the 401 came before the loop.
#[test]
fn r12_the_rejected_token_again_without_another_401_costs_the_same() {
    holds(
        &Setup { lifetime: 600, ..STORING },
        &[
            Hammer { seconds: 1, response: Rotated, unauthorized: false },
            Always(PanicProcessed),
            Get(2),
            Unauthorized(2),
            Hammer { seconds: 31, response: SameToken, unauthorized: false },
        ],
    );
}

/// R8: what the source was built with is tried next, and does not replace a good token.
#[test]
fn r08_an_expired_fallback_does_not_replace_a_good_token() {
    let setup = Setup { lifetime: 4, store: true, ..HOLDING };
    holds(
        &setup,
        &[Advance(1000), OtherProcess, Hammer { seconds: 4, response: Refused, unauthorized: false }],
    );
}

/// R8: what was found in the store does not replace a good token either.
#[test]
fn r08_what_expired_in_the_store_does_not_hide_a_good_token() {
    holds(
        &Setup { store: true, ..HOLDING },
        &[
            Jump(-31),
            OtherProcess,
            Jump(60),
            Hammer { seconds: 1, response: Unprocessed, unauthorized: false },
        ],
    );
}

/// R24: a 401 is still about the token that stays in use.
#[test]
fn r24_a_good_token_beside_another_refresh_token_can_be_rejected() {
    holds(
        &Setup { store: true, ..HOLDING },
        &[
            Advance(54_000),
            Always(Refused),
            OtherProcess,
            Advance(100),
            OtherProcess,
            Get(2),
            Refresh(0),
            Unauthorized(2),
        ],
    );
}

/// R24: a late 401 counts for a token whose refresh token is in doubt, and may be tried again.
#[test]
fn r24_a_token_in_doubt_that_is_rejected_late_does_not_come_back() {
    let setup = Setup { lifetime: 600, store: true, ..HOLDING };
    holds(
        &setup,
        &[Always(Lost), Get(2), OtherProcess, Refresh(0), Refresh(0), Unauthorized(2), Always(Rotated)],
    );
    holds(
        &setup,
        &[
            Always(Rotated),
            Get(2),
            Unauthorized(2),
            OtherProcess,
            Always(Lost),
            Refresh(0),
            Unauthorized(2),
            Hammer { seconds: 11, response: Rotated, unauthorized: true },
        ],
    );
}

/// R26: all fallbacks share one interval.
#[test]
fn r26_a_token_in_doubt_and_the_given_one_are_rejected_in_turn() {
    holds(
        &Setup { store: true, ..HOLDING },
        &[
            OtherProcess,
            Get(0),
            Refresh(0),
            OtherProcess,
            Respond(Lost),
            Hammer { seconds: 11, response: Rotated, unauthorized: true },
        ],
    );
}

/// R14: what is found in the store instead of a token in doubt may be older and dead, while the one in doubt is good.
#[test]
fn r14_a_token_in_doubt_is_not_lost_to_an_older_one() {
    let setup = Setup { store: true, ..HOLDING };
    holds(
        &setup,
        &[
            Set,
            Get(2),
            OtherProcess,
            Refresh(0),
            Store(StoreMode::Fails),
            Respond(Rotated),
            Set,
            Advance(45_000),
            Get(0),
        ],
    );
}

/// R15: a write of our own that timed out and happened all the same is not adopted.
#[test]
fn r15_a_write_of_our_own_is_not_adopted() {
    holds(
        &Setup { lifetime: 600, store: true, ..HOLDING },
        &[Store(StoreMode::HangsAfter), Set, Store(StoreMode::Fails), Set, Get(0), Refresh(0)],
    );
}

/// R14: what the store held before is not adopted either, after however many failed writes.
#[test]
fn r14_what_the_store_held_before_many_failed_writes_is_not_adopted() {
    holds(
        &Setup { lifetime: 4, ..STORING },
        &[
            Always(Rotated),
            Get(0),
            Store(StoreMode::Fails),
            Hammer { seconds: 15, response: Rotated, unauthorized: true },
            Hammer { seconds: 3, response: Unprocessed, unauthorized: false },
        ],
    );
}

/// R17: the store was not cleared at the log-out, and it is read because the refresh token is refused.
#[test]
fn r17_what_the_store_could_not_forget_is_not_adopted() {
    holds(
        &STORING,
        &[
            Get(0),
            Respond(Rotated),
            Store(StoreMode::Fails),
            Clear,
            Get(0),
            Respond(Rotated),
            Refresh(0),
            Store(StoreMode::Works),
            Respond(Refused),
            Get(0),
        ],
    );
}

/// R17: the same with a log-in elsewhere after the log-out.
#[test]
fn r17_a_login_elsewhere_does_not_end_the_log_out() {
    holds(
        &STORING,
        &[
            Get(0),
            Respond(Rotated),
            Store(StoreMode::Fails),
            Clear,
            Set,
            Store(StoreMode::Works),
            Refresh(0),
            Respond(Refused),
            Get(0),
        ],
    );
    holds(&STORING, &[Store(StoreMode::Slow), Set, Clear, Set, Set]);
}

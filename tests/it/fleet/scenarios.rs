//! Programs that found a fault, as short as they can be. Each was a promise broken.

use super::program::ProviderMode::*;
use super::program::Step::*;
use super::program::StoreMode::*;
use super::program::{Setup, Step, StoreMode};
use super::run::run;

fn holds(setup: &Setup, steps: &[Step]) {
    let broken = run(setup, steps);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn setup(processes: u8, login: bool, latency: u64) -> Setup {
    Setup { processes, login, lapses: false, lifetime: 60, latency, jitter: 0 }
}

#[test]
fn r17_a_log_out_that_is_written_late_does_not_come_after_a_log_in_of_this_process() {
    let steps = [LogOut(1), Get(1), SetBack, Store(Some(1), Fails), Get(0), Advance(300)];
    holds(&setup(2, true, 30), &steps);
    let steps = [
        Store(None, Fails),
        LogOut(0),
        Get(0),
        Advance(60),
        StopAfter(0, 0),
        LogOut(1),
        KillAfter(0, 0),
        StopAfter(0, 0),
        Get(1),
    ];
    holds(&setup(2, true, 0), &steps);
}

#[test]
fn r17_nothing_is_adopted_while_a_log_out_is_not_written() {
    let steps = [LogOut(2), StopAfter(2, 0), Get(2), Advance(15_000), Get(1), Advance(100)];
    holds(&setup(2, true, 30), &steps);
    let steps = [
        Store(None, ReadOnly),
        Get(0),
        StopAfter(3, 0),
        Advance(10),
        LogOut(1),
        Provider(LosesResponses),
        Get(1),
        Advance(300),
    ];
    holds(&Setup { jitter: 711, ..setup(3, true, 30) }, &steps);
}

#[test]
fn r52_a_log_in_that_began_earlier_does_not_overwrite_what_a_program_has_set() {
    let steps = [Get(2), StopAfter(2, 0), Advance(20), Get(0), LogOut(0), Set(0)];
    holds(&setup(3, true, 0), &steps);
}

#[test]
fn r64_a_log_out_is_written_again_if_the_store_was_set_back_behind_it() {
    let steps = [Set(1), Advance(5_000), Set(1), LogOut(1), Advance(60), SetBack];
    holds(&setup(2, false, 30), &steps);
}

#[test]
fn r15_a_refresh_token_whose_successor_was_dropped_for_another_log_in_is_not_sent_again() {
    let steps = [
        Advance(60_000),
        Set(0),
        Get(1),
        Advance(100),
        Provider(LosesResponses),
        Refresh(0),
        StopAfter(1, 4),
        GoOn(0),
        Advance(1_000),
    ];
    holds(&setup(2, false, 30), &steps);
}

#[test]
fn r52_what_a_program_has_set_is_saved_once() {
    holds(&setup(2, true, 30), &[LogOut(0), Get(2), LogOut(1), Set(1)]);
    holds(&setup(2, false, 30), &[StopAfter(1, 4), Set(1), Get(2), Advance(10_000)]);
    let steps = [Kill(0), Get(0), Advance(60), LogOut(3), Set(2), Unauthorized(0), Refresh(2), Get(3)];
    holds(&setup(4, false, 30), &steps);
}

#[test]
fn r50_f107_a_guard_that_lapsed_before_its_process_got_it_is_no_guard() {
    let steps = [Get(2), StopAfter(2, 1), Set(0), Advance(59_999), Get(2), Get(0)];
    holds(&Setup { lapses: true, ..setup(3, false, 0) }, &steps);
}

#[test]
fn r50_a_write_of_what_the_program_has_set_ends_the_guard_of_a_flight_that_began_meanwhile() {
    let steps = [Get(1), Set(1), Refresh(2), Unauthorized(1), Provider(LosesResponses), Advance(5_000)];
    holds(&Setup { lapses: true, ..setup(3, false, 30) }, &steps);
}

#[test]
fn r59_a_late_log_out_does_not_end_what_another_process_has_set_meanwhile() {
    let steps = [
        Set(0),
        StopAfter(0, 3),
        Store(None, ReadOnly),
        Get(1),
        Advance(5_000),
        Get(3),
        LogOut(1),
        Advance(60),
    ];
    holds(&setup(3, true, 30), &steps);
}

#[test]
fn r64_a_process_whose_login_was_refused_uses_the_older_one_to_which_the_store_was_set_back() {
    let steps =
        [KillAfter(2, 6), Set(1), Advance(30_000), Get(2), Advance(60), Get(1), Advance(300), SetBack];
    holds(&Setup { lifetime: 20, ..setup(4, false, 30) }, &steps);
}

#[test]
fn r59_a_log_out_that_was_written_and_not_heard_of_does_not_end_the_next_log_in_elsewhere() {
    let steps = [Set(0), StopAfter(2, 4), LogOut(0), Get(0), Get(0), Advance(60), Get(1), Advance(5_000)];
    holds(&setup(2, true, 30), &steps);
}

#[test]
fn r59_a_log_out_that_was_written_before_the_store_was_read_does_not_end_the_next_log_in_elsewhere() {
    let steps = [
        Store(None, FailsAfter),
        LogOut(1),
        Advance(60),
        Get(1),
        Store(None, StoreMode::Hangs),
        Advance(60),
        Get(2),
    ];
    holds(&setup(3, true, 30), &steps);
}

#[test]
fn r59_the_log_in_after_a_late_log_out_is_adopted_by_a_process_that_reads_the_log_out_meanwhile() {
    let steps =
        [LogOut(0), Get(0), StopAfter(0, 1), Get(0), StopAfter(1, 4), LogOut(1), Advance(15_000), Get(2)];
    holds(&Setup { jitter: 548_130_977_013_453_898, ..setup(3, true, 30) }, &steps);
}

#[test]
fn r17_a_late_log_out_also_ends_a_login_that_was_replaced_before_it() {
    let steps = [Refresh(0), Advance(60), Set(0), Store(None, Fails), SetBack, LogOut(2)];
    holds(&setup(2, false, 0), &steps);
}

#[test]
fn r17_a_late_log_out_also_ends_a_login_that_was_only_read() {
    let steps = [
        Advance(15_000),
        Set(3),
        Advance(15_000),
        SetBack,
        Advance(30_000),
        Get(1),
        Store(None, Fails),
        LogOut(3),
    ];
    holds(&setup(3, false, 0), &steps);
}

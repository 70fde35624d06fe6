//! The waits, for every row of failures there may be.

mod outages;

use proptest::prelude::*;

use super::*;

const NOW: Duration = Duration::from_secs(1000);

fn exact() -> Pace {
    Pace::new(Timing::default().without_jitter())
}

fn varied() -> Pace {
    Pace::new(Timing::default())
}

fn streak(flights: u32) -> Streak {
    Streak { refusals: 0, flights, since: NOW }
}

fn failure(error: Error, flights: u32, left: Option<Duration>) -> Failure {
    Failure::new(error, streak(flights), NOW, left, &mut exact())
}

/// The waits with and without a valid token.
fn waits(failure: &Failure) -> (Duration, Duration) {
    (failure.retry_at(true, false) - NOW, failure.retry_at(false, false) - NOW)
}

fn transient() -> Error {
    Error::transient("down")
}

#[test]
fn r08_waits_double_up_to_their_caps() {
    let (secs, millis) = (Duration::from_secs, Duration::from_millis);
    let expected = [
        (1, secs(1), millis(200)),
        (2, secs(2), millis(400)),
        (3, secs(4), millis(800)),
        (4, secs(8), millis(1600)),
        (5, secs(16), millis(3200)),
        (6, secs(32), secs(5)),
        (7, secs(60), secs(5)),
        (u32::MAX, secs(60), secs(5)),
    ];
    for (streak, relaxed, urgent) in expected {
        assert_eq!(waits(&failure(transient(), streak, None)), (relaxed, urgent), "{streak}");
    }
}

#[test]
fn r08_the_wait_with_a_valid_token_is_half_the_time_left_at_most() {
    let wait = |left: u64| waits(&failure(transient(), 10, Some(Duration::from_secs(left)))).0;
    assert_eq!(wait(1000), Duration::from_secs(60));
    assert_eq!(wait(40), Duration::from_secs(20));
    // And no tight loop at the very end.
    assert_eq!(wait(0), Timing::URGENT_BACKOFF_FIRST);
}

#[test]
fn r10_the_server_s_own_wish_is_honoured() {
    let asked = |seconds| failure(transient().with_retry_after(Duration::from_secs(seconds)), 1, None);
    assert_eq!(waits(&asked(20)), (Duration::from_secs(20), Duration::from_secs(20)));
    assert_eq!(waits(&asked(7200)), (Duration::from_secs(7200), Duration::from_secs(7200)));
    assert_eq!(waits(&asked(0)), (Timing::BACKOFF_FIRST, Timing::URGENT_BACKOFF_FIRST));
}

#[test]
fn r11_a_terminal_error_is_remembered() {
    let memory = exact().timing.terminal_memory;
    for error in [Error::login_required("no"), Error::misconfigured("no")] {
        assert_eq!(waits(&failure(error, 1, None)), (memory, memory));
    }
    for error in [Error::invalid_response("no"), Error::store("no"), transient()] {
        assert_eq!(waits(&failure(error, 1, None)), (Timing::BACKOFF_FIRST, Timing::URGENT_BACKOFF_FIRST));
    }
}

/// A streak of refusals and nothing else.
fn refused(times: u32) -> Streak {
    Streak { flights: times, refusals: times, since: NOW }
}

#[test]
fn r11_the_memory_of_a_terminal_error_doubles_up_to_its_cap() {
    let wait = |times, timing: Timing| {
        let pace = &mut Pace::new(timing.without_jitter());
        waits(&Failure::new(Error::login_required("no"), refused(times), NOW, None, pace))
    };
    let default = |times| wait(times, Timing::default());
    let expected = [(0, 5), (1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 300), (u32::MAX, 300)];
    for (times, seconds) in expected {
        assert_eq!(default(times), (Duration::from_secs(seconds), Duration::from_secs(seconds)), "{times}");
    }
    let long = Timing::TERMINAL_MEMORY_MAX * 2;
    assert_eq!(wait(3, Timing::default().terminal_memory(long)), (long, long), "it never shrinks");
    assert_eq!(wait(9, Timing::default().terminal_memory(Duration::ZERO)).1, Timing::URGENT_BACKOFF_MAX);
}

#[test]
fn r11_only_a_refusal_makes_the_memory_grow() {
    let count = |error: Error| refused(2).with_one_more(&error);
    for error in [
        Error::login_required("no"),
        Error::login_required("perhaps").inconclusive(),
        Error::misconfigured("no"),
    ] {
        assert_eq!(count(error), refused(3));
    }
    for error in
        [transient(), Error::unsupported("cannot"), Error::store("no"), Error::invalid_response("no")]
    {
        assert_eq!(count(error), Streak { flights: 3, ..refused(2) });
    }
    // A refusal ends an outage. It is still one of several in a row.
    let failure = Failure::new(Error::login_required("no"), refused(2), NOW, None, &mut exact());
    let next = NOW + Duration::from_secs(10);
    assert_eq!(failure.streak_at(next, &exact().timing), Streak { since: next, ..refused(2) });
}

#[test]
fn r10_r11_the_longer_of_the_memory_and_the_server_s_wish_counts() {
    let wait = |seconds| {
        let error = Error::misconfigured("no").with_retry_after(Duration::from_secs(seconds));
        waits(&failure(error, 1, None)).0
    };
    assert_eq!(wait(4), Timing::TERMINAL_MEMORY);
    assert_eq!(wait(60), Duration::from_secs(60));
}

/// How long a caller waits who has to, with and without a valid token.
fn waits_of_a_caller(failure: &Failure) -> (Duration, Duration) {
    (failure.retry_at(true, true) - NOW, failure.retry_at(false, true) - NOW)
}

#[test]
fn r08_the_first_caller_who_has_to_wait_ends_the_rest_of_a_flight_that_nobody_waited_for() {
    for error in [transient(), Error::invalid_response("no"), Error::store("no")] {
        let failure = failure(error, 3, None);
        assert_eq!(waits_of_a_caller(&failure), waits(&failure), "somebody has waited for it");
        let failure = failure.unless_somebody_waits();
        assert_eq!(waits_of_a_caller(&failure), (Duration::ZERO, Duration::ZERO));
        assert_eq!(waits(&failure), (Duration::from_secs(4), Duration::from_millis(800)));
    }
}

#[test]
fn r08_nobody_ends_what_the_server_asked_for_or_the_memory_of_a_terminal_error_or_of_a_crash() {
    let asked = Duration::from_millis(1500);
    let asking = failure(transient().with_retry_after(asked), 3, None).unless_somebody_waits();
    assert_eq!(waits_of_a_caller(&asking), (asked, asked));
    assert_eq!(waits(&asking), (Duration::from_secs(4), asked));
    for error in [Error::login_required("no"), Error::misconfigured("no"), Error::unsupported("cannot")] {
        let failure = failure(error, 1, None).unless_somebody_waits();
        assert_eq!(waits_of_a_caller(&failure), (Timing::TERMINAL_MEMORY, Timing::TERMINAL_MEMORY));
    }
    let cut = Failure::interrupted(transient(), streak(3), NOW, &mut exact()).unless_somebody_waits();
    assert_eq!(waits_of_a_caller(&cut), waits(&cut));
}

#[test]
fn r12_a_longer_wait_counts_for_the_first_caller_too() {
    let mut failure = failure(transient(), 1, None).unless_somebody_waits();
    failure.not_before(NOW + Duration::from_secs(2));
    assert_eq!(waits_of_a_caller(&failure), (Duration::from_secs(2), Duration::from_secs(2)));
}

#[test]
fn r10_callers_are_told_how_much_is_left_of_what_the_server_asked_for() {
    let told = |error: Error, now| {
        let failure = failure(error, 1, None);
        failure.error_until(failure.retry_at(false, true), now).retry_after()
    };
    let asking = || transient().with_retry_after(Duration::from_secs(20));
    assert_eq!(told(asking(), NOW), Some(Duration::from_secs(20)));
    assert_eq!(told(asking(), NOW + Duration::from_secs(15)), Some(Duration::from_secs(5)));
    assert_eq!(told(asking(), NOW + Duration::from_secs(30)), Some(Duration::ZERO));
    assert_eq!(told(transient(), NOW), None, "a wait of our own is no promise");
}

#[test]
fn r07_the_first_flight_that_was_cut_off_costs_no_wait_and_the_next_do() {
    let cut = |flights| Failure::interrupted(transient(), streak(flights), NOW, &mut exact());
    assert_eq!(waits(&cut(1)), (Duration::ZERO, Duration::ZERO));
    assert_eq!(cut(1).streak, streak(1));
    assert_eq!(waits(&cut(2)), (Timing::BACKOFF_FIRST, Timing::URGENT_BACKOFF_FIRST));
    assert_eq!(cut(2).streak, streak(2));
    assert_eq!(waits(&cut(3)), (Timing::BACKOFF_FIRST * 2, Timing::URGENT_BACKOFF_FIRST * 2));
}

#[test]
fn r12_a_failure_can_be_made_to_wait_longer_and_not_shorter() {
    let mut failure = failure(transient(), 3, None);
    failure.not_before(NOW);
    assert_eq!(waits(&failure), (Duration::from_secs(4), Duration::from_millis(800)));
    failure.not_before(NOW + Duration::from_secs(2));
    assert_eq!(waits(&failure), (Duration::from_secs(4), Duration::from_secs(2)));
}

proptest! {
    #[test]
    fn r08_jitter_takes_away_half_at_most_and_adds_nothing(
        flights in any::<u32>(),
        left in prop::option::of(any::<Duration>()),
    ) {
        let (relaxed, urgent) = waits(&failure(transient(), flights, left));
        let jittered =
            waits(&Failure::new(transient(), streak(flights), NOW, left, &mut varied()));
        for (whole, jittered) in [(relaxed, jittered.0), (urgent, jittered.1)] {
            prop_assert!(jittered >= whole / 2 && jittered <= whole, "{jittered:?} of {whole:?}");
        }
        prop_assert!(relaxed <= Timing::BACKOFF_MAX && urgent <= Timing::URGENT_BACKOFF_MAX);
        prop_assert!(relaxed >= Timing::URGENT_BACKOFF_FIRST && urgent >= Timing::URGENT_BACKOFF_FIRST);
    }

    #[test]
    fn r10_between_attempts_there_is_full_jitter_above_what_the_server_asked(
        attempt in any::<u32>(),
        asked in prop::option::of(any::<Duration>()),
    ) {
        let error = match asked {
            Some(asked) => transient().with_retry_after(asked),
            None => transient(),
        };
        let wait = between_attempts(attempt, &error, streak(0), NOW, &mut varied());
        let least = asked.unwrap_or_default();
        prop_assert!(wait >= least && wait <= least.max(Timing::RETRY_MAX), "{wait:?}");
    }

    #[test]
    fn r08_no_time_of_a_failure_overflows(
        at in any::<Duration>(),
        flights in any::<u32>(),
        since in any::<Duration>(),
    ) {
        let streak = Streak { refusals: 0, flights, since };
        let mut failure = Failure::new(transient(), streak, at, None, &mut varied());
        failure.not_before(Duration::MAX);
        prop_assert!(failure.retry_at(true, false) >= at && failure.retry_at(false, false) >= at);
        prop_assert_eq!(failure.streak_at(Duration::MAX, &exact().timing), streak);
    }
}

//! The waits, for every row of failures there may be.

use proptest::prelude::*;

use super::*;

const NOW: Duration = Duration::from_secs(1000);

fn exact() -> Timing {
    Timing::default().without_jitter()
}

fn failure(error: Error, streak: u32, left: Option<Duration>) -> Failure {
    Failure::new(error, streak, NOW, left, &exact(), &mut Dice::new(false))
}

/// The waits with and without a valid token.
fn waits(failure: &Failure) -> (Duration, Duration) {
    (failure.retry_at(true) - NOW, failure.retry_at(false) - NOW)
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
    assert_eq!(wait(0), URGENT_BACKOFF_FIRST);
}

#[test]
fn r10_the_server_s_own_wish_is_honoured_up_to_a_cap() {
    let asked = |seconds| failure(transient().with_retry_after(Duration::from_secs(seconds)), 1, None);
    assert_eq!(waits(&asked(20)), (Duration::from_secs(20), Duration::from_secs(20)));
    assert_eq!(waits(&asked(3600)), (RETRY_AFTER_MAX, RETRY_AFTER_MAX));
    assert_eq!(waits(&asked(0)), (BACKOFF_FIRST, URGENT_BACKOFF_FIRST));
}

#[test]
fn r11_a_terminal_error_is_remembered() {
    let memory = exact().terminal_memory;
    for error in [Error::login_required("no"), Error::misconfigured("no")] {
        assert_eq!(waits(&failure(error, 1, None)), (memory, memory));
    }
    for error in [Error::invalid_answer("no"), Error::store("no"), transient()] {
        assert_eq!(waits(&failure(error, 1, None)), (BACKOFF_FIRST, URGENT_BACKOFF_FIRST));
    }
}

#[test]
fn r07_the_first_flight_that_was_cut_off_costs_no_wait_and_the_next_do() {
    let cut = |streak| Failure::interrupted(transient(), streak, NOW, &exact(), &mut Dice::new(false));
    assert_eq!(waits(&cut(1)), (Duration::ZERO, Duration::ZERO));
    assert_eq!(cut(1).streak, 1);
    assert_eq!(waits(&cut(2)), (BACKOFF_FIRST, URGENT_BACKOFF_FIRST));
    assert_eq!(cut(2).streak, 2);
    assert_eq!(waits(&cut(3)), (BACKOFF_FIRST * 2, URGENT_BACKOFF_FIRST * 2));
}

#[test]
fn r12_a_failure_can_be_made_to_wait_longer_and_not_shorter() {
    let mut failure = failure(transient(), 3, None);
    failure.not_before(NOW);
    assert_eq!(waits(&failure), (Duration::from_secs(4), Duration::from_millis(800)));
    failure.not_before(NOW + Duration::from_secs(2));
    assert_eq!(waits(&failure), (Duration::from_secs(4), Duration::from_secs(2)));
}

#[test]
fn r10_waits_between_attempts_double_up_to_their_cap() {
    let waits = (0..7).map(|attempt| between_attempts(attempt, &transient(), &mut Dice::new(false)));
    let expected = [200, 400, 800, 1600, 3200, 5000, 5000].map(Duration::from_millis);
    assert_eq!(waits.collect::<Vec<_>>(), expected);
}

proptest! {
    #[test]
    fn r08_jitter_takes_away_half_at_most_and_adds_nothing(
        streak in any::<u32>(),
        left in prop::option::of(any::<Duration>()),
    ) {
        let (relaxed, urgent) = waits(&failure(transient(), streak, left));
        let jittered =
            waits(&Failure::new(transient(), streak, NOW, left, &exact(), &mut Dice::new(true)));
        for (whole, jittered) in [(relaxed, jittered.0), (urgent, jittered.1)] {
            prop_assert!(jittered >= whole / 2 && jittered <= whole, "{jittered:?} of {whole:?}");
        }
        prop_assert!(relaxed <= BACKOFF_MAX && urgent <= URGENT_BACKOFF_MAX);
        prop_assert!(relaxed >= URGENT_BACKOFF_FIRST && urgent >= URGENT_BACKOFF_FIRST);
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
        let wait = between_attempts(attempt, &error, &mut Dice::new(true));
        let least = asked.unwrap_or_default().min(RETRY_AFTER_MAX);
        prop_assert!(wait >= least && wait <= least.max(RETRY_MAX), "{wait:?}");
    }

    #[test]
    fn r08_no_time_of_a_failure_overflows(at in any::<Duration>(), streak in any::<u32>()) {
        let mut failure = Failure::new(transient(), streak, at, None, &exact(), &mut Dice::new(true));
        failure.not_before(Duration::MAX);
        prop_assert!(failure.retry_at(true) >= at && failure.retry_at(false) >= at);
    }
}

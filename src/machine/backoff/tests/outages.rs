//! The waits within a flight, and those that grow with an outage.

use super::*;

#[test]
fn r10_waits_between_attempts_double_up_to_their_cap() {
    let wait = |attempt| between_attempts(attempt, &transient(), streak(0), NOW, &mut exact());
    let waits = (0..7).map(wait);
    let expected = [200, 400, 800, 1600, 3200, 5000, 5000].map(Duration::from_millis);
    assert_eq!(waits.collect::<Vec<_>>(), expected);
}

/// The waits after an outage of so many seconds: between two attempts of a flight, and between two flights with
/// nothing usable held.
fn after(seconds: u64, error: &Error, pace: &mut Pace) -> (Duration, Duration) {
    let streak = Streak { refusals: 0, flights: 1, since: NOW.saturating_sub(Duration::from_secs(seconds)) };
    let failure = Failure::new(error.clone(), streak, NOW, None, pace);
    (between_attempts(0, error, streak, NOW, pace), failure.retry_at(false, false) - NOW)
}

#[test]
fn r08_in_a_long_outage_attempts_are_a_tenth_of_it_apart() {
    let wait = |seconds| after(seconds, &transient(), &mut exact());
    let secs = Duration::from_secs;
    assert_eq!(wait(0), (Timing::RETRY_FIRST, Timing::URGENT_BACKOFF_FIRST));
    assert_eq!(
        wait(50),
        (Timing::RETRY_FIRST, Timing::URGENT_BACKOFF_FIRST),
        "a tenth of it is no more than the other waits"
    );
    assert_eq!(wait(60), (secs(6), secs(6)));
    assert_eq!(wait(300), (secs(30), secs(30)));
    assert_eq!(wait(600), (secs(60), secs(60)));
    assert_eq!(wait(900), (secs(60), secs(60)), "and a minute at most");
}

#[test]
fn r08_the_wait_that_a_long_outage_makes_is_spread_over_its_second_half() {
    let mut pace = varied();
    let half = Duration::from_secs(15)..=Duration::from_secs(30);
    for _ in 0..1000 {
        let (attempt, flight) = after(300, &transient(), &mut pace);
        assert!(half.contains(&attempt) && half.contains(&flight), "{attempt:?} {flight:?}");
    }
}

#[test]
fn r08_the_wait_that_a_long_outage_makes_can_be_set() {
    let wait = |max| {
        let timing = Timing::default().without_jitter().outage_backoff_max(Duration::from_secs(max));
        after(600, &transient(), &mut Pace::new(timing))
    };
    assert_eq!(wait(20), (Duration::from_secs(20), Duration::from_secs(20)));
    assert_eq!(wait(0), (Timing::RETRY_FIRST, Timing::URGENT_BACKOFF_FIRST));
}

#[test]
fn r11_however_long_ago_the_first_one_was_a_terminal_error_is_remembered_for_as_long() {
    let (_, flight) = after(600, &Error::login_required("no"), &mut exact());
    assert_eq!(flight, exact().timing.terminal_memory);
}

#[test]
fn r08_an_outage_that_nobody_looked_at_for_a_minute_is_a_new_one() {
    let streak = Streak { refusals: 0, flights: 3, since: NOW - Duration::from_secs(600) };
    let failure = Failure::new(transient(), streak, NOW, None, &mut exact());
    let latest = NOW + Duration::from_secs(60) + exact().timing.outage_backoff_max;
    assert_eq!(failure.streak_at(latest, &exact().timing), streak);
    let later = latest + Duration::from_millis(1);
    assert_eq!(failure.streak_at(later, &exact().timing), Streak { refusals: 0, flights: 3, since: later });
}

#[test]
fn r08_clients_that_failed_together_spread() {
    let mut pace = varied();
    let (long_ago, twice) =
        (Streak { refusals: 0, flights: 1, since: NOW - Duration::from_secs(300) }, streak(2));
    let mut waits = [const { Vec::new() }; 4];
    for _ in 0..1000 {
        let in_outage = Failure::new(transient(), long_ago, NOW, None, &mut pace);
        let early = Failure::new(transient(), twice, NOW, None, &mut pace);
        waits[0].push(between_attempts(0, &transient(), long_ago, NOW, &mut pace));
        waits[1].push(in_outage.retry_at(false, false) - NOW);
        waits[2].push(early.retry_at(true, false) - NOW);
        waits[3].push(early.retry_at(false, false) - NOW);
    }
    for waits in &mut waits {
        waits.sort();
        // Of 1000 throws within the upper half, the tenth and the tenth last are far from its middle.
        assert!(waits[990] - waits[10] > waits[999] / 3, "{:?} to {:?}", waits[10], waits[990]);
    }
}

#[test]
fn r10_r11_jitter_takes_nothing_off_what_the_server_asked_or_a_terminal_error_s_memory() {
    let mut pace = varied();
    let asked = Duration::from_secs(20);
    for _ in 0..1000 {
        let busy = Failure::new(transient().with_retry_after(asked), streak(1), NOW, None, &mut pace);
        assert_eq!(waits(&busy), (asked, asked));
        let over = Failure::new(Error::login_required("no"), streak(1), NOW, None, &mut pace);
        assert_eq!(waits(&over), (Timing::TERMINAL_MEMORY, Timing::TERMINAL_MEMORY));
    }
}

#[test]
fn r07_a_flight_that_was_cut_off_in_a_long_outage_ends_it() {
    let streak = Streak { refusals: 0, flights: 2, since: NOW - Duration::from_secs(300) };
    let cut = Failure::interrupted(transient(), streak, NOW, &mut exact());
    assert_eq!(waits(&cut), (Timing::BACKOFF_FIRST, Timing::URGENT_BACKOFF_FIRST));
    assert_eq!(cut.streak, streak);
    let next = NOW + Timing::URGENT_BACKOFF_FIRST;
    assert_eq!(cut.streak_at(next, &exact().timing), Streak { since: next, ..streak });
}

#[test]
fn r08_nobody_has_to_look_at_an_outage_before_the_longer_of_the_waits_is_over() {
    // Seven times in a row: a minute with a valid token held, five seconds without.
    let streak = streak(7);
    let failure = Failure::new(transient(), streak, NOW, None, &mut exact());
    let latest = NOW + Timing::BACKOFF_MAX + exact().timing.outage_backoff_max;
    assert_eq!(failure.streak_at(latest, &exact().timing), streak);
    let later = latest + Duration::from_millis(1);
    assert_eq!(failure.streak_at(later, &exact().timing).since, later);
}

#[test]
fn r08_an_outage_is_still_the_same_after_the_longest_wait_that_any_setting_asks_for() {
    for (setting, longest) in [(0, Timing::OUTAGE_BACKOFF_MAX), (600, Duration::from_secs(600))] {
        let timing = Timing::default().without_jitter().outage_backoff_max(Duration::from_secs(setting));
        let mut pace = Pace::new(timing);
        let failure = Failure::new(transient(), streak(1), NOW, None, &mut pace);
        let latest = NOW + Timing::BACKOFF_FIRST + longest;
        assert_eq!(failure.streak_at(latest, &pace.timing), streak(1));
        let later = latest + Duration::from_millis(1);
        assert_eq!(failure.streak_at(later, &pace.timing).since, later);
    }
}

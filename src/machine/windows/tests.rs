//! The windows, for every lifetime there may be.

use proptest::prelude::*;

use super::*;

fn start() -> Reading {
    Reading { monotonic: Duration::from_secs(1000), wall: UNIX_EPOCH + Duration::from_secs(2_000_000_000) }
}

/// How long before expiry a deadline is, which has to be the same on both clocks.
fn before_expiry(windows: &Windows, deadline: Deadline) -> Duration {
    let by_wall = windows.expiry.wall.zip(deadline.wall).and_then(|(end, at)| end.duration_since(at).ok());
    let by_monotonic = windows.expiry.monotonic.zip(deadline.monotonic).map(|(end, at)| end - at);
    assert_eq!(by_wall, by_monotonic);
    by_wall.unwrap_or_else(|| unreachable!("a window ends no later than the token"))
}

fn lasting(lifetime: Duration, timing: &Timing) -> Windows {
    let windows = Windows::lasting(lifetime, start(), &mut Pace::new(timing.clone()));
    assert_eq!(windows.lifetime(), Some(lifetime));
    assert_eq!(windows.expiry, Deadline::at(start().after(lifetime)));
    windows
}

#[test]
fn r02_the_default_windows_scale_with_the_lifetime() {
    let secs = Duration::from_secs;
    for (lifetime, advisory, mandatory) in [
        (secs(1), Duration::from_millis(250), Duration::from_millis(100)),
        (secs(60), secs(15), secs(6)),
        (secs(300), secs(75), secs(10)),
        (secs(1200), secs(300), secs(10)),
        (secs(3600), secs(900), secs(10)),
        (secs(24 * 3600), secs(900), secs(10)),
    ] {
        let windows = lasting(lifetime, &Timing::default().without_jitter());
        assert_eq!(before_expiry(&windows, windows.advisory), advisory, "{lifetime:?}");
        assert_eq!(before_expiry(&windows, windows.mandatory), mandatory, "{lifetime:?}");
    }
}

#[test]
fn r02_jitter_goes_both_ways() {
    let draws = (0..200).map(|_| {
        let windows = lasting(Duration::from_secs(300), &Timing::default());
        before_expiry(&windows, windows.advisory).as_secs_f64()
    });
    let (least, most) = draws.fold((f64::MAX, 0.0_f64), |(least, most), d| (least.min(d), most.max(d)));
    assert!((67.5..70.0).contains(&least) && (80.0..=82.5).contains(&most), "{least} {most}");
}

fn lifetimes() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0_u64..10_000).prop_map(Duration::from_nanos),
        (0_u64..100_000).prop_map(Duration::from_millis),
        (0..=Timing::MAX_LIFETIME.as_secs()).prop_map(Duration::from_secs),
    ]
}

/// Divisors and greatest sizes of both windows, sensible or not.
fn timings() -> impl Strategy<Value = Timing> {
    let window = || (0_u32..20, prop_oneof![Just(Duration::MAX), lifetimes()]);
    (window(), window(), any::<bool>()).prop_map(|(advisory, mandatory, jitter)| {
        let timing = Timing::default()
            .advisory_window(advisory.0, advisory.1)
            .mandatory_window(mandatory.0, mandatory.1);
        if jitter { timing } else { timing.without_jitter() }
    })
}

proptest! {
    #[test]
    fn r02_jitter_stays_within_a_tenth_and_within_bounds(lifetime in lifetimes(), timing in timings()) {
        let windows = lasting(lifetime, &timing);
        let (advisory, mandatory) =
            (before_expiry(&windows, windows.advisory), before_expiry(&windows, windows.mandatory));
        prop_assert!(mandatory <= advisory && advisory <= lifetime, "{mandatory:?} {advisory:?} {lifetime:?}");
        prop_assert_eq!(mandatory, (lifetime / timing.mandatory.0).min(timing.mandatory.1));
        let nominal = (lifetime / timing.advisory.0).min(timing.advisory.1);
        let jitter = if timing.jitter { nominal / 10 } else { Duration::ZERO };
        // One nanosecond for rounding, either way.
        let rounding = Duration::from_nanos(1);
        let (least, most) = ((nominal - jitter).saturating_sub(rounding), nominal + jitter + rounding);
        prop_assert!(advisory >= least.max(mandatory).min(lifetime), "{advisory:?} {nominal:?}");
        prop_assert!(advisory <= most.max(mandatory), "{advisory:?} {nominal:?}");
    }

    #[test]
    fn r01_time_moves_a_token_through_its_states_in_order_and_never_back(
        lifetime in lifetimes(),
        timing in timings(),
        steps in prop::collection::vec(0_u64..1_000_000, 1..50),
    ) {
        let windows = lasting(lifetime, &timing);
        let mut state = windows.freshness(start());
        let total: u64 = steps.iter().sum::<u64>().max(1);
        let mut gone = 0;
        for step in steps {
            gone += step;
            let now = start().after(lifetime.mul_f64(gone as f64 / total as f64));
            let next = windows.freshness(now);
            prop_assert!(next >= state, "{state:?} then {next:?}");
            state = next;
        }
        prop_assert_eq!(windows.freshness(start().after(lifetime)), Freshness::Expired);
    }

    #[test]
    fn r03_a_token_has_expired_as_soon_as_either_clock_says_so(
        lifetime in lifetimes(),
        monotonic in lifetimes(),
        wall in lifetimes(),
    ) {
        let windows = lasting(lifetime, &Timing::default());
        let now = Reading { monotonic: start().monotonic + monotonic, wall: start().wall + wall };
        let expired = windows.freshness(now) == Freshness::Expired;
        prop_assert_eq!(expired, monotonic >= lifetime || wall >= lifetime);
        prop_assert_eq!(windows.expiry.remaining(now).is_none_or(|left| left.is_zero()), expired);
    }

    #[test]
    fn r03_no_reading_of_the_clocks_panics(
        monotonic in any::<Duration>(),
        wall in any::<SystemTime>(),
        then in any::<SystemTime>(),
        lifetime in any::<Duration>(),
    ) {
        let now = Reading { monotonic, wall };
        let timing = Timing::default();
        let pace = &mut Pace::new(timing.clone());
        for windows in [
            Windows::lasting(lifetime, now, pace),
            Windows::until(then, now, pace),
            Windows::of(&Credentials::new("at").map_err(|e| TestCaseError::fail(e.to_string()))?, now, false, pace),
        ] {
            windows.freshness(Reading { monotonic: Duration::ZERO, wall: then });
            let both = windows.expiry.or_earlier(windows.mandatory);
            both.remaining(now);
        }
    }
}

#[test]
fn r03_the_earlier_of_two_deadlines_is_taken_clock_by_clock() {
    let (early, late) = (start(), start().after(Duration::from_secs(9)));
    let mixed = Deadline { monotonic: Some(late.monotonic), wall: Some(early.wall) };
    assert_eq!(mixed.or_earlier(Deadline::monotonic(early.monotonic)), Deadline::at(early));
    assert_eq!(Deadline::NEVER.or_earlier(mixed), mixed);
    assert_eq!(mixed.or_earlier(Deadline::NEVER), mixed);
    assert!(!Deadline::NEVER.passed(Reading { monotonic: Duration::MAX, wall: late.wall }));
    assert_eq!(Deadline::NEVER.remaining(early), None);
    assert_eq!(Deadline::at(late).remaining(early), Some(Duration::from_secs(9)));
}

#[test]
fn r04_a_time_of_day_far_away_is_clamped() {
    let far = start().wall + Timing::MAX_LIFETIME + Duration::from_secs(1);
    let windows = Windows::until(far, start(), &mut Pace::new(Timing::default()));
    assert_eq!(windows.lifetime(), Some(Timing::MAX_LIFETIME));
    assert_eq!(windows.expires_at(), Some(start().wall + Timing::MAX_LIFETIME));
}

//! Functions that no other test needs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reauth::clock::{Clock, Reading, SystemClock, TokioClock};
use reauth::{Authenticator, Credentials, SourceFn, source_fn};

use crate::authenticator::{exact, seconds, token};

#[test]
fn a_reading_moves_on_both_clocks_and_stays_where_it_can_not() {
    let reading = Reading { monotonic: seconds(1), wall: UNIX_EPOCH };
    let later = reading.after(seconds(2));
    assert_eq!((later.monotonic, later.wall), (seconds(3), UNIX_EPOCH + seconds(2)));
    let end = reading.after(Duration::MAX);
    assert_eq!((end.monotonic, end.wall), (Duration::MAX, UNIX_EPOCH));
}

#[test]
fn the_system_clock_needs_no_runtime_and_reads_the_time_of_day() {
    let before = SystemTime::now();
    let (first, second) = {
        let clock = SystemClock::new();
        (clock.now(), clock.clone().now())
    };
    assert!(first.wall >= before && second.monotonic >= first.monotonic);
    assert_eq!(format!("{:?}", SystemClock::new()), "SystemClock");
}

#[test]
fn tokios_clock_needs_no_runtime_and_starts_at_the_time_of_day() {
    let before = SystemTime::now();
    let first = TokioClock::new().clone().now();
    assert!(first.wall >= before && first.monotonic < Duration::from_secs(60), "{first:?}");
    assert!(format!("{:?}", TokioClock::default()).starts_with("TokioClock"));
}

#[tokio::test(start_paused = true)]
async fn a_closure_is_a_source() {
    let source = source_fn(|| async { Credentials::new("from-a-closure") });
    fn is_clone_and_debug<F: Clone>(source: &SourceFn<F>) -> String {
        format!("{:?}", source.clone())
    }
    assert_eq!(is_clone_and_debug(&source), "SourceFn");
    assert_eq!(token(&exact(source)).await.unwrap(), "from-a-closure");
}

#[test]
fn r40_an_authenticator_and_its_builder_show_no_token() {
    let builder = Authenticator::builder(Credentials::new("canary").unwrap());
    let shown = format!("{builder:?}") + &format!("{:?}", builder.build());
    assert!(shown.contains("Authenticator") && !shown.contains("canary"), "{shown}");
}

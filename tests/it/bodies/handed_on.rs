//! A [`ReplayBody`] while it is sent: its size, how often it is taken over, which task is woken, what it holds.

use std::sync::Arc;
use std::task::{Poll, Waker};

use http::{HeaderMap, HeaderValue};
use http_body::Body;
use reauth::ReplayBody;
use reauth::replay::{Replay, ReplayableBody};

use super::kept::{Woken, data, poll, rest, take};
use super::scripted::{Part, Scripted};

fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static("x"))])
}

#[tokio::test]
async fn f49_a_third_attempt_sends_what_the_second_had_not_sent_yet() {
    for sent in 0..=2 {
        let mut first = ReplayBody::new(Scripted::data([b"one", b"two"]).then(Part::Trailers(trailers())));
        let replay = first.replay();
        for _ in 0..3 {
            assert!(matches!(poll(&mut first, Waker::noop()), Poll::Ready(Some(Ok(_)))));
        }
        let mut second = take(replay).expect("within the limit");
        let replay = second.replay();
        for _ in 0..sent {
            let _ = poll(&mut second, Waker::noop());
        }
        let third = take(replay).expect("within the limit");
        assert_eq!(rest(third).await, ("onetwo".into(), Some(trailers())), "after {sent} frames");
    }
}

#[test]
fn f49_the_second_attempt_sends_its_data_before_the_trailers() {
    let mut first = ReplayBody::new(Scripted::data([b"one"]).then(Part::Trailers(trailers())));
    let replay = first.replay();
    while let Poll::Ready(Some(_)) = poll(&mut first, Waker::noop()) {}
    let mut second = take(replay).expect("within the limit");
    assert_eq!(data(&mut second), "one");
    let Poll::Ready(Some(Ok(last))) = poll(&mut second, Waker::noop()) else { panic!("no trailers") };
    assert!(last.is_trailers());
    // The stream has reported its end, and is not polled again.
    assert!(matches!(poll(&mut second, Waker::noop()), Poll::Ready(None)));
}

#[test]
fn r27_the_second_attempt_keeps_no_more_than_the_first() {
    let mut first = ReplayBody::with_limit(Scripted::data([b"one", b"two", b"three"]), 6);
    let replay = first.replay();
    let _ = data(&mut first);
    let mut second = take(replay).expect("within the limit");
    let replay = second.replay();
    assert_eq!((data(&mut second), data(&mut second)), ("one".into(), "two".into()));
    assert_eq!(data(&mut second), "three");
    assert!(take(replay).is_none(), "eleven bytes of six");
}

#[test]
fn r27_the_size_is_of_what_is_left_kept_or_not() {
    for kept in [true, false] {
        let mut body = ReplayBody::new(Scripted::data([b"one", b"three"]).sized());
        let replay = kept.then(|| body.replay());
        for left in [5, 0] {
            let _ = data(&mut body);
            assert_eq!((body.size_hint().lower(), body.size_hint().upper()), (left, Some(left)), "{kept}");
        }
        drop(replay);
    }
}

#[test]
fn r27_a_body_of_which_nothing_was_sent_can_be_asked_again() {
    let mut body = ReplayBody::new(Scripted::data([b"one"]));
    drop(body.replay());
    assert!(matches!(body.replay(), Replay::Kept(_)));
}

#[test]
fn r27_the_task_that_polled_last_is_woken_when_a_body_is_taken_over() {
    let mut body = ReplayBody::new(Scripted::of([Part::Blocked]));
    let replay = body.replay();
    let (moved, last) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
    for task in [&moved, &last] {
        assert!(poll(&mut body, &Waker::from(task.clone())).is_pending());
    }
    let second = take(replay);
    assert_eq!((moved.times(), last.times()), (0, 1));
    drop(second);
}

#[test]
fn r27_a_body_that_will_not_be_taken_over_holds_no_task() {
    let mut body = ReplayBody::new(Scripted::of([Part::Blocked]));
    assert_eq!(format!("{body:?}"), "ReplayBody { .. }");
    let task = Arc::new(Woken::default());
    // The stream holds one waker, to report that there is more.
    assert!(poll(&mut body, &Waker::from(task.clone())).is_pending());
    assert_eq!(Arc::strong_count(&task), 2);

    let mut body =
        ReplayBody::new(Scripted::data([b"one"]).then(Part::Later).then(Part::Data(b"two".into())));
    let replay = body.replay();
    let _ = data(&mut body);
    let task = Arc::new(Woken::default());
    assert!(poll(&mut body, &Waker::from(task.clone())).is_pending());
    assert_eq!(Arc::strong_count(&task), 2, "it would have to be woken");
    drop(replay);
    assert_eq!(Arc::strong_count(&task), 1);
}

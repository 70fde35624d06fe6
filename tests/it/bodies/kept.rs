//! What [`ReplayBody`] keeps, and what it sends again.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use reauth::ReplayBody;
use reauth::replay::{REPLAY_LIMIT, Replay, ReplayableBody, Superseded};

use super::scripted::{Part, Scripted};

pub(super) type Polled = Poll<Option<Result<Frame<Bytes>, Box<dyn std::error::Error + Send + Sync>>>>;

pub(super) fn poll(body: &mut ReplayBody, waker: &Waker) -> Polled {
    Pin::new(body).poll_frame(&mut Context::from_waker(waker))
}

/// The data of the next frame.
pub(super) fn data(body: &mut ReplayBody) -> Bytes {
    match poll(body, Waker::noop()) {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().expect("data"),
        other => panic!("{other:?}"),
    }
}

/// The rest of a body.
pub(super) async fn rest(body: ReplayBody) -> (Bytes, Option<HeaderMap>) {
    let collected = body.collect().await.expect("a body that does not fail");
    let trailers = collected.trailers().cloned();
    (collected.to_bytes(), trailers)
}

pub(super) fn take(replay: Replay<ReplayBody>) -> Option<ReplayBody> {
    match replay {
        Replay::Kept(take) => take(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn f49_the_second_attempt_gets_what_was_sent_and_then_the_rest() {
    let mut first = ReplayBody::new(Scripted::data([b"one", b"two", b"three"]));
    let replay = first.replay();
    assert_eq!((data(&mut first), data(&mut first)), ("one".into(), "two".into()));
    let second = take(replay).expect("within the limit");
    assert_eq!(rest(second).await.0, "onetwothree");
}

#[tokio::test]
async fn r27_the_limit_counts_every_byte_that_passed() {
    assert_eq!(REPLAY_LIMIT, 65_536, "the default");
    for (limit, kept) in [(5, false), (6, true)] {
        let mut first = ReplayBody::with_limit(Scripted::data([b"one", b"two", b"three"]), limit);
        let replay = first.replay();
        assert_eq!((data(&mut first), data(&mut first)), ("one".into(), "two".into()));
        assert_eq!(take(replay).is_some(), kept, "{limit}");
        if !kept {
            assert_eq!(rest(first).await.0, "three", "the first attempt goes on");
        }
    }
    let mut first = ReplayBody::new(Scripted::data([&[7; REPLAY_LIMIT], b"x"]));
    let replay = first.replay();
    assert_eq!(data(&mut first).len(), REPLAY_LIMIT);
    assert_eq!(rest(take(replay).expect("the default limit")).await.0.len(), REPLAY_LIMIT + 1);
}

#[tokio::test]
async fn r27_a_limit_of_zero_is_for_bodies_without_data() {
    let mut first = ReplayBody::with_limit(Scripted::data([b""]), 0);
    let replay = first.replay();
    assert!(data(&mut first).is_empty());
    assert!(take(replay).is_some());
}

#[tokio::test]
async fn f49_trailers_are_sent_again() {
    let trailers = HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static("x"))]);
    for polled in 0..=3 {
        let mut first =
            ReplayBody::new(Scripted::data([b"one"]).then(Part::Trailers(trailers.clone())).sized());
        let replay = first.replay();
        for _ in 0..polled {
            let _ = poll(&mut first, Waker::noop());
        }
        let second = take(replay).expect("within the limit");
        assert!(!second.is_end_stream());
        assert_eq!(rest(second).await, ("one".into(), Some(trailers.clone())), "after {polled} frames");
    }
}

#[tokio::test]
async fn f49_the_size_is_the_same_again() {
    for polled in 0..=3 {
        let mut first = ReplayBody::new(Scripted::data([b"one", b"three"]).sized());
        assert_eq!(first.size_hint().exact(), Some(8));
        let replay = first.replay();
        for _ in 0..polled {
            let _ = poll(&mut first, Waker::noop());
        }
        let second = take(replay).expect("within the limit");
        assert_eq!((second.size_hint().exact(), second.is_end_stream()), (Some(8), false), "after {polled}");
    }
    let mut unknown = ReplayBody::new(Scripted::data([b"one"]));
    assert_eq!((unknown.size_hint().lower(), unknown.size_hint().upper()), (0, None));
    let replay = unknown.replay();
    let _ = data(&mut unknown);
    let second = take(replay).expect("within the limit");
    assert_eq!((second.size_hint().lower(), second.size_hint().upper()), (0, None), "as the first time");
}

#[tokio::test]
async fn f49_an_empty_body_stays_empty() {
    let mut first = ReplayBody::new(Scripted::data([]).sized());
    assert!(first.is_end_stream());
    let second = take(first.replay()).expect("within the limit");
    assert_eq!((second.is_end_stream(), second.size_hint().exact()), (true, Some(0)));
    assert_eq!(rest(second).await.0, "");
}

#[tokio::test]
async fn f49_an_error_of_the_stream_keeps_its_type() {
    let mut body = ReplayBody::new(Scripted::data([b"one"]).then(Part::Fails("the disk")));
    let replay = body.replay();
    let _ = data(&mut body);
    let Poll::Ready(Some(Err(error))) = poll(&mut body, Waker::noop()) else { panic!("no error") };
    let error = error.downcast::<std::io::Error>().expect("the stream's error");
    assert_eq!(error.to_string(), "the disk");
    assert!(take(replay).is_none(), "half a body is not sent again");
}

/// How often it was woken.
#[derive(Default)]
pub(super) struct Woken(AtomicUsize);

impl Woken {
    pub(super) fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn r27_an_attempt_that_is_superseded_is_woken_and_fails() {
    let mut first = ReplayBody::new(Scripted::data([b"one"]).then(Part::Blocked).sized());
    let replay = first.replay();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let _ = data(&mut first);
    assert!(poll(&mut first, &waker).is_pending());
    let second = take(replay).expect("within the limit");
    assert_eq!(woken.times(), 1, "a task that waits for more of the body is woken");
    assert!(!first.is_end_stream(), "a body that is cut off does not look finished");
    let Poll::Ready(Some(Err(error))) = poll(&mut first, &waker) else { panic!("no error") };
    assert!(error.is::<Superseded>());
    assert_eq!(error.to_string(), "the body is being sent again by another attempt");
    assert!(matches!(first.replay(), Replay::Never), "the body was taken over");
    drop(second);
}

#[tokio::test]
async fn r27_a_body_of_which_something_has_passed_unkept_is_sent_once() {
    let mut body = ReplayBody::new(Scripted::data([b"one", b"two"]));
    let _ = data(&mut body);
    assert!(matches!(body.replay(), Replay::Never));
    let mut body = ReplayBody::new(Scripted::data([b"one", b"two"]));
    let replay = body.replay();
    let _ = data(&mut body);
    drop(replay);
    assert!(matches!(body.replay(), Replay::Never), "what was kept is dropped with the last replay");
}

#[tokio::test]
async fn f49_a_second_attempt_can_be_followed_by_a_third_of_another_layer() {
    let mut first = ReplayBody::new(Scripted::data([b"one", b"two", b"three"]));
    let replay = first.replay();
    let _ = data(&mut first);
    let mut second = take(replay).expect("within the limit");
    let replay = second.replay();
    assert_eq!(data(&mut second), "one");
    assert_eq!(rest(take(replay).expect("within the limit")).await.0, "onetwothree");
}

#[tokio::test]
async fn r27_of_two_layers_only_one_takes_a_body_over() {
    let mut body = ReplayBody::new(Scripted::data([b"one"]));
    let (outer, inner) = (body.replay(), body.replay());
    let second = take(inner).expect("within the limit");
    assert!(take(outer).is_none());
    assert_eq!(rest(second).await.0, "one");
    let mut body = ReplayBody::new(Scripted::data([b"one"]));
    let (outer, inner) = (body.replay(), body.replay());
    let _ = data(&mut body);
    drop(inner);
    assert_eq!(rest(take(outer).expect("kept for the outer one")).await.0, "one");
}

/// Panics at its second poll, and ends at the third.
struct Panics(u8);

impl Body for Panics {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.0 += 1;
        match self.0 {
            1 => Poll::Ready(Some(Ok(Frame::data("one".into())))),
            2 => panic!("the body panics, as the test says"),
            _ => Poll::Ready(None),
        }
    }
}

#[tokio::test]
async fn f49_a_body_that_panicked_is_not_sent_again() {
    let mut first = ReplayBody::new(Panics(0));
    let replay = first.replay();
    let sending = tokio::spawn(async move { first.collect().await.is_ok() });
    assert!(sending.await.is_err_and(|error| error.is_panic()));
    assert!(take(replay).is_none());
}

/// A task that lives as long as its wakers, and owns the replay of the body.
struct Owner {
    _replay: Mutex<Replay<ReplayBody>>,
}

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

/// In another thread, so that a deadlock fails the test and does not stop the run.
#[test]
fn r27_a_task_that_ends_with_its_last_waker_causes_no_deadlock() {
    let (done, over) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut body = ReplayBody::new(Scripted::of([Part::Blocked]));
        let owner = Arc::new(Owner { _replay: Mutex::new(body.replay()) });
        assert!(poll(&mut body, &Waker::from(owner)).is_pending());
        assert!(poll(&mut body, Waker::noop()).is_pending());
        assert!(poll(&mut body, Waker::noop()).is_pending(), "the body has not ended either");
        done.send(()).unwrap();
    });
    over.recv_timeout(Duration::from_secs(60)).expect("a deadlock");
}

#[test]
fn f49_an_empty_body_of_unknown_length_is_framed_in_the_same_way_again() {
    let mut first = ReplayBody::new(Scripted::data([]));
    assert!(!first.is_end_stream());
    let replay = first.replay();
    assert!(matches!(poll(&mut first, Waker::noop()), Poll::Ready(None)));
    assert!(first.is_end_stream());
    let mut second = take(replay).expect("within the limit");
    assert!(!second.is_end_stream(), "it was not known to be empty");
    assert!(matches!(poll(&mut second, Waker::noop()), Poll::Ready(None)));
    assert!(second.is_end_stream());
}

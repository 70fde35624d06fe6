//! What will not be sent again is not kept in memory.

use std::pin::pin;
use std::task::Waker;

use bytes::BytesMut;
use http_body_util::Full;

use super::super::shared_body::Frames;
use super::*;

/// How many bytes are kept.
fn kept(body: &ReplayBody) -> usize {
    lock(&body.shared).kept.data.len()
}

fn send_a_frame(body: &mut ReplayBody) {
    let frame = pin!(body).poll_frame(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(frame, Poll::Ready(Some(Ok(_)))));
}

#[test]
fn r27_nothing_is_kept_once_it_cannot_be_sent_again() {
    let mut body = ReplayBody::new(Full::new(Bytes::from_static(b"one")));
    let replay = body.replay();
    send_a_frame(&mut body);
    assert_eq!(kept(&body), 3);
    drop(replay);
    assert_eq!(kept(&body), 0);
}

#[test]
fn r27_nothing_is_kept_past_the_limit() {
    let whole = Frames { data: BytesMut::from("four"), trailers: None };
    let rest = Full::new(Bytes::from_static(b"two")).map_err(Into::into).boxed_unsync();
    let mut body =
        ReplayBody::of(SharedBody { again: whole, rest: Some(rest), limit: 3, ..SharedBody::default() });
    let replay = body.replay();
    send_a_frame(&mut body);
    assert_eq!(kept(&body), 0, "more than the limit");
    send_a_frame(&mut body);
    assert_eq!(kept(&body), 0, "the rest is within the limit, but it is not the whole");
    drop(replay);
}

//! reqwest's requests and bodies. A body is bytes or a stream, and reqwest has no function to clone a stream.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::Body as _;
use reqwest::{Body, Request};

use super::body::ReplayBody;
use super::{REPLAY_LIMIT, Replay, ReplayableBody};

/// Bytes are shared; up to [`REPLAY_LIMIT`] bytes of a stream are kept while it is sent.
impl ReplayableBody for Body {
    fn replay(&mut self) -> Replay<Self> {
        if self.as_bytes().is_none() {
            return keep(self, REPLAY_LIMIT);
        }
        let mut body = std::mem::take(self);
        // Bytes come at once, as one frame.
        let bytes = match Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            _ => Bytes::new(),
        };
        *self = Self::from(bytes.clone());
        Replay::Copy(Self::from(bytes))
    }
}

/// What a second attempt would send. Of a streaming body, up to `limit` bytes are kept while it is sent.
// Inlined, because the value is large.
#[inline(always)]
pub(crate) fn replay(request: &mut Request, limit: usize) -> Option<Replay<Request>> {
    match request.try_clone() {
        Some(copy) => Some(Replay::Copy(copy)),
        None => replay_stream(request, limit),
    }
}

#[cold]
fn replay_stream(request: &mut Request, limit: usize) -> Option<Replay<Request>> {
    let body = request.body_mut().as_mut().filter(|_| limit > 0)?;
    let kept = keep(body, limit);
    // A stream can't be cloned, so it is taken out while the rest is.
    let stream = request.body_mut().take();
    let head = request.try_clone();
    *request.body_mut() = stream;
    let mut copy = head?;
    Some(kept.map(|body| {
        *copy.body_mut() = Some(body);
        copy
    }))
}

fn keep(body: &mut Body, limit: usize) -> Replay<Body> {
    let mut kept = ReplayBody::with_limit(std::mem::take(body), limit);
    let replay = kept.replay();
    *body = Body::wrap(kept);
    replay.map(Body::wrap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r27_the_bytes_of_a_reqwest_body_are_shared_and_not_copied() {
        let bytes = Bytes::from(vec![7; 1 << 20]);
        let mut body = Body::from(bytes.clone());
        let copy = body.replay().into_body();
        assert_eq!(body.as_bytes().map(<[u8]>::as_ptr), Some(bytes.as_ptr()));
        assert_eq!(copy.as_ref().and_then(Body::as_bytes).map(<[u8]>::as_ptr), Some(bytes.as_ptr()));
    }

    #[test]
    fn r27_a_reqwest_body_without_bytes_is_copied_too() {
        let mut body = Body::from("");
        let copy = body.replay().into_body();
        assert_eq!(body.as_bytes(), Some(&b""[..]));
        assert_eq!(copy.as_ref().and_then(Body::as_bytes), Some(&b""[..]));
    }

    #[test]
    fn r27_the_copy_of_a_reqwest_request_has_the_whole_head() {
        for body in [Body::from("bytes"), stream(1)] {
            let url = "https://a.test/x?y".parse();
            let Ok(mut request) = url.map(|url| Request::new(http::Method::PUT, url)) else { unreachable!() };
            request.headers_mut().insert("a", http::HeaderValue::from_static("b"));
            *request.timeout_mut() = Some(std::time::Duration::from_secs(7));
            *request.version_mut() = http::Version::HTTP_2;
            *request.body_mut() = Some(body);
            let copy = replay(&mut request, 1).and_then(Replay::into_body);
            assert!(copy.as_ref().is_some_and(|copy| copy.body().is_some()));
            let head = |request: &Request| {
                let head = (request.method().clone(), request.url().clone(), request.headers().clone());
                (head, request.timeout().copied(), request.version())
            };
            assert_eq!(copy.as_ref().map(head), Some(head(&request)));
        }
    }

    #[test]
    fn r27_of_a_stream_in_a_reqwest_body_as_much_is_kept_as_of_any_other() {
        for (length, again) in [(REPLAY_LIMIT, true), (REPLAY_LIMIT + 1, false)] {
            let mut body = stream(length);
            let replay = body.replay();
            let frame = Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(frame, Poll::Ready(Some(Ok(_)))));
            assert_eq!(replay.into_body().is_some(), again, "{length}");
        }
    }

    /// A body that does not say that it is bytes.
    fn stream(length: usize) -> Body {
        Body::wrap(http_body_util::Full::new(Bytes::from(vec![7; length])))
    }
}

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
        let bytes = take_bytes(self);
        *self = Self::from(bytes.clone());
        Replay::Copy(Self::from(bytes))
    }
}

/// A copy of a reqwest request, to send it again.
pub(crate) struct RequestCopy {
    head: Request,
    /// `None` if the copy of the head has the body already.
    body: Option<Replay<Body>>,
}

impl RequestCopy {
    /// Copies the request. Of a streaming body, up to `limit` bytes are kept while it is sent.
    ///
    /// `None` if the body can be sent only once.
    pub(crate) fn of(request: &mut Request, limit: usize) -> Option<Self> {
        if let Some(head) = request.try_clone() {
            return Some(Self { head, body: None });
        }
        let mut body = request.body_mut().take()?;
        let head = request.try_clone();
        let replay = if limit == 0 { Replay::Never } else { keep(&mut body, limit) };
        *request.body_mut() = Some(body);
        match replay {
            Replay::Never => None,
            replay => Some(Self { head: head?, body: Some(replay) }),
        }
    }

    /// The request, if its body can still be sent again.
    pub(crate) fn into_request(self) -> Option<Request> {
        let mut request = self.head;
        if let Some(body) = self.body {
            *request.body_mut() = Some(body.into_body()?);
        }
        Some(request)
    }
}

fn keep(body: &mut Body, limit: usize) -> Replay<Body> {
    let mut kept = ReplayBody::with_limit(std::mem::take(body), limit);
    let replay = kept.replay();
    *body = Body::wrap(kept);
    match replay {
        Replay::Copy(copy) => Replay::Copy(Body::wrap(copy)),
        Replay::Kept(take) => Replay::Kept(Box::new(move || take().map(Body::wrap))),
        Replay::Never => Replay::Never,
    }
}

/// Takes the bytes of a body that is not a stream: they come at once, as one frame.
fn take_bytes(body: &mut Body) -> Bytes {
    let mut body = std::mem::take(body);
    match Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        _ => Bytes::new(),
    }
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
            let copy = RequestCopy::of(&mut request, 1).and_then(RequestCopy::into_request);
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

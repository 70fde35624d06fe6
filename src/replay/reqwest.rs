//! reqwest's body, which is bytes or a stream, and doesn't let itself be cloned from outside.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::Body as _;
use reqwest::{Body, Request};

use super::{REPLAY_LIMIT, Replay, ReplayBody, ReplayableBody};

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

/// What is put aside of a reqwest request, to send it again.
pub(crate) struct Spare {
    head: Request,
    body: Option<Replay<Body>>,
}

impl Spare {
    /// Up to `limit` bytes of a streaming body are kept while it is sent.
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

    /// The request, if its body is still to be had.
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

/// The bytes of a body that is no stream: they come at once, as one frame.
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
}

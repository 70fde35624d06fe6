//! What a [`ReplayBody`](super::ReplayBody) and the means to send it again share: what was kept, and the rest.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(super) type Source = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;

/// What the body and the means to send it again share.
pub(super) struct Shared {
    /// To be sent before `source`: what an earlier attempt had taken.
    pub(super) again: Again,
    /// `None` once it has ended, or was taken over.
    pub(super) source: Option<Source>,
    /// This attempt has been told that there is no more. Another one is told anew, so that a body of unknown
    /// length is framed in the same way again.
    told_end: bool,
    /// Of the whole body, as it was at first, so that it is framed in the same way again.
    size: SizeHint,
    /// How many bytes of data have been taken.
    passed: u64,
    limit: usize,
    /// How many are there that may want to send the body again.
    pub(super) spares: usize,
    /// What has passed since there was one.
    pub(super) kept: Again,
    /// Some of the body has passed, and was not kept.
    pub(super) lost: bool,
    /// Another attempt has taken the body over.
    pub(super) superseded: bool,
    /// Of the task that sends the body, while it waits for a frame. Dropped outside the lock only: with the last
    /// waker of a task the task may go, and with it a spare of this very body.
    pub(super) sender: Option<Waker>,
}

/// Frames to be sent a second time.
#[derive(Default)]
pub(super) struct Again {
    pub(super) data: BytesMut,
    pub(super) trailers: Option<HeaderMap>,
}

impl Shared {
    pub(super) fn new(again: Again, source: Option<Source>, size: SizeHint, limit: usize) -> Self {
        Self {
            again,
            source,
            told_end: false,
            size,
            passed: 0,
            limit,
            spares: 0,
            kept: Again::default(),
            lost: false,
            superseded: false,
            sender: None,
        }
    }

    /// The body of the next attempt: what was kept, then the rest.
    pub(super) fn supersede(&mut self) -> Self {
        self.superseded = true;
        // Another attempt may be in the middle of sending it: what that was to send comes after what it sent.
        let mut again = std::mem::take(&mut self.kept);
        again.data.unsplit(std::mem::take(&mut self.again.data));
        again.trailers = again.trailers.or(self.again.trailers.take());
        Self::new(again, self.source.take(), self.size, self.limit)
    }

    pub(super) fn is_end_stream(&self) -> bool {
        !self.superseded
            && self.again.is_empty()
            && self.source.as_ref().map_or(self.told_end, |source| source.is_end_stream())
    }

    /// Of what has not been taken yet.
    pub(super) fn size_hint(&self) -> SizeHint {
        let mut left = SizeHint::new();
        if let Some(upper) = self.size.upper() {
            left.set_upper(upper.saturating_sub(self.passed));
        }
        left.set_lower(self.size.lower().saturating_sub(self.passed));
        left
    }

    /// The body can't be sent again any more, so nothing is kept of it.
    pub(super) fn lose(&mut self) {
        self.lost = true;
        self.kept = Again::default();
    }

    pub(super) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.superseded {
            return Poll::Ready(Some(Err(Superseded.into())));
        }
        if let Some(frame) = self.again.next() {
            return Poll::Ready(Some(Ok(frame)));
        }
        let Some(source) = &mut self.source else {
            self.told_end = true;
            return Poll::Ready(None);
        };
        Poll::Ready(match ready!(source.as_mut().poll_frame(context)) {
            None => {
                self.source = None;
                self.told_end = true;
                None
            }
            Some(Err(error)) => {
                // Half a body is not to be sent again.
                self.lose();
                Some(Err(error))
            }
            frame => frame,
        })
    }

    /// A frame goes to the sender; it is kept if the body may be sent again.
    pub(super) fn pass(&mut self, frame: &Frame<Bytes>) {
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.passed += length as u64;
        if self.lost {
            return;
        }
        if self.spares == 0 || length > self.limit - self.kept.data.len() {
            return self.lose();
        }
        if let Some(data) = frame.data_ref() {
            self.kept.data.extend_from_slice(data);
        }
        if let Some(trailers) = frame.trailers_ref() {
            self.kept.trailers = Some(trailers.clone());
        }
    }
}

impl Again {
    fn next(&mut self) -> Option<Frame<Bytes>> {
        if !self.data.is_empty() {
            return Some(Frame::data(std::mem::take(&mut self.data).freeze()));
        }
        self.trailers.take().map(Frame::trailers)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none()
    }
}

/// The error that ends an attempt's body when another attempt has taken it over: the first request was answered
/// with a 401 before it was sent to its end. Nobody waits for that attempt any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Superseded;

impl fmt::Display for Superseded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body is being sent again by another attempt")
    }
}

impl std::error::Error for Superseded {}

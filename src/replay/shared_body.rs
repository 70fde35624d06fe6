//! The state of a [`ReplayBody`](crate::ReplayBody): what was kept of the body, and the rest of it.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The state that a body shares with its takeovers.
#[derive(Default)]
pub(super) struct SharedBody {
    /// What an earlier attempt has taken: it is sent before `rest`.
    pub(super) again: Frames,
    /// `None` once it has ended, or was taken over.
    pub(super) rest: Option<UnsyncBoxBody<Bytes, BoxError>>,
    /// This attempt has seen the end of the body. The next attempt has to see it anew, so that a body of unknown length
    /// is framed in the same way again.
    pub(super) seen_end: bool,
    /// The size of the whole body before any of it was sent, so that it is framed in the same way again.
    pub(super) size: SizeHint,
    /// How many bytes of data have been sent.
    pub(super) sent: u64,
    pub(super) limit: usize,
    /// How many takeovers exist.
    pub(super) takeovers: usize,
    /// What was sent since there was a takeover.
    pub(super) kept: Frames,
    /// Some of the body was sent and not kept.
    pub(super) lost: bool,
    /// Another attempt has taken the body over.
    pub(super) superseded: bool,
    /// Wakes the task that sends the body, while it waits for a frame.
    ///
    /// Drop it outside the lock: the task may end with its last waker, and may own a takeover of this very body.
    pub(super) sender: Option<Waker>,
}

/// Data and trailers to send a second time.
#[derive(Default)]
pub(super) struct Frames {
    pub(super) data: BytesMut,
    pub(super) trailers: Option<HeaderMap>,
}

impl SharedBody {
    /// The body of the next attempt: what was kept, then the rest.
    pub(super) fn supersede(&mut self) -> Self {
        self.superseded = true;
        // This attempt may itself be sending an earlier one's frames. Those that are left follow those it has sent.
        let mut again = std::mem::take(&mut self.kept);
        again.data.unsplit(std::mem::take(&mut self.again.data));
        again.trailers = again.trailers.or(self.again.trailers.take());
        Self { again, rest: self.rest.take(), size: self.size, limit: self.limit, ..Self::default() }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        !self.superseded
            && self.again.is_empty()
            && self.rest.as_ref().map_or(self.seen_end, |rest| rest.is_end_stream())
    }

    /// The size of what is not yet sent.
    pub(super) fn size_hint(&self) -> SizeHint {
        let mut left = SizeHint::new();
        if let Some(upper) = self.size.upper() {
            left.set_upper(upper.saturating_sub(self.sent));
        }
        left.set_lower(self.size.lower().saturating_sub(self.sent));
        left
    }

    /// The body can't be sent again any more, so nothing of it is kept.
    pub(super) fn lose(&mut self) {
        self.lost = true;
        self.kept = Frames::default();
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
        let frame = match &mut self.rest {
            Some(rest) => ready!(Pin::new(rest).poll_frame(context)),
            None => None,
        };
        match frame {
            None => {
                self.rest = None;
                self.seen_end = true;
            }
            // Half a body must not be sent again.
            Some(Err(_)) => self.lose(),
            Some(Ok(_)) => {}
        }
        Poll::Ready(frame)
    }

    /// Counts a frame that is sent, and keeps it if the body may be sent again.
    pub(super) fn pass(&mut self, frame: &Frame<Bytes>) {
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.sent += length as u64;
        if self.lost {
            return;
        }
        if self.takeovers == 0 || length > self.limit - self.kept.data.len() {
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

impl Frames {
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

/// The error that ends the body of an attempt when another attempt has taken the body over.
///
/// The server had responded 401 to the first attempt before its body was sent to the end. No caller waits for that
/// attempt any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is being sent again by another attempt")]
pub struct Superseded;

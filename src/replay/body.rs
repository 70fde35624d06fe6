//! A streaming body that is kept while it is sent, as long as it is small.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

use super::{REPLAY_LIMIT, Replay, ReplayableBody};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Source = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;

/// Any body, made to be sent again as long as no more than a limit of it has passed.
///
/// It keeps what the first attempt takes, while the first attempt takes it: nothing is read ahead, and the
/// first attempt is not delayed. On a 401 the second attempt sends what was kept and then the rest, which it
/// takes over from the first, wherever that had got to. Once more than the limit has passed, or once an answer
/// came that is no 401, nothing is kept any more.
///
/// Size hints and trailers are the body's own. So are its errors: the box holds the very error, to be
/// downcast.
///
/// A body that can be sent once and no more needs no wrapper: it is sent, and a 401 refreshes the token and goes back
/// to the caller.
pub struct ReplayBody {
    shared: Arc<Mutex<Shared>>,
}

/// What the body and the means to send it again share.
struct Shared {
    /// To be sent before `source`: what an earlier attempt had taken.
    again: Again,
    /// `None` once it has ended, or was taken over.
    source: Option<Source>,
    /// This attempt has been told that there is no more. Another one is told anew, so that a body of unknown
    /// length is framed in the same way again.
    told_end: bool,
    /// Of the whole body, as it was at first, so that it is framed in the same way again.
    size: SizeHint,
    /// How many bytes of data have been taken.
    passed: u64,
    limit: usize,
    /// How many are there that may want to send the body again.
    spares: usize,
    /// What has passed since there was one.
    kept: Again,
    /// Some of the body has passed, and was not kept.
    lost: bool,
    /// Another attempt has taken the body over.
    superseded: bool,
    /// Of the task that sends the body, while it waits for a frame. Dropped outside the lock only: with the last
    /// waker of a task the task may go, and with it a [`Spare`] of this very body.
    sender: Option<Waker>,
}

/// Frames to be sent a second time.
#[derive(Default)]
struct Again {
    data: BytesMut,
    trailers: Option<HeaderMap>,
}

impl ReplayBody {
    /// Keeps up to [`REPLAY_LIMIT`] bytes.
    pub fn new<B>(body: B) -> Self
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::with_limit(body, REPLAY_LIMIT)
    }

    /// Keeps up to `limit` bytes of data. With 0 only a body without data can be sent again.
    pub fn with_limit<B>(body: B, limit: usize) -> Self
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let size = body.size_hint();
        let body = body.map_frame(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())));
        let source: Source = Box::pin(body.map_err(Into::into));
        Self::of(Again::default(), Some(source), size, limit)
    }

    fn of(again: Again, source: Option<Source>, size: SizeHint, limit: usize) -> Self {
        let shared = Shared {
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
        };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }
}

/// Without data. What follows redirects sends it on where a POST becomes a GET (tower-http's `FollowRedirect` asks for
/// it).
impl Default for ReplayBody {
    fn default() -> Self {
        Self::new(http_body_util::Empty::<Bytes>::new())
    }
}

impl ReplayableBody for ReplayBody {
    fn replay(&mut self) -> Replay<Self> {
        let mut shared = lock(&self.shared);
        if shared.lost || shared.superseded || self.shared.is_poisoned() {
            return Replay::Never;
        }
        shared.spares += 1;
        let spare = Spare { shared: self.shared.clone() };
        Replay::Kept(Box::new(move || spare.take_over()))
    }
}

/// The means to send a body again. While there is one, the body is kept.
struct Spare {
    shared: Arc<Mutex<Shared>>,
}

impl Spare {
    fn take_over(self) -> Option<ReplayBody> {
        let mut shared = lock(&self.shared);
        // Of a body that has panicked nobody knows whether what comes is the rest of it.
        if shared.lost || shared.superseded || self.shared.is_poisoned() {
            return None;
        }
        shared.superseded = true;
        // Another attempt may be in the middle of sending it: what that was to send comes after what it sent.
        let mut again = std::mem::take(&mut shared.kept);
        again.data.unsplit(std::mem::take(&mut shared.again.data));
        again.trailers = again.trailers.or(shared.again.trailers.take());
        let body = ReplayBody::of(again, shared.source.take(), shared.size, shared.limit);
        let sender = shared.sender.take();
        drop(shared);
        if let Some(sender) = sender {
            // It waits for a frame that does not come: let it end its request.
            sender.wake();
        }
        Some(body)
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        shared.spares -= 1;
        let mut sender = None;
        if shared.spares == 0 {
            sender = shared.sender.take();
            if !shared.kept.is_empty() {
                shared.lose();
            }
        }
        drop(shared);
        drop(sender);
    }
}

impl Shared {
    /// The body can't be sent again any more, so nothing is kept of it.
    fn lose(&mut self) {
        self.lost = true;
        self.kept = Again::default();
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
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
    fn pass(&mut self, frame: &Frame<Bytes>) {
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

    fn is_empty(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none()
    }
}

impl Body for ReplayBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut shared = lock(&self.shared);
        let polled = shared.poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            shared.pass(frame);
        }
        let waits = polled.is_pending() && shared.spares > 0;
        let replaced = std::mem::replace(&mut shared.sender, waits.then(|| context.waker().clone()));
        drop(shared);
        drop(replaced);
        polled
    }

    fn is_end_stream(&self) -> bool {
        let shared = lock(&self.shared);
        !shared.superseded
            && shared.again.is_empty()
            && shared.source.as_ref().map_or(shared.told_end, |source| source.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let shared = lock(&self.shared);
        let mut left = SizeHint::new();
        if let Some(upper) = shared.size.upper() {
            left.set_upper(upper.saturating_sub(shared.passed));
        }
        left.set_lower(shared.size.lower().saturating_sub(shared.passed));
        left
    }
}

impl fmt::Debug for ReplayBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayBody").finish_non_exhaustive()
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

/// A body that panicked when it was polled is as it was left: nothing here is half done. But it is not sent again.
fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

//! A streaming body that is kept while it is sent, as long as it is small.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

use super::shared::{Again, BoxError, Shared, Source};
use super::{REPLAY_LIMIT, Replay, ReplayableBody};

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
        Self::of(Shared::new(Again::default(), Some(source), size, limit))
    }

    fn of(shared: Shared) -> Self {
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
        let body = ReplayBody::of(shared.supersede());
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
        lock(&self.shared).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.shared).size_hint()
    }
}

impl fmt::Debug for ReplayBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayBody").finish_non_exhaustive()
    }
}

/// A body that panicked when it was polled is as it was left: nothing here is half done. But it is not sent again.
fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

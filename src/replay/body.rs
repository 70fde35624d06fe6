//! A streaming body that is kept while it is sent, up to a limit.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

use super::shared_body::{BoxError, SharedBody};
use super::{REPLAY_LIMIT, Replay, ReplayableBody};

/// A body around any other body, that can be sent again as long as no more than a limit of it was sent.
///
/// It keeps what the first attempt sends, while it is sent. It reads nothing ahead, and doesn't delay the first
/// attempt. On a 401 the second attempt sends what was kept. Then it takes the rest over from the first attempt,
/// which need not have reached the end. Once more than the limit was sent, or once a response is there that is not a
/// 401, nothing is kept any more.
///
/// Size hints and trailers are those of the inner body. So are its errors: each is boxed, and can be downcast.
///
/// A body that is sent only once needs no wrapper: a 401 then refreshes the token, and goes to the caller.
pub struct ReplayBody {
    shared: Arc<Mutex<SharedBody>>,
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
        let rest = Some(body.map_err(Into::into).boxed_unsync());
        Self::of(SharedBody { rest, size, limit, ..SharedBody::default() })
    }

    fn of(shared: SharedBody) -> Self {
        Self { shared: Arc::new(Mutex::new(shared)) }
    }
}

/// A body without data. tower-http's `FollowRedirect` sends it where a redirect turns a POST into a GET.
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
        shared.takeovers += 1;
        let takeover = Takeover { shared: self.shared.clone() };
        Replay::Kept(Box::new(move || takeover.take_over()))
    }
}

/// Lets a second attempt take the body over. While there is one, the body is kept.
struct Takeover {
    shared: Arc<Mutex<SharedBody>>,
}

impl Takeover {
    fn take_over(self) -> Option<ReplayBody> {
        let mut shared = lock(&self.shared);
        // After a panic of the inner body it is unknown whether what follows is the rest of it.
        if shared.lost || shared.superseded || self.shared.is_poisoned() {
            return None;
        }
        let body = ReplayBody::of(shared.supersede());
        let sender = shared.sender.take();
        drop(shared);
        if let Some(sender) = sender {
            // It waits for a frame that will not come. Woken, it gets an error and ends its request.
            sender.wake();
        }
        Some(body)
    }
}

impl Drop for Takeover {
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        shared.takeovers -= 1;
        if shared.takeovers > 0 {
            return;
        }
        let sender = shared.sender.take();
        if !shared.kept.is_empty() {
            shared.lose();
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
        let waits = polled.is_pending() && shared.takeovers > 0;
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

/// Ignores the poison of an inner body that panicked: the shared state is whole, and such a body is not sent again.
fn lock(shared: &Mutex<SharedBody>) -> MutexGuard<'_, SharedBody> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

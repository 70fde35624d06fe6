//! Waits for some work, and for something else meanwhile.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Waits for `work`, unless `end` comes first.
pub(super) async fn unless<T>(end: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut end) = (pin!(work), pin!(end));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Waits for `work`. If it is not over when `time` is, calls `remind` and goes on.
pub(super) async fn with_reminder<T>(
    work: impl Future<Output = T>,
    time: impl Future<Output = ()>,
    remind: impl FnOnce(),
) -> T {
    let (mut work, mut time) = (pin!(work), pin!(time));
    let mut remind = Some(remind);
    poll_fn(|context| {
        let result = work.as_mut().poll(context);
        if result.is_pending() && remind.is_some() && time.as_mut().poll(context).is_ready() {
            remind.take().into_iter().for_each(|remind| remind());
        }
        result
    })
    .await
}

#[cfg(all(test, not(reauth_model)))]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn r90_what_is_ready_in_the_moment_of_the_end_is_not_dropped() {
        assert_eq!(unless(ready(()), ready("tokens")).await, Some("tokens"));
        assert_eq!(unless(ready(()), pending::<()>()).await, None);
        assert_eq!(unless(pending(), ready("tokens")).await, Some("tokens"));
    }
}

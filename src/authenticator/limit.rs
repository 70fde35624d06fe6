//! A time limit for what may have happened while this process stood still.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

/// The last part of a limit, which begins when the rest is over.
const LAST: Duration = Duration::from_secs(1);

/// Waits for `work` within `limit`; `None` if that is over.
///
/// After a stop (Ctrl-Z) the limit is over before anything was read that arrived meanwhile. The last part of the limit is
/// waited for by itself, so that this is read first.
pub(super) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let last = LAST.min(limit / 2);
    let mut work = pin!(work);
    match timeout(limit - last, work.as_mut()).await {
        Ok(result) => Some(result),
        Err(_) => timeout(last, work).await.ok(),
    }
}

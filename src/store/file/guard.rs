//! Waits for the guard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::failure::is_about_writing;
use super::holder;
use super::lock::FileLock;
use super::shared::Shared;
use super::taken::{Held, Taken};
use super::worker::ended;
use crate::error::Error;
use crate::store::{Guard, GuardError, GuardRequest, Holder};

/// Takes the guard, within the limit of the request.
pub(super) async fn guard(shared: &Arc<Shared>, request: &GuardRequest) -> Result<Guard, GuardError> {
    let is_locked = Arc::new(AtomicBool::new(false));
    match within(request.limit(), take(shared, request, is_locked.clone())).await {
        Some(taken) => taken.map(Taken::hand_over),
        None if is_locked.load(Ordering::Relaxed) => Err(GuardError::Unreachable(Error::store(
            "the credentials file did not respond in time; check its disk, and whether a program that uses it was stopped",
        ))),
        None => Err(GuardError::Held(held_by(shared).await)),
    }
}

/// Waits for the lock on one thread. What then is to be read and written is done on the other one.
async fn take(
    shared: &Arc<Shared>,
    request: &GuardRequest,
    is_locked: Arc<AtomicBool>,
) -> Result<Taken, GuardError> {
    let turn = shared.turn.clone().lock_owned().await;
    let (reply, taken) = oneshot::channel();
    let (threads, request) = (shared.clone(), request.clone());
    let wait = move || {
        let locked = threads.paths().and_then(|paths| Ok((FileLock::wait_for_guard(&paths)?, paths)));
        let (lock, paths) = match locked {
            Ok(locked) => locked,
            Err(error) => return drop(reply.send(Err(refused(error)))),
        };
        if reply.is_closed() {
            // The caller has given up. The lock is dropped, and somebody else gets it at once.
            return;
        }
        is_locked.store(true, Ordering::Relaxed);
        let taken = Taken::new(threads.clone(), paths, Held::new(lock, turn));
        let enter = move || {
            if reply.is_closed() {
                return;
            }
            let entered = taken.enter(&request, &|| !reply.is_closed());
            // If the caller gives up before it has this, it is dropped, which leaves nothing behind.
            drop(reply.send(entered));
        };
        // If there is no thread, the lock is dropped with the job.
        let _ = threads.files.start(Box::new(enter));
    };
    shared.waiter.start(Box::new(wait)).map_err(GuardError::Unreachable)?;
    taken.await.unwrap_or_else(|_| Err(GuardError::Unreachable(ended())))
}

/// Who has the guard, for a message. It is left out if the disk is too slow, because the caller's time is up.
async fn held_by(shared: &Arc<Shared>) -> Option<Holder> {
    const LIMIT: Duration = Duration::from_millis(250);
    let threads = shared.clone();
    let read = shared.files.call(move |_| Ok(threads.found_paths()?.and_then(|paths| holder::read(&paths))));
    within(LIMIT, read).await?.ok()?
}

/// A lock file that can't be written says that the store can't be.
fn refused(error: Error) -> GuardError {
    match is_about_writing(&error) {
        true => GuardError::NotWritable(error),
        false => GuardError::Unreachable(error),
    }
}

/// `None` after the limit. Outside of a runtime there is no timer, and so no limit.
async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    match Handle::try_current() {
        Ok(_) => timeout(limit, future).await.ok(),
        Err(_) => Some(future.await),
    }
}

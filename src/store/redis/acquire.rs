//! The guard: waits for the lease, and does in one round trip what it is asked for.

use std::sync::{Arc, Weak};

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::backend::{Backend, Over, Written, intent};
use super::delays::Delays;
use super::failure::Failure;
use super::found::Reply;
use super::lease::{Lease, guard_with, release};
use super::moment::Moment;
use super::script::{GUARD, argument};
use crate::store::{Guard, GuardError, GuardRequest};

/// Waits for the guard. It runs in a task of its own, because an attempt whose caller went away may have succeeded; `caller`
/// is gone when nobody waits any more.
pub(super) async fn acquire(
    backend: Arc<Backend>,
    request: GuardRequest,
    caller: Weak<()>,
) -> Result<(Guard, Arc<Lease>), GuardError> {
    let end = Instant::now().checked_add(request.limit());
    let mut delays = Delays::new();
    loop {
        let mut pushed = std::pin::pin!(backend.link.changed.notified());
        pushed.as_mut().enable();
        let lease = Arc::new(Lease::new(request.holder(), backend.seconds(), backend.settings.lease));
        let sent = Moment::now();
        let mut reply = match attempt(&backend, &request, &lease).await {
            Ok(reply) => reply,
            Err(failure) => {
                if failure.may_have_happened() {
                    let backend = backend.clone();
                    tokio::spawn(async move { release(&lease, &backend).await });
                }
                return Err(failure.into());
            }
        };
        if reply.word != "held" {
            lease.lasts_since(sent);
            return taken(backend.clone(), &request, lease, reply).await;
        }
        let holder = reply.text().and_then(|value| Lease::holder(&value, backend.seconds()));
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) || caller.strong_count() == 0 {
            return Err(GuardError::Held(holder));
        }
        let delay = delays.next().unwrap_or_default();
        let _ = timeout(left.map_or(delay, |left| left.min(delay)), pushed).await;
    }
}

async fn attempt(backend: &Backend, request: &GuardRequest, lease: &Lease) -> Result<Reply, Failure> {
    let keys = [backend.keys.entry.as_str(), &backend.keys.lease];
    backend
        .send_in_time(&GUARD, &keys, || {
            let mut arguments = vec![argument(lease.value()), argument(backend.settings.lease.as_millis())];
            arguments.extend(match &request.proof {
                Some((expected, entry)) => [
                    argument(if expected.is_some() { "version" } else { "absent" }),
                    argument(expected.map(|version| version.to_string()).unwrap_or_default()),
                    argument(entry.version()),
                    backend.text(entry),
                    argument(intent(entry)),
                ],
                None => [argument("none"), argument(""), argument(""), argument(""), argument("")],
            });
            arguments
        })
        .await
}

/// Makes a guard of a lease that was taken.
async fn taken(
    backend: Arc<Backend>,
    request: &GuardRequest,
    lease: Arc<Lease>,
    mut reply: Reply,
) -> Result<(Guard, Arc<Lease>), GuardError> {
    let mut is_written = reply.word == "written";
    let stored = reply.found();
    let found = backend.entry(&stored);
    lease.leaves(stored.version.as_deref().unwrap_or(""), stored.intent.as_deref().unwrap_or(""));
    // From here on the guard gives the lease back, whatever happens.
    let guard = guard_with(Guard::new(found.clone()), lease.clone(), backend.clone(), Handle::current());
    if found.is_err() {
        // The error says that the entry is unusable, with or without a copy.
        let _ = backend.set_aside().await;
    }
    let wanted = found.ok().and_then(|found| request.entry_to_write(found.as_ref()));
    if let (false, Some(entry)) = (is_written, &wanted) {
        // The fields beside the text say something else than the text: a person has written it.
        let over = stored.text.clone().map_or(Over::Nothing, Over::Text);
        is_written = matches!(backend.write(&over, entry, None).await?, Written::Yes);
    }
    *backend.lease() = Some(lease.clone());
    let Some((_, entry)) = request.proof.as_ref().filter(|_| is_written) else { return Ok((guard, lease)) };
    lease.leaves_entry(entry);
    lease.would_undo(backend.text(entry), stored);
    Ok((guard.written(), lease))
}

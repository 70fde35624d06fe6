//! Records every [`Event`] as a `tracing` event with the target `reauth`. The flight's task (`authenticator::flight`)
//! runs within the span `refresh`. Names and fields are part of the public interface, and `docs/behaviour.md` lists them.
//! No field has a token in it. A subscriber that panics costs a record and nothing else (R7).

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::time::Duration;

use tracing::{Span, debug, info, info_span, warn};

use crate::event::Event;

pub(crate) fn record(event: &Event) {
    held(|| try_record(event));
}

/// The span of a flight.
pub(crate) fn span(flight: u64) -> Option<Span> {
    held(|| info_span!(target: "reauth", "refresh", flight))
}

/// Runs a future within a span.
pub(crate) async fn within(span: Option<Span>, work: impl Future<Output = ()>) {
    let mut work = pin!(work);
    poll_fn(|context| {
        let entered = held(|| span.as_ref().map(Span::enter));
        let poll = work.as_mut().poll(context);
        held(|| drop(entered));
        poll
    })
    .await;
}

/// Calls the subscriber. `None` if it panicked.
fn held<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

fn try_record(event: &Event) {
    let millis = |duration: &Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    match event {
        Event::RefreshStarted { generation, cause } => {
            debug!(target: "reauth", generation, %cause, "refresh_started");
        }
        // Nothing is lost yet, so this is not a warning. At `info`, most subscribers show the outage while it lasts.
        Event::AttemptFailed { generation, cause, error, attempt, next_attempt } => {
            let next_attempt_ms = millis(next_attempt);
            let kind = error.kind();
            info!(
                target: "reauth",
                generation, %cause, ?kind, %error, attempt, next_attempt_ms,
                "attempt_failed"
            );
        }
        Event::RefreshSucceeded { generation, cause, duration, callers } => {
            let duration_ms = millis(duration);
            info!(target: "reauth", generation, %cause, duration_ms, callers, "refresh_succeeded");
        }
        Event::RefreshFailed { generation, cause, error, duration, callers, next_attempt } => {
            let (duration_ms, next_attempt_ms) = (millis(duration), millis(next_attempt));
            let kind = error.kind();
            warn!(
                target: "reauth",
                generation, %cause, ?kind, %error, duration_ms, callers, next_attempt_ms,
                "refresh_failed"
            );
        }
        Event::Rejected { generation } => info!(target: "reauth", generation, "rejected"),
        Event::Adopted { generation } => info!(target: "reauth", generation, "adopted"),
        Event::Cleared => info!(target: "reauth", "cleared"),
        Event::RevocationFailed { error } => {
            let kind = error.kind();
            warn!(target: "reauth", ?kind, %error, "revocation_failed");
        }
        Event::StoreFailed { error } => warn!(target: "reauth", %error, "store_failed"),
        Event::RotationUnsaved { generation, error } => {
            warn!(target: "reauth", generation, %error, "rotation_unsaved");
        }
        Event::RotationSaved { generation } => info!(target: "reauth", generation, "rotation_saved"),
        // It may be what the program wants: one client for several hosts.
        Event::Passed { reason } => {
            let kind = reason.kind().as_str();
            info!(target: "reauth", kind, %reason, "passed");
        }
    }
}

//! Records every [`Event`] as a `tracing` event with the target `reauth`. The flight's task (`authenticator::flight`)
//! runs within the span `refresh`. Names and fields are part of the public interface, and `docs/behaviour.md` lists them.
//! No field has a token in it.

use std::time::Duration;

use tracing::{debug, info, warn};

use crate::event::Event;

pub(crate) fn record(event: &Event) {
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
    }
}

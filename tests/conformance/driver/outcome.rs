//! What a caller got, and the events, as notes for the runner.

use reauth::{Credentials, Error, ErrorKind, Event};
use serde_json::{Value, json};

pub fn outcome_of(caller: &str, came: &Result<Option<Credentials>, Error>) -> Value {
    let mut note = json!({ "note": "got", "caller": caller });
    match came {
        Ok(Some(credentials)) => note["access"] = json!(credentials.access_token()),
        Ok(None) => note["done"] = json!(true),
        Err(error) => {
            note["error"] = json!(kind_of(error));
            if let Some(wait) = error.retry_after() {
                note["retry_after"] = json!(wait.as_secs_f64());
            }
        }
    }
    note
}

fn kind_of(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::LoginRequired => "login_required",
        ErrorKind::Transient => "transient",
        ErrorKind::Misconfigured => "misconfigured",
        ErrorKind::InvalidResponse => "invalid_response",
        ErrorKind::Store => "store",
        _ => "other",
    }
}

pub fn event_of(event: &Event) -> Value {
    let event = match event {
        Event::RefreshStarted { cause, .. } => {
            json!({ "event": "refresh_started", "cause": cause.to_string() })
        }
        Event::AttemptFailed { cause, error, attempt, next_attempt, .. } => json!({
            "event": "attempt_failed", "cause": cause.to_string(), "kind": kind_of(error),
            "attempt": attempt, "next_attempt": next_attempt.as_secs_f64(),
        }),
        Event::RefreshSucceeded { cause, callers, .. } => {
            json!({ "event": "refresh_succeeded", "cause": cause.to_string(), "callers": callers })
        }
        Event::RefreshFailed { cause, callers, error, next_attempt, .. } => json!({
            "event": "refresh_failed", "cause": cause.to_string(), "kind": kind_of(error),
            "callers": callers, "next_attempt": next_attempt.as_secs_f64(),
        }),
        Event::Rejected { .. } => json!({ "event": "rejected" }),
        Event::Adopted { .. } => json!({ "event": "adopted" }),
        Event::Cleared => json!({ "event": "cleared" }),
        Event::StoreFailed { .. } => json!({ "event": "store_failed" }),
        Event::RotationUnsaved { .. } => json!({ "event": "rotation_unsaved" }),
        Event::RotationSaved { .. } => json!({ "event": "rotation_saved" }),
        _ => json!({ "event": "other" }),
    };
    json!({ "note": "event", "event": event })
}

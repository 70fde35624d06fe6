//! Translates between the names of a scenario and the types of this crate.

use std::fmt::Display;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::Value;

use super::action::{Operation, Response};
use super::api::{Credentials, Entry, Error, ErrorKind, Event, Timing, Version};
use super::expect::{Call, Cause, EventFields, EventName, Kind, Outcome, Stored};
use super::form::{Moment, RefreshToken, Seconds};
use super::scenario::{Setup, Tokens};
use super::tokens::{START, name_of, text_of};

pub(crate) fn timing_of(setup: &Setup) -> Timing {
    let settings = &setup.timing;
    let set = |timing, value: Option<Seconds>, set: fn(Timing, Duration) -> Timing| match value {
        Some(Seconds(value)) => set(timing, value),
        None => timing,
    };
    // Jitter is off, so that every wait is exact.
    let timing = Timing::default().without_jitter();
    let timing = set(timing, settings.default_lifetime, Timing::default_lifetime);
    let timing = set(timing, settings.flight_deadline, Timing::flight_deadline);
    let timing = set(timing, settings.retry_after_max, Timing::retry_after_max);
    let timing = set(timing, settings.terminal_memory, Timing::terminal_memory);
    let timing = set(timing, settings.rejection_interval, Timing::rejection_interval);
    set(timing, settings.store_timeout, Timing::store_timeout)
}

pub(crate) fn credentials_of(tokens: &Tokens) -> Result<Credentials, String> {
    let build = || -> Result<Credentials, Error> {
        let mut credentials = Credentials::new(text_of(tokens))?;
        if let Some(RefreshToken(refresh)) = &tokens.refresh {
            credentials = credentials.with_refresh_token(refresh.as_str())?;
        }
        if let Some(Seconds(lifetime)) = tokens.lifetime {
            credentials = credentials.with_lifetime(lifetime);
        }
        if let Some(moment) = tokens.expires_at {
            credentials = credentials.with_expires_at(wall_at(moment));
        }
        Ok(credentials)
    };
    build().map_err(|error| error.to_string())
}

/// What another process writes over `now`: its next refresh, or its log-in.
pub(crate) fn next_entry(now: Option<&Entry>, credentials: Credentials) -> Result<Entry, String> {
    let now = now.map(|entry| entry.version().to_string()).unwrap_or_else(|| "0-0-0-0".into());
    let parts: Vec<&str> = now.split('-').collect();
    let number = |index: usize| parts.get(index).and_then(|part| part.parse::<u64>().ok()).unwrap_or(0);
    let version = match number(0) {
        0 => format!("1-77-0-{:x}", text_hash(&credentials)),
        sequence => format!("{sequence}-{}-{}-{:x}", parts[1], number(2) + 1, text_hash(&credentials)),
    };
    let text = credentials.expose_json();
    let text = format!("{},\"version\":\"{version}\"}}", text.trim_end_matches('}'));
    Entry::from_text(&text).map_err(|error| error.to_string())
}

fn text_hash(credentials: &Credentials) -> u64 {
    let bytes = credentials.access_token().bytes();
    bytes.fold(1, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()))
}

/// Which call of the store a write is.
pub(crate) fn call_of(expected: Option<&Version>, entry: &Entry) -> (Operation, Call) {
    match entry.credentials() {
        None => (Operation::Clear, Call::Clear),
        Some(_) if expected == Some(entry.version()) => (Operation::Save, Call::Note),
        Some(credentials) => (Operation::Save, Call::Save(stored_of(credentials))),
    }
}

/// What the source returns; `None` is a panic.
pub(crate) fn response_of(response: &Response) -> Result<Option<Result<Credentials, Error>>, String> {
    let patient = |error: Error, wait: &Option<Seconds>| match wait {
        Some(Seconds(wait)) => error.with_retry_after(*wait),
        None => error,
    };
    Ok(Some(match response {
        Response::Tokens { tokens } => Ok(credentials_of(tokens)?),
        Response::Refused {} => Err(Error::login_required("the scenario refuses")),
        Response::Inconclusive {} => Err(Error::login_required("the scenario refuses").inconclusive()),
        Response::Unreached {} => Err(Error::transient("the scenario's provider is not reached").unreached()),
        Response::Misconfigured {} => Err(Error::misconfigured("the scenario refuses the client")),
        Response::Unavailable { retry_after } => Err(patient(
            Error::transient("the scenario's provider is unavailable").not_processed(),
            retry_after,
        )),
        Response::Lost { retry_after } => {
            Err(patient(Error::transient("the scenario loses the response"), retry_after))
        }
        Response::Invalid {} => Err(Error::invalid_response("the scenario responds with nonsense")),
        Response::Unsupported {} => Err(Error::unsupported("the scenario's source cannot do that")),
        Response::Panic {} => return Ok(None),
    }))
}

pub(crate) fn stored_of(credentials: &Credentials) -> Stored {
    Stored {
        access: name_of(credentials.access_token()),
        refresh: credentials.refresh_token().map(|token| RefreshToken(token.to_owned())),
        expires_at: credentials.expires_at().map(moment_of),
    }
}

pub(crate) fn outcome_of(got: Result<&Credentials, &Error>) -> Outcome {
    match got {
        Ok(credentials) => Outcome::Token(name_of(credentials.access_token())),
        Err(error) => Outcome::Error { kind: kind_of(error), retry_after: error.retry_after().map(Seconds) },
    }
}

// Outside the crate these enums may have more variants.
#[allow(unreachable_patterns)]
pub(crate) fn event_of(event: &Event) -> EventFields {
    let named = |name| EventFields {
        name,
        cause: None,
        kind: None,
        callers: None,
        attempt: None,
        next_attempt: None,
    };
    match event {
        Event::RefreshStarted { cause, .. } => {
            EventFields { cause: cause_of(cause), ..named(EventName::RefreshStarted) }
        }
        Event::AttemptFailed { cause, error, attempt, next_attempt, .. } => EventFields {
            cause: cause_of(cause),
            kind: Some(kind_of(error)),
            attempt: Some(*attempt),
            next_attempt: Some(Seconds(*next_attempt)),
            ..named(EventName::AttemptFailed)
        },
        Event::RefreshSucceeded { cause, callers, .. } => EventFields {
            cause: cause_of(cause),
            callers: Some(*callers),
            ..named(EventName::RefreshSucceeded)
        },
        Event::RefreshFailed { cause, callers, error, next_attempt, .. } => EventFields {
            cause: cause_of(cause),
            kind: Some(kind_of(error)),
            callers: Some(*callers),
            next_attempt: Some(Seconds(*next_attempt)),
            ..named(EventName::RefreshFailed)
        },
        Event::Rejected { .. } => named(EventName::Rejected),
        Event::Adopted { .. } => named(EventName::Adopted),
        Event::Cleared => named(EventName::Cleared),
        Event::StoreFailed { .. } => named(EventName::StoreFailed),
        Event::RotationUnsaved { .. } => named(EventName::RotationUnsaved),
        Event::RotationSaved { .. } => named(EventName::RotationSaved),
        _ => named(EventName::Other),
    }
}

fn cause_of(cause: &impl Display) -> Option<Cause> {
    Cause::deserialize(Value::String(cause.to_string())).ok()
}

#[allow(unreachable_patterns)]
fn kind_of(error: &Error) -> Kind {
    match error.kind() {
        ErrorKind::LoginRequired => Kind::LoginRequired,
        ErrorKind::Transient => Kind::Transient,
        ErrorKind::Misconfigured => Kind::Misconfigured,
        ErrorKind::InvalidResponse => Kind::InvalidResponse,
        ErrorKind::Store => Kind::Store,
        _ => Kind::Other,
    }
}

fn wall_at(Moment(millis): Moment) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis((START * 1000).saturating_add_signed(millis))
}

fn moment_of(at: SystemTime) -> Moment {
    let since_1970 = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Moment(i64::try_from(since_1970).unwrap_or(i64::MAX) - START as i64 * 1000)
}

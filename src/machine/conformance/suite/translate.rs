//! Between the names of a scenario and the types of this crate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::api::{Credentials, Error, ErrorKind, Event, Timing};
use super::scenario::{Answer, Expiry, Moment, Outcome, Setup, Stored, Tokens, Told};
use super::tokens::{START, name_of, text_of};

pub(crate) fn timing_of(setup: &Setup) -> Timing {
    // Jitter is off, so that every wait is exact.
    setup.timing.iter().fold(Timing::default().without_jitter(), |timing, (name, value)| {
        match name.as_str() {
            "default_lifetime" => timing.default_lifetime(*value),
            "flight_deadline" => timing.flight_deadline(*value),
            "terminal_memory" => timing.terminal_memory(*value),
            "rejection_interval" => timing.rejection_interval(*value),
            _ => timing.store_timeout(*value),
        }
    })
}

pub(crate) fn credentials_of(tokens: &Tokens) -> Result<Credentials, String> {
    let build = || -> Result<Credentials, Error> {
        let mut credentials = Credentials::new(text_of(tokens))?;
        if let Some(refresh) = &tokens.refresh {
            credentials = credentials.with_refresh_token(refresh.as_str())?;
        }
        Ok(match tokens.expiry {
            Expiry::Unknown => credentials,
            Expiry::After(lifetime) => credentials.with_lifetime(lifetime),
            Expiry::At(moment) => credentials.with_expires_at(wall_at(moment)),
        })
    };
    build().map_err(|error| error.to_string())
}

/// What the source answers; `None` is a panic.
pub(crate) fn answer_of(answer: &Answer) -> Result<Option<Result<Credentials, Error>>, String> {
    let patient = |error: Error, wait: &Option<Duration>| match wait {
        Some(wait) => error.with_retry_after(*wait),
        None => error,
    };
    Ok(Some(match answer {
        Answer::Tokens(tokens) => Ok(credentials_of(tokens)?),
        Answer::Refused => Err(Error::login_required("the scenario refuses")),
        Answer::Misconfigured => Err(Error::misconfigured("the scenario refuses the client")),
        Answer::Unavailable { retry_after } => Err(patient(
            Error::transient("the scenario's provider is unavailable").not_processed(),
            retry_after,
        )),
        Answer::Lost { retry_after } => {
            Err(patient(Error::transient("the scenario loses the answer"), retry_after))
        }
        Answer::Invalid => Err(Error::invalid_response("the scenario answers nonsense")),
        Answer::Unsupported => Err(Error::unsupported("the scenario's source can't")),
        Answer::Panic => return Ok(None),
    }))
}

pub(crate) fn stored_of(credentials: &Credentials) -> Stored {
    Stored {
        access: name_of(credentials.access_token()),
        refresh: credentials.refresh_token().map(str::to_owned),
        expires_at: credentials.expires_at().map(moment_of),
    }
}

pub(crate) fn outcome_of(got: Result<&Credentials, &Error>) -> Outcome {
    match got {
        Ok(credentials) => Outcome::Token(name_of(credentials.access_token())),
        Err(error) => Outcome::Error { kind: kind_of(error).to_owned(), retry_after: error.retry_after() },
    }
}

// Outside the crate these enums may have more variants than these; inside they have not.
#[allow(unreachable_patterns)]
pub(crate) fn told_of(event: &Event) -> Told {
    let name = match event {
        Event::RefreshStarted { .. } => "refresh_started",
        Event::AttemptFailed { .. } => "attempt_failed",
        Event::RefreshSucceeded { .. } => "refresh_succeeded",
        Event::RefreshFailed { .. } => "refresh_failed",
        Event::Rejected { .. } => "rejected",
        Event::Adopted { .. } => "adopted",
        Event::Cleared => "cleared",
        Event::StoreFailed { .. } => "store_failed",
        _ => "unknown",
    };
    let mut told = Told { name: name.to_owned(), ..Told::default() };
    match event {
        Event::RefreshStarted { cause, .. } => told.cause = Some(cause.to_string()),
        Event::AttemptFailed { cause, error, attempt, next_attempt, .. } => {
            told.cause = Some(cause.to_string());
            told.kind = Some(kind_of(error).to_owned());
            told.attempt = Some(*attempt);
            told.next_attempt = Some(*next_attempt);
        }
        Event::RefreshSucceeded { cause, callers, .. } => {
            told.cause = Some(cause.to_string());
            told.callers = Some(*callers);
        }
        Event::RefreshFailed { cause, callers, error, next_attempt, .. } => {
            told.cause = Some(cause.to_string());
            told.callers = Some(*callers);
            told.kind = Some(kind_of(error).to_owned());
            told.next_attempt = Some(*next_attempt);
        }
        _ => {}
    }
    told
}

#[allow(unreachable_patterns)]
fn kind_of(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::LoginRequired => "login_required",
        ErrorKind::Transient => "transient",
        ErrorKind::Misconfigured => "misconfigured",
        ErrorKind::InvalidResponse => "invalid_response",
        ErrorKind::Store => "store",
        _ => "unknown",
    }
}

fn wall_at(Moment(millis): Moment) -> SystemTime {
    let start = UNIX_EPOCH + Duration::from_secs(START);
    let by = Duration::from_millis(millis.unsigned_abs());
    if millis < 0 { start - by } else { start + by }
}

fn moment_of(at: SystemTime) -> Moment {
    let start = UNIX_EPOCH + Duration::from_secs(START);
    let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    match at.duration_since(start) {
        Ok(since) => Moment(millis(since)),
        Err(before) => Moment(-millis(before.duration())),
    }
}

//! Times in a scenario: a number of seconds, or a sum of the windows and waits that a client names. Here they are those of
//! this crate, with jitter off.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::api::Timing;

/// Seconds, or a sum such as `advisory(3600) - 0.001`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "not a time")]
pub(crate) enum Amount {
    Number(f64),
    Sum(#[schemars(extend("pattern" = r"^[a-z0-9_.()+\- ]+$"))] String),
}

impl Amount {
    pub(super) fn seconds(&self) -> Result<f64, String> {
        match self {
            Self::Number(seconds) => Ok(*seconds),
            Self::Sum(text) => sum(text).ok_or_else(|| format!("`{text}` is no time")),
        }
    }
}

/// Terms with ` + ` or ` - ` between them, at least one of them with a name.
fn sum(text: &str) -> Option<f64> {
    if !text.contains(|c: char| c.is_ascii_lowercase()) {
        return None;
    }
    let mut words = text.split(' ');
    let mut total = term(words.next()?)?;
    while let Some(sign) = words.next() {
        let next = term(words.next()?)?;
        match sign {
            "+" => total += next,
            "-" => total -= next,
            _ => return None,
        }
    }
    Some((total * 1000.0).round() / 1000.0)
}

/// A number, or a name with or without an argument.
fn term(text: &str) -> Option<f64> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return text.parse().ok();
    }
    let seconds = |duration: Duration| duration.as_secs_f64();
    let Some((name, argument)) = text.split_once('(') else {
        return match text {
            "deadline" => Some(seconds(Timing::FLIGHT_DEADLINE)),
            "request_deadline" => Some(2.0 * seconds(Timing::FLIGHT_DEADLINE)),
            "mandatory_wait" => Some(seconds(Timing::MANDATORY_WAIT)),
            "store_timeout" => Some(seconds(Timing::STORE_TIMEOUT)),
            _ => None,
        };
    };
    let argument: f64 = argument.strip_suffix(')')?.parse().ok()?;
    let doubling = |first: Duration, most: Duration| {
        Some((seconds(first) * 2f64.powf(argument - 1.0)).min(seconds(most))).filter(|_| argument >= 1.0)
    };
    match name {
        "advisory" => Some(
            argument - (argument / f64::from(Timing::ADVISORY_DIVISOR)).min(seconds(Timing::ADVISORY_MAX)),
        ),
        "mandatory" => Some(
            argument - (argument / f64::from(Timing::MANDATORY_DIVISOR)).min(seconds(Timing::MANDATORY_MAX)),
        ),
        "interval" => Some((argument / 2.0).min(seconds(Timing::REJECTION_INTERVAL))),
        "retry" => doubling(Timing::RETRY_FIRST, Timing::RETRY_MAX),
        "back_off" => doubling(Timing::BACKOFF_FIRST, Timing::BACKOFF_MAX),
        "urgent" => doubling(Timing::URGENT_BACKOFF_FIRST, Timing::URGENT_BACKOFF_MAX),
        "terminal" => doubling(Timing::TERMINAL_MEMORY, Timing::TERMINAL_MEMORY_MAX),
        _ => None,
    }
}

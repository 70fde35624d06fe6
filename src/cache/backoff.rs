//! How long to leave the identity provider alone after a failed flight.

use std::time::Duration;

use super::dice::Dice;
use crate::timing::{
    BACKOFF_FIRST, BACKOFF_MAX, RETRY_AFTER_MAX, RETRY_FIRST, RETRY_MAX, Timing, URGENT_BACKOFF_FIRST,
    URGENT_BACKOFF_MAX,
};
use crate::{Error, ErrorKind};

/// The flight that failed last, and when the next may start. Kept until one succeeds.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// How many flights in a row have failed.
    pub(crate) streak: u32,
    at: Duration,
    /// With a valid token in hand, and with nothing usable: which one applies is asked for when it
    /// matters, because the token may lapse or be rejected meanwhile (R8).
    relaxed: Duration,
    urgent: Duration,
}

impl Failure {
    /// `left` is the rest of the life of the token in hand.
    pub(crate) fn new(
        error: Error,
        streak: u32,
        at: Duration,
        left: Option<Duration>,
        timing: &Timing,
        dice: &mut Dice,
    ) -> Self {
        let relaxed_max =
            left.map_or(BACKOFF_MAX, |left| BACKOFF_MAX.min(left / 2)).max(URGENT_BACKOFF_FIRST);
        // R11: a terminal error is remembered, a server's own wish is honoured up to a cap.
        let least = match error.kind() {
            ErrorKind::LoginRequired | ErrorKind::Misconfigured => timing.terminal_memory,
            _ => error.retry_after().unwrap_or_default().min(RETRY_AFTER_MAX),
        };
        let doubled = |first: Duration, max: Duration| doubling(first, streak.saturating_sub(1), max);
        Self {
            relaxed: jittered(doubled(BACKOFF_FIRST, relaxed_max), dice).max(least),
            urgent: jittered(doubled(URGENT_BACKOFF_FIRST, URGENT_BACKOFF_MAX), dice).max(least),
            error,
            streak,
            at,
        }
    }

    /// A flight that was cut off (a panic, a runtime that went away): the first in a row costs no wait,
    /// because nothing says that the identity provider is in trouble (R7).
    pub(crate) fn interrupted(
        error: Error,
        streak: u32,
        at: Duration,
        timing: &Timing,
        dice: &mut Dice,
    ) -> Self {
        let failure = Self::new(error, streak.saturating_sub(1), at, None, timing, dice);
        match streak {
            0 | 1 => Self { streak: 1, relaxed: Duration::ZERO, urgent: Duration::ZERO, ..failure },
            _ => Self { streak, ..failure },
        }
    }

    /// When the next flight may start, on the monotonic clock.
    pub(crate) fn retry_at(&self, usable: bool) -> Duration {
        self.at.saturating_add(if usable { self.relaxed } else { self.urgent })
    }

    /// Puts off the next flight until `at`, whatever is in hand.
    pub(crate) fn not_before(&mut self, at: Duration) {
        let wait = at.saturating_sub(self.at);
        self.relaxed = self.relaxed.max(wait);
        self.urgent = self.urgent.max(wait);
    }
}

/// The wait before attempt `attempt + 1` of one flight, or what the server asked for, if that is longer.
pub(crate) fn between_attempts(attempt: u32, error: &Error, dice: &mut Dice) -> Duration {
    let asked = error.retry_after().unwrap_or_default().min(RETRY_AFTER_MAX);
    dice.up_to(doubling(RETRY_FIRST, attempt, RETRY_MAX)).max(asked)
}

fn doubling(first: Duration, times: u32, max: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times)).min(max)
}

/// Half fixed, half random: flights that failed together spread, and none follows at once.
fn jittered(wait: Duration, dice: &mut Dice) -> Duration {
    wait / 2 + dice.up_to(wait / 2)
}

#[cfg(test)]
mod tests;

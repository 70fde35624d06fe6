//! How long to leave the identity provider alone after a failed flight.

use std::time::Duration;

use super::jitter::Jitter;
use crate::Timing;
use crate::{Error, ErrorKind};

/// Flights in a row that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Streak {
    pub(crate) flights: u32,
    /// When the first of them, or what may become the first, was started.
    pub(crate) since: Duration,
}

impl Streak {
    /// Before the first failure.
    pub(crate) fn none(now: Duration) -> Self {
        Self { flights: 0, since: now }
    }

    pub(crate) fn with_one_more(self) -> Self {
        Self { flights: self.flights.saturating_add(1), ..self }
    }

    /// The wait that a long outage makes: a share of its length, so that a fleet whose tokens have all lapsed comes
    /// back spread over such a share, and not at once. Nothing, while that is no more than the other waits.
    fn outage_wait(&self, now: Duration, timing: &Timing) -> Duration {
        let share = now.saturating_sub(self.since) / Timing::OUTAGE_DIVISOR;
        if share > Timing::RETRY_MAX { share.min(timing.outage_backoff_max) } else { Duration::ZERO }
    }
}

/// The flight that failed last, and when the next may start. Kept until one succeeds.
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) streak: Streak,
    at: Duration,
    /// The identity provider seems to be away: it has not refused, and nobody here has cut the flight off.
    is_outage: bool,
    /// With a valid token in hand, and with nothing usable: which one applies is asked for when it
    /// matters, because the token may lapse or be rejected meanwhile (R8).
    relaxed: Duration,
    urgent: Duration,
}

impl Failure {
    /// `left` is the rest of the life of the token in hand.
    pub(crate) fn new(
        error: Error,
        streak: Streak,
        at: Duration,
        left: Option<Duration>,
        timing: &Timing,
        jitter: &mut Jitter,
    ) -> Self {
        let relaxed_max = left
            .map_or(Timing::BACKOFF_MAX, |left| Timing::BACKOFF_MAX.min(left / 2))
            .max(Timing::URGENT_BACKOFF_FIRST);
        // R11: a terminal error is remembered, a server's own wish is honoured up to a cap.
        let (is_outage, least, outage) = match error.kind() {
            ErrorKind::LoginRequired | ErrorKind::Misconfigured => {
                (false, timing.terminal_memory, Duration::ZERO)
            }
            _ => {
                let asked = error.retry_after().unwrap_or_default().min(Timing::RETRY_AFTER_MAX);
                (true, asked, streak.outage_wait(at, timing))
            }
        };
        let doubled = |first: Duration, max: Duration| doubling(first, streak.flights.saturating_sub(1), max);
        let urgent = doubled(Timing::URGENT_BACKOFF_FIRST, Timing::URGENT_BACKOFF_MAX).max(outage);
        Self {
            relaxed: jittered(doubled(Timing::BACKOFF_FIRST, relaxed_max), jitter).max(least),
            urgent: jittered(urgent, jitter).max(least),
            error,
            streak,
            at,
            is_outage,
        }
    }

    /// A flight that was cut off (a panic, a runtime that went away): the first in a row costs no wait, and no row
    /// the waits of an outage, because nothing says that the identity provider is in trouble (R7).
    pub(crate) fn interrupted(
        error: Error,
        streak: Streak,
        at: Duration,
        timing: &Timing,
        jitter: &mut Jitter,
    ) -> Self {
        let before = Streak { flights: streak.flights.saturating_sub(1), since: at };
        let failure = Self { streak, is_outage: false, ..Self::new(error, before, at, None, timing, jitter) };
        match before.flights {
            0 => Self { relaxed: Duration::ZERO, urgent: Duration::ZERO, ..failure },
            _ => failure,
        }
    }

    /// When the next flight may start, on the monotonic clock.
    pub(crate) fn retry_at(&self, usable: bool) -> Duration {
        self.at.saturating_add(if usable { self.relaxed } else { self.urgent })
    }

    /// The streak of a flight that starts now. Long after the next one could have started it is a new one: nobody has
    /// looked, and what was then says little. So it is after one that did not fail for an outage.
    pub(crate) fn streak_at(&self, now: Duration, timing: &Timing) -> Streak {
        let rest = self.retry_at(true).max(self.retry_at(false));
        // With waits of no length, too, flights that follow each other are in one outage.
        let latest = rest.saturating_add(timing.outage_backoff_max.max(Timing::OUTAGE_BACKOFF_MAX));
        let lasts = now <= latest && self.is_outage;
        if lasts { self.streak } else { Streak { since: now, ..self.streak } }
    }

    /// Puts off the next flight until `at`, whatever is in hand.
    pub(crate) fn not_before(&mut self, at: Duration) {
        let wait = at.saturating_sub(self.at);
        self.relaxed = self.relaxed.max(wait);
        self.urgent = self.urgent.max(wait);
    }
}

/// The wait before attempt `attempt + 1` of one flight, or what the outage or the server asks for, if that is longer.
pub(crate) fn between_attempts(
    attempt: u32,
    error: &Error,
    streak: Streak,
    now: Duration,
    timing: &Timing,
    jitter: &mut Jitter,
) -> Duration {
    let asked = error.retry_after().unwrap_or_default().min(Timing::RETRY_AFTER_MAX);
    let outage = jittered(streak.outage_wait(now, timing), jitter);
    jitter.up_to(doubling(Timing::RETRY_FIRST, attempt, Timing::RETRY_MAX)).max(outage).max(asked)
}

fn doubling(first: Duration, times: u32, max: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times)).min(max)
}

/// Half fixed, half random: flights that failed together spread, and none follows at once.
fn jittered(wait: Duration, jitter: &mut Jitter) -> Duration {
    wait / 2 + jitter.up_to(wait / 2)
}

#[cfg(test)]
mod tests;

//! How long the identity provider is left alone after a failed flight.

use std::time::Duration;

use super::pace::Pace;
use crate::error::{Error, ErrorKind};
use crate::timing::Timing;

/// The flights in a row that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Streak {
    pub(crate) flights: u32,
    /// How many of them ended with a refusal (R11).
    pub(crate) refusals: u32,
    /// When the first of them started, or the flight that may become the first.
    pub(crate) since: Duration,
}

impl Streak {
    /// The streak before the first failure.
    pub(crate) fn none(now: Duration) -> Self {
        Self { flights: 0, refusals: 0, since: now }
    }

    /// The streak with a flight that failed with this error.
    pub(crate) fn with_one_more(self, error: &Error) -> Self {
        let is_terminal = matches!(error.kind(), ErrorKind::LoginRequired | ErrorKind::Misconfigured);
        let refused = u32::from(is_terminal && !error.is_unsupported());
        Self {
            flights: self.flights.saturating_add(1),
            refusals: self.refusals.saturating_add(refused),
            ..self
        }
    }

    /// The wait in a long outage: a share of its length. When all tokens of a fleet have expired, its clients come back
    /// spread over such a share, and not all at once. Zero while the share is not longer than the other waits.
    fn outage_wait(&self, now: Duration, timing: &Timing) -> Duration {
        let share = now.saturating_sub(self.since) / Timing::OUTAGE_DIVISOR;
        if share > Timing::RETRY_MAX { share.min(timing.outage_backoff_max) } else { Duration::ZERO }
    }
}

/// The flight that failed last, and when the next may start. It is kept until a flight succeeds.
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) streak: Streak,
    at: Duration,
    /// The identity provider seems to be down: it has not refused, and the flight was not interrupted here.
    is_outage: bool,
    /// The wait while a valid token is held. Which of the two waits applies is decided when it matters, because the token
    /// may expire or be rejected meanwhile (R8).
    relaxed: Duration,
    /// The wait while nothing usable is held.
    urgent: Duration,
    /// The wait of a caller who has to wait, after a flight that nobody waited for.
    first_caller: Option<Duration>,
}

impl Failure {
    /// `left` is how long the held token is still valid. `streak` includes this flight.
    pub(crate) fn new(
        error: Error,
        streak: Streak,
        at: Duration,
        left: Option<Duration>,
        pace: &mut Pace,
    ) -> Self {
        let relaxed_max = left
            .map_or(Timing::BACKOFF_MAX, |left| Timing::BACKOFF_MAX.min(left / 2))
            .max(Timing::URGENT_BACKOFF_FIRST);
        // A terminal error is remembered (R11). A server's `Retry-After` is honoured (R10).
        let asked = error.retry_after().unwrap_or_default();
        let (is_outage, least, outage) = match error.kind() {
            ErrorKind::LoginRequired | ErrorKind::Misconfigured => {
                let first = pace.timing.terminal_memory;
                let max = first.max(Timing::TERMINAL_MEMORY_MAX);
                let memory = doubling(first, streak.refusals.saturating_sub(1), max);
                (false, memory.max(asked), Duration::ZERO)
            }
            _ => (true, asked, streak.outage_wait(at, &pace.timing)),
        };
        let doubled = |first: Duration, max: Duration| doubling(first, streak.flights.saturating_sub(1), max);
        let urgent = doubled(Timing::URGENT_BACKOFF_FIRST, Timing::URGENT_BACKOFF_MAX).max(outage);
        Self {
            relaxed: pace.half_of(doubled(Timing::BACKOFF_FIRST, relaxed_max)).max(least),
            urgent: pace.half_of(urgent).max(least),
            first_caller: None,
            error,
            streak,
            at,
            is_outage,
        }
    }

    /// Nobody waited for the flight. The first caller who has to wait ends the rest (R8), but neither a wait that the server
    /// asked for nor the memory of a terminal error.
    pub(crate) fn unless_somebody_waits(self) -> Self {
        let least = self.error.retry_after().unwrap_or_default();
        Self { first_caller: self.is_outage.then_some(least), ..self }
    }

    /// The failure of a flight that was interrupted (a panic, a runtime that was shut down). The first in a row costs no
    /// wait. Such flights never make an outage, because nothing says that the identity provider is in trouble (R7).
    pub(crate) fn interrupted(error: Error, streak: Streak, at: Duration, pace: &mut Pace) -> Self {
        let before = Streak { flights: streak.flights.saturating_sub(1), since: at, ..streak };
        let failure = Self { streak, is_outage: false, ..Self::new(error, before, at, None, pace) };
        match before.flights {
            0 => Self { relaxed: Duration::ZERO, urgent: Duration::ZERO, ..failure },
            _ => failure,
        }
    }

    /// When the next flight may start, on the monotonic clock: for a caller who `waits` for it, or in the background.
    pub(crate) fn retry_at(&self, usable: bool, waits: bool) -> Duration {
        let wait = if usable { self.relaxed } else { self.urgent };
        self.at.saturating_add(self.first_caller.filter(|_| waits).unwrap_or(wait))
    }

    /// The error for a caller who comes while no flight may start. It says how long that lasts if the server said so.
    pub(crate) fn error_until(&self, retry_at: Duration, now: Duration) -> Error {
        match self.error.retry_after() {
            Some(_) => self.error.clone().with_retry_after(retry_at.saturating_sub(now)),
            None => self.error.clone(),
        }
    }

    /// The streak of a flight that starts now. A new streak begins if nothing was tried for long after the back-off, or if
    /// the last failure was not an outage.
    pub(crate) fn streak_at(&self, now: Duration, timing: &Timing) -> Streak {
        let rest = self.at.saturating_add(self.relaxed.max(self.urgent));
        // Flights that follow each other are in one outage, even if the waits are set to zero.
        let latest = rest.saturating_add(timing.outage_backoff_max.max(Timing::OUTAGE_BACKOFF_MAX));
        let lasts = now <= latest && self.is_outage;
        if lasts { self.streak } else { Streak { since: now, ..self.streak } }
    }

    /// Lets no flight start before `at`, with or without a valid token.
    pub(crate) fn not_before(&mut self, at: Duration) {
        let wait = at.saturating_sub(self.at);
        self.relaxed = self.relaxed.max(wait);
        self.urgent = self.urgent.max(wait);
        self.first_caller = self.first_caller.map(|least| least.max(wait));
    }
}

/// The wait before attempt `attempt + 1` of one flight. A longer wait of the outage or of `Retry-After` wins.
pub(crate) fn between_attempts(
    attempt: u32,
    error: &Error,
    streak: Streak,
    now: Duration,
    pace: &mut Pace,
) -> Duration {
    let asked = error.retry_after().unwrap_or_default();
    let outage = streak.outage_wait(now, &pace.timing);
    let outage = pace.half_of(outage);
    pace.up_to(doubling(Timing::RETRY_FIRST, attempt, Timing::RETRY_MAX)).max(outage).max(asked)
}

fn doubling(first: Duration, times: u32, max: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times)).min(max)
}

#[cfg(test)]
mod tests;

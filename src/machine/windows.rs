//! When credentials leave each of their four states.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::jitter::Jitter;
use crate::clock::Reading;
use crate::credentials::{Credentials, Expiry};
use crate::jwt;
use crate::timing::Timing;

/// The four states of held credentials (R1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Freshness {
    /// Use it.
    Fresh,
    /// Use it, and refresh in the background.
    Advisory,
    /// It expires soon: callers wait for the refresh.
    Mandatory,
    /// It is never sent.
    Expired,
}

/// A moment on both clocks. It has passed as soon as either clock shows it (R3). A clock that is `None` does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    monotonic: Option<Duration>,
    wall: Option<SystemTime>,
}

impl Deadline {
    pub(crate) const NEVER: Self = Self { monotonic: None, wall: None };

    pub(crate) fn at(reading: Reading) -> Self {
        Self { monotonic: Some(reading.monotonic), wall: Some(reading.wall) }
    }

    pub(crate) fn monotonic(at: Duration) -> Self {
        Self { monotonic: Some(at), wall: None }
    }

    pub(crate) fn passed(&self, now: Reading) -> bool {
        self.monotonic.is_some_and(|at| now.monotonic >= at) || self.wall.is_some_and(|at| now.wall >= at)
    }

    /// The earlier of two, clock by clock.
    pub(crate) fn or_earlier(self, other: Self) -> Self {
        fn earlier<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            }
        }
        Self { monotonic: earlier(self.monotonic, other.monotonic), wall: earlier(self.wall, other.wall) }
    }

    /// How long until it has passed, by the clock that shows it first.
    pub(crate) fn remaining(&self, now: Reading) -> Option<Duration> {
        let monotonic = self.monotonic.map(|at| at.saturating_sub(now.monotonic));
        let wall = self.wall.map(|at| at.duration_since(now.wall).unwrap_or_default());
        match (monotonic, wall) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn before(self, by: Duration) -> Self {
        Self {
            monotonic: self.monotonic.map(|at| at.saturating_sub(by)),
            wall: self.wall.map(|at| at.checked_sub(by).unwrap_or(UNIX_EPOCH)),
        }
    }
}

/// The moments at which credentials become advisory, mandatory and expired.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub(crate) advisory: Deadline,
    pub(crate) mandatory: Deadline,
    pub(crate) expiry: Deadline,
    lifetime: Option<Duration>,
}

impl Windows {
    /// The windows of credentials that a source has just returned. `sent` was read before the request left (R3).
    pub(crate) fn of_response(
        credentials: &Credentials,
        sent: Reading,
        timing: &Timing,
        jitter: &mut Jitter,
    ) -> Self {
        let claims = || jwt::claims(credentials.access_token());
        match credentials.expiry() {
            Expiry::After(lifetime) => Self::lasting(lifetime, sent, timing, jitter),
            Expiry::At(at) => Self::until(at, sent, timing, jitter),
            Expiry::Unknown => match claims() {
                // The difference of two of the server's times is right even if our clock is wrong. But it is not what is
                // left of a token that was issued long ago.
                Some(jwt::Claims { exp, iat: Some(iat) }) if exp > iat && is_recent(iat, sent) => {
                    let lifetime = exp.duration_since(iat).unwrap_or_default().min(Timing::MAX_LIFETIME);
                    Self::lasting(lifetime, sent, timing, jitter)
                }
                Some(jwt::Claims { exp, .. }) => Self::until(exp, sent, timing, jitter),
                None => Self::default_of(sent, timing, jitter),
            },
        }
    }

    /// The windows of credentials from before: from a store, or given at construction. Only their times of day are known.
    pub(crate) fn of_held(
        credentials: &Credentials,
        now: Reading,
        timing: &Timing,
        jitter: &mut Jitter,
    ) -> Self {
        match credentials.expiry() {
            Expiry::After(lifetime) => Self::lasting(lifetime, now, timing, jitter),
            Expiry::At(at) => Self::until(at, now, timing, jitter),
            Expiry::Unknown => match jwt::claims(credentials.access_token()) {
                Some(claims) => Self::until(claims.exp, now, timing, jitter),
                None => Self::default_of(now, timing, jitter),
            },
        }
    }

    pub(crate) fn freshness(&self, now: Reading) -> Freshness {
        if self.expiry.passed(now) {
            Freshness::Expired
        } else if self.mandatory.passed(now) {
            Freshness::Mandatory
        } else if self.advisory.passed(now) {
            Freshness::Advisory
        } else {
            Freshness::Fresh
        }
    }

    pub(crate) fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// The time of day of the expiry, which is what callers and the store get.
    pub(crate) fn expires_at(&self) -> Option<SystemTime> {
        self.expiry.wall
    }

    fn default_of(from: Reading, timing: &Timing, jitter: &mut Jitter) -> Self {
        match timing.default_lifetime {
            Some(lifetime) => Self::lasting(lifetime, from, timing, jitter),
            None => Self {
                advisory: Deadline::NEVER,
                mandatory: Deadline::NEVER,
                expiry: Deadline::NEVER,
                lifetime: None,
            },
        }
    }

    fn until(at: SystemTime, now: Reading, timing: &Timing, jitter: &mut Jitter) -> Self {
        let left = at.duration_since(now.wall).unwrap_or_default().min(Timing::MAX_LIFETIME);
        Self::lasting(left, now, timing, jitter)
    }

    fn lasting(lifetime: Duration, from: Reading, timing: &Timing, jitter: &mut Jitter) -> Self {
        let window = |(divisor, max): (u32, Duration)| (lifetime / divisor).min(max);
        let expiry = Deadline::at(from.after(lifetime));
        let mandatory = window(timing.mandatory);
        // With jitter the advisory window is still within the lifetime, and not shorter than the mandatory one.
        let advisory = jitter.vary(window(timing.advisory)).clamp(mandatory, lifetime.max(mandatory));
        Self {
            advisory: expiry.before(advisory),
            mandatory: expiry.before(mandatory),
            expiry,
            lifetime: Some(lifetime),
        }
    }
}

/// Whether a token may have been issued just now, by a clock that is off by no more than [`Timing::MAX_SKEW`].
fn is_recent(issued: SystemTime, now: Reading) -> bool {
    let apart = now.wall.duration_since(issued).unwrap_or_else(|ahead| ahead.duration());
    apart <= Timing::MAX_SKEW
}

#[cfg(test)]
mod tests;

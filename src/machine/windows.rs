//! When credentials leave each of their four states.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::pace::Pace;
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
        Self { monotonic: earlier(self.monotonic, other.monotonic), wall: earlier(self.wall, other.wall) }
    }

    /// How long until it has passed, by the clock that shows it first.
    pub(crate) fn remaining(&self, now: Reading) -> Option<Duration> {
        let monotonic = self.monotonic.map(|at| at.saturating_sub(now.monotonic));
        let wall = self.wall.map(|at| at.duration_since(now.wall).unwrap_or_default());
        earlier(monotonic, wall)
    }

    fn before(self, by: Duration) -> Self {
        Self {
            monotonic: self.monotonic.map(|at| at.saturating_sub(by)),
            wall: self.wall.map(|at| at.checked_sub(by).unwrap_or(UNIX_EPOCH)),
        }
    }
}

/// The earlier of two; one that is `None` does not count.
fn earlier<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

/// The moments at which credentials become advisory, mandatory and expired.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub(crate) advisory: Deadline,
    pub(crate) mandatory: Deadline,
    pub(crate) expiry: Deadline,
    lifetime: Option<Duration>,
    /// The lifetime is what the provider gives to its tokens, and not what was left of one.
    is_whole: bool,
}

impl Windows {
    /// The windows of a token that is used until it is rejected.
    const ENDLESS: Self = Self {
        advisory: Deadline::NEVER,
        mandatory: Deadline::NEVER,
        expiry: Deadline::NEVER,
        lifetime: None,
        is_whole: false,
    };

    /// The windows of credentials that were read `at` this time. If a source has `just_issued` them, that is the time before
    /// the request left (R3). Otherwise (from a store, or given at construction) only their times of day are known.
    pub(crate) fn of(credentials: &Credentials, at: Reading, just_issued: bool, pace: &mut Pace) -> Self {
        let windows = match credentials.expiry() {
            Expiry::After(lifetime) => Self::lasting(lifetime, at, pace),
            Expiry::At(expiry) => Self::until(expiry, at, pace),
            Expiry::Unknown => match jwt::claims(credentials.access_token()) {
                // The difference of two of the server's times is right even if our clock is wrong. But it is not what is
                // left of a token that was issued long ago.
                Some(jwt::Claims { exp, iat: Some(iat) })
                    if just_issued && exp > iat && is_recent(iat, at) =>
                {
                    let lifetime = exp.duration_since(iat).unwrap_or_default().min(Timing::MAX_LIFETIME);
                    Self::lasting(lifetime, at, pace)
                }
                Some(claims) => Self::until(claims.exp, at, pace),
                None => match pace.timing.default_lifetime {
                    Some(lifetime) => Self::lasting(lifetime, at, pace),
                    None => Self::ENDLESS,
                },
            },
        };
        Self { is_whole: just_issued, ..windows }
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

    /// The lifetime that the provider gives to its tokens, if these windows are those of a response.
    pub(crate) fn issued_lifetime(&self) -> Option<Duration> {
        self.lifetime.filter(|_| self.is_whole)
    }

    pub(crate) fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// The time of day of the expiry, which is what callers and the store get.
    pub(crate) fn expires_at(&self) -> Option<SystemTime> {
        self.expiry.wall
    }

    fn until(expiry: SystemTime, now: Reading, pace: &mut Pace) -> Self {
        let left = expiry.duration_since(now.wall).unwrap_or_default().min(Timing::MAX_LIFETIME);
        Self::lasting(left, now, pace)
    }

    fn lasting(lifetime: Duration, from: Reading, pace: &mut Pace) -> Self {
        let window = |(divisor, max): (u32, Duration)| (lifetime / divisor).min(max);
        let expiry = Deadline::at(from.after(lifetime));
        let mandatory = window(pace.timing.mandatory);
        // With jitter the advisory window is still within the lifetime, and not shorter than the mandatory one.
        let advisory = window(pace.timing.advisory);
        let advisory = pace.vary(advisory).clamp(mandatory, lifetime.max(mandatory));
        Self {
            advisory: expiry.before(advisory),
            mandatory: expiry.before(mandatory),
            expiry,
            lifetime: Some(lifetime),
            is_whole: false,
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

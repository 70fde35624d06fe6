//! The random part of windows and waits, so that the clients of a fleet do not act at the same moment.

use std::time::Duration;

use crate::timing::Timing;

/// Seeded once for each authenticator. `None` in tests that need exact times.
pub(crate) struct Jitter(Option<fastrand::Rng>);

impl Jitter {
    pub(crate) fn new(jitter: bool) -> Self {
        Self(jitter.then(fastrand::Rng::new))
    }

    /// Within ±[`Timing::WINDOW_JITTER`] of `span`.
    pub(crate) fn vary(&mut self, span: Duration) -> Duration {
        match &mut self.0 {
            Some(rng) => span.mul_f64(1.0 + Timing::WINDOW_JITTER * (2.0 * rng.f64() - 1.0)),
            None => span,
        }
    }

    /// Full jitter: between zero and `wait`, so that clients that failed together do not return together.
    pub(crate) fn up_to(&mut self, wait: Duration) -> Duration {
        match &mut self.0 {
            Some(rng) => wait.mul_f64(rng.f64()),
            None => wait,
        }
    }
}

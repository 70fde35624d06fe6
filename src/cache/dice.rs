//! The random part of windows and waits, so that a fleet does not move in step.

use std::time::Duration;

use crate::timing::WINDOW_JITTER;

/// Seeded once per cache; absent in exact tests.
pub(crate) struct Dice(Option<fastrand::Rng>);

impl Dice {
    pub(crate) fn new(jitter: bool) -> Self {
        Self(jitter.then(fastrand::Rng::new))
    }

    /// Within ±[`WINDOW_JITTER`] of `span`.
    pub(crate) fn vary(&mut self, span: Duration) -> Duration {
        match &mut self.0 {
            Some(rng) => span.mul_f64(1.0 + WINDOW_JITTER * (2.0 * rng.f64() - 1.0)),
            None => span,
        }
    }

    /// Full jitter: between nothing and `wait`, so that clients that failed together do not return together.
    pub(crate) fn up_to(&mut self, wait: Duration) -> Duration {
        match &mut self.0 {
            Some(rng) => wait.mul_f64(rng.f64()),
            None => wait,
        }
    }
}

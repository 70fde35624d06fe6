//! The durations that the machine works with, and their random part: the clients of a fleet must not act at the same moment.

use std::sync::Arc;
use std::time::Duration;

use crate::timing::Timing;

/// One for each authenticator.
pub(crate) struct Pace {
    pub(crate) timing: Arc<Timing>,
    /// `None` in tests that need exact times.
    random: Option<fastrand::Rng>,
}

impl Pace {
    pub(crate) fn new(timing: impl Into<Arc<Timing>>) -> Self {
        let timing = timing.into();
        Self { random: timing.jitter.then(fastrand::Rng::new), timing }
    }

    /// Within ±[`Timing::WINDOW_JITTER`] of `span`.
    pub(crate) fn vary(&mut self, span: Duration) -> Duration {
        match &mut self.random {
            Some(random) => span.mul_f64(1.0 + Timing::WINDOW_JITTER * (2.0 * random.f64() - 1.0)),
            None => span,
        }
    }

    /// Full jitter: between zero and `wait`, so that clients that failed together do not return together.
    pub(crate) fn up_to(&mut self, wait: Duration) -> Duration {
        match &mut self.random {
            Some(random) => wait.mul_f64(random.f64()),
            None => wait,
        }
    }

    /// Half of the wait is fixed and half is random, so that flights that failed together spread, and none follows at once.
    pub(crate) fn half_of(&mut self, wait: Duration) -> Duration {
        wait / 2 + self.up_to(wait / 2)
    }
}

/// Two random numbers: names that no other process gives to something.
pub(super) fn random_ids() -> [u64; 2] {
    [fastrand::u64(..), fastrand::u64(..)]
}

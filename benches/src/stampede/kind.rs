//! What has become of the token when the callers come, and how long the fastest possible client would wait.

use std::time::Duration;

use tokio::time::sleep;

use super::{ANSWER, Outcome, stampede};

/// Over what time late refusals are spread.
const SPREAD: Duration = Duration::from_millis(150);
/// The lifetime of a token that shall lapse before the stampede: the shortest that a token response can name.
pub const SHORT: Duration = Duration::from_secs(1);
/// How long after it was had such a token has lapsed for everyone, also for those who count in whole seconds.
pub const LAPSE: Duration = Duration::from_millis(1_200);

/// Why there is no good token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was revoked; every caller is refused at once.
    Immediate,
    /// It was revoked; the refusals arrive over a time longer than a refresh.
    Late,
    /// It has lapsed.
    Expired,
    /// There is none yet.
    Cold,
}

impl Kind {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 4] = [Self::Immediate, Self::Late, Self::Expired, Self::Cold];

    /// What the rows begin with.
    pub fn name(self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::Late => "late",
            Self::Expired => "expired",
            Self::Cold => "cold",
        }
    }

    /// Whether the token looks good to its holder, who learns from a 401 that it isn't.
    pub fn refused(self) -> bool {
        matches!(self, Self::Immediate | Self::Late)
    }

    /// Takes as long as this caller's refusal does. The same for everyone who is measured.
    pub async fn refuse(self, caller: usize) {
        if self == Self::Late {
            sleep(late(caller)).await;
        }
    }
}

fn late(caller: usize) -> Duration {
    SPREAD.mul_f64(fastrand::Rng::with_seed(caller as u64).f64())
}

/// As many tasks that only sleep, each as long as it would wait with the fastest possible client.
pub async fn floor(kind: Kind, callers: usize) -> Outcome {
    let wait = move |caller| match kind {
        Kind::Immediate | Kind::Expired | Kind::Cold => ANSWER,
        // A caller that is refused after the refresh has landed need not wait for it.
        Kind::Late => ANSWER.max(late(caller)),
    };
    stampede(callers, |caller| async move {
        sleep(wait(caller)).await;
        true
    })
    .await
}

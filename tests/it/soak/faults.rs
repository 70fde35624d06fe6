//! What the network does to token requests.

use std::sync::Mutex;
use std::time::Duration;

use fastrand::Rng;

use super::client::ATTEMPT;
use crate::support::proxy::{Fault, RequestInfo};

/// One of each kind.
pub const ALL: [Fault; 10] = [
    Fault::DropBefore,
    Fault::DropAfterCommit,
    Fault::Truncate,
    Fault::Delay(Duration::ZERO),
    Fault::RateLimited { retry_after: String::new() },
    Fault::Unavailable,
    Fault::HtmlBadGateway,
    Fault::Garbage,
    Fault::RawGarbage,
    Fault::SlowDrip(Duration::ZERO),
];

/// Every third token request meets a fault, each kind as often as any other.
pub fn at_random(seed: u64) -> impl Fn(&RequestInfo) -> Fault + Send + Sync + 'static {
    let dice = Mutex::new(Rng::with_seed(seed));
    move |_| {
        let mut dice = dice.lock().unwrap();
        match dice.u8(..3) {
            0 => with_details(&ALL[dice.usize(..ALL.len())], &mut dice),
            _ => Fault::None,
        }
    }
}

fn with_details(kind: &Fault, dice: &mut Rng) -> Fault {
    match kind {
        // Some arrive after the client has given up: the provider gets a refresh token whose caller is gone.
        Fault::Delay(_) if dice.bool() => Fault::Delay(ATTEMPT + Duration::from_millis(dice.u64(..2_000))),
        Fault::Delay(_) => Fault::Delay(Duration::from_millis(dice.u64(..300))),
        // A response has about three hundred bytes.
        Fault::SlowDrip(_) if dice.bool() => Fault::SlowDrip(Duration::from_millis(50)),
        Fault::SlowDrip(_) => Fault::SlowDrip(Duration::from_millis(1)),
        Fault::RateLimited { .. } => {
            let retry_after = ["0", "1", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"];
            Fault::RateLimited { retry_after: retry_after[dice.usize(..retry_after.len())].to_owned() }
        }
        kind => kind.clone(),
    }
}

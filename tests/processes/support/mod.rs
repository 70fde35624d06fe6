//! What tests need: a place that workers share, the workers, and what the provider has seen.

#[path = "../../it/support/idp.rs"]
pub mod idp;
pub mod ledger;
pub mod place;
#[allow(dead_code, reason = "it belongs to the tests of the store in Redis, too")]
#[path = "../../redis_store/support/proxy.rs"]
pub mod proxy;
#[allow(dead_code, reason = "it belongs to the tests of the store in Redis, too")]
#[path = "../../redis_store/support/server.rs"]
pub mod server;
pub mod stage;
pub mod worker;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::task::LocalSet;

pub use ledger::Ledger;
pub use place::Kind;
pub use server::Server;
pub use stage::{Run, Stage};
pub use worker::Worker;

/// A limit that no test reaches on a machine that works.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Looks until something holds.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The time as workers tell it: milliseconds since 1970.
pub fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Runs cases at the same time. Each has its message if it fails.
pub async fn together<F: Future<Output = ()> + 'static>(cases: impl IntoIterator<Item = F>) {
    let local = LocalSet::new();
    let cases: Vec<_> = cases.into_iter().map(|case| local.spawn_local(case)).collect();
    local
        .run_until(async {
            for case in cases {
                case.await.unwrap();
            }
        })
        .await;
}

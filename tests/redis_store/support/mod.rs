//! Servers, entries, and patience.

pub mod entries;
pub mod proxy;
pub mod server;

use std::time::{Duration, Instant};

use reauth::store::RedisStore;

pub use entries::*;
pub use proxy::Proxy;
pub use server::Server;

/// A limit that no test reaches on a machine that works.
pub const PATIENCE: Duration = Duration::from_secs(60);

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

pub fn store(server: &Server) -> RedisStore {
    RedisStore::new(&server.url()).unwrap()
}

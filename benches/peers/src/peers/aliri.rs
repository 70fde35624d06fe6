//! aliri_tokens: a token in a watch channel, which its users borrow. Refreshed by a task, so it is never cold.

use aliri_tokens::backoff::ErrorBackoffConfig;
use aliri_tokens::jitter::NullJitter;
use aliri_tokens::sources::ConstTokenSource;
use aliri_tokens::{AccessToken, TokenWatcher};

use super::Peer;

/// A watcher.
pub struct Aliri(TokenWatcher);

impl Aliri {
    /// A watcher that has a token.
    pub async fn new() -> Self {
        let source = ConstTokenSource::new(AccessToken::new(reauth_benches::token()));
        let backoff = ErrorBackoffConfig::default();
        Self(TokenWatcher::spawn_from_token_source(source, NullJitter, backoff).await.expect("a token"))
    }
}

impl Peer for Aliri {
    async fn ask(&self, look: &(impl Fn(&str) -> bool + Sync)) -> bool {
        look(self.0.token().access_token().as_str())
    }
}

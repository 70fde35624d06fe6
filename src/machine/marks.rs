//! What is remembered about tokens that are not in use any more: hashes, generations and times, never the tokens.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::credentials::{Credentials, Login};

/// What is known about earlier rejections.
#[derive(Default)]
pub(super) struct Rejections {
    /// When a rejection last started a flight, on the monotonic clock.
    pub(super) last: Option<Duration>,
    /// The hash of the access token that was last reported as rejected while it was not in use.
    pub(super) reported: Option<u64>,
    /// The access tokens that were rejected and then replaced.
    pub(super) replaced: ReplacedTokens,
}

/// The hashes of the last few access tokens that a server rejected before a successor came (R93).
#[derive(Default)]
#[allow(
    clippy::box_collection,
    reason = "most authenticators never have one, and the box alone takes less room"
)]
pub(super) struct ReplacedTokens(Option<Box<VecDeque<u64>>>);

impl ReplacedTokens {
    /// More than a provider has in its caches at a time. The oldest one is forgotten.
    const MOST: usize = 8;

    pub(super) fn add(&mut self, credentials: &Credentials) {
        let hash = hash_access_token(credentials);
        let hashes = self.0.get_or_insert_default();
        hashes.retain(|known| *known != hash);
        hashes.push_back(hash);
        if hashes.len() > Self::MOST {
            hashes.pop_front();
        }
    }

    pub(super) fn contain(&self, credentials: &Credentials) -> bool {
        self.0.as_ref().is_some_and(|hashes| hashes.contains(&hash_access_token(credentials)))
    }
}

/// The first log-in of a new authenticator.
pub(super) fn first_login() -> Login {
    static AUTHENTICATORS: AtomicU32 = AtomicU32::new(0);
    let authenticator = NonZeroU32::MIN.saturating_add(AUTHENTICATORS.fetch_add(1, Ordering::Relaxed));
    Login { authenticator, number: 0 }
}

/// What the last log-out ended.
#[derive(Default)]
pub(super) struct LogOut {
    /// The last generation before it.
    pub(super) generation: u64,
    /// The last flight before it.
    pub(super) flight: u64,
    /// The hash of the access token that it ended.
    pub(super) token: Option<u64>,
}

/// The hash of the access token: enough to recognize it.
pub(super) fn hash_access_token(credentials: &Credentials) -> u64 {
    let mut hasher = DefaultHasher::new();
    credentials.access_token().hash(&mut hasher);
    hasher.finish()
}

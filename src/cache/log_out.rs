//! What is in memory when a log-out comes, and lives on at the provider.

use super::flight::Phase;
use super::state::State;
use crate::Credentials;

impl State {
    /// Each grant in memory once, the newest first: what a flight has just landed, what is held, what was put
    /// aside, what the source was built with.
    pub(super) fn grants(&self) -> Vec<Credentials> {
        let landed = self.flight.iter().filter_map(|flight| match &flight.phase {
            Phase::Saving(held) => Some(held),
            _ => None,
        });
        let doubted = self.doubted.iter().map(|(held, _)| held);
        let mut grants: Vec<Credentials> = Vec::new();
        for held in landed.chain(&self.held).chain(doubted).chain(&self.initial) {
            if !grants.iter().any(|known| same_grant(known, &held.credentials)) {
                grants.push(held.credentials.clone());
            }
        }
        grants
    }

    /// Whether these, or others of the same grant, are in memory.
    pub(super) fn has(&self, credentials: &Credentials) -> bool {
        self.grants()
            .iter()
            .any(|known| known.same_access_token(credentials) || same_grant(known, credentials))
    }
}

fn same_grant(one: &Credentials, other: &Credentials) -> bool {
    match (one.refresh_token(), other.refresh_token()) {
        (None, None) => one.same_access_token(other),
        (one, other) => one == other,
    }
}

//! Log-out, and the program's own log-in: what ends, and what of it lives on at the provider (R17).

use std::sync::Arc;

use super::flight::Phase;
use super::jitter::Jitter;
use super::shelf::hash_access_token;
use super::state::{Held, State};
use super::windows::Windows;
use crate::Credentials;
use crate::clock::Reading;
use crate::event::Event;

impl State {
    /// Log-out: nothing of what was held, or is under way, comes back (R17). Returns what it leaves behind at the
    /// provider.
    pub(crate) fn log_out(&mut self) -> Vec<Credentials> {
        let grants = self.grants();
        let ended_token =
            self.held.as_ref().map(|held| hash_access_token(&held.credentials)).or(self.ended_token);
        *self = Self {
            ended_token,
            must_forget: self.has_store,
            events: std::mem::take(&mut self.events),
            generation: self.generation,
            flights: self.flights,
            logged_out: (self.generation, self.flights),
            jitter: std::mem::replace(&mut self.jitter, Jitter::new(false)),
            ..Self::new(self.timing.clone(), self.has_store)
        };
        self.events.push(Event::Cleared);
        grants
    }

    /// The program brings credentials of its own, after a log-in that this crate knows nothing about.
    pub(crate) fn set(&mut self, credentials: Credentials, now: Reading) -> Arc<Held> {
        let windows = Windows::of_held(&credentials, now, &self.timing, &mut self.jitter);
        let held = self.hold(credentials, windows);
        let (stored, must_forget) = (std::mem::take(&mut self.stored), self.must_forget);
        let (logged_out, ended_token) = (self.logged_out, self.ended_token);
        self.log_out();
        self.ended_token = ended_token;
        // A log-out that the store has not carried through yet is not forgotten (R17).
        (self.stored, self.must_forget, self.logged_out) = (stored, must_forget, logged_out);
        self.held = Some(held.clone());
        held
    }

    /// Each grant in memory once, the newest first: what a flight has just landed, what is held, what was put
    /// aside, what the source was built with.
    fn grants(&self) -> Vec<Credentials> {
        let landed = self.flight.iter().filter_map(|flight| match &flight.phase {
            Phase::Saving(held) => Some(held),
            _ => None,
        });
        let fallbacks = self.doubted.iter().chain(&self.initial).map(|(held, _)| held);
        let mut grants: Vec<Credentials> = Vec::new();
        for held in landed.chain(&self.held).chain(fallbacks) {
            if !grants.iter().any(|known| same_grant(known, &held.credentials)) {
                grants.push(held.credentials.clone());
            }
        }
        grants
    }

    /// Whether these, or others of the same grant, are in memory.
    pub(crate) fn has(&self, credentials: &Credentials) -> bool {
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

#[cfg(test)]
mod tests;

//! Log-out, and credentials that the program sets: what is forgotten, and what is still valid at the provider (R17).

use std::sync::Arc;

use super::State;
use super::flight::Phase;
use super::held::{Candidate, Held, Holdings, Origin};
use super::marks::{LogOut, Rejections, hash_access_token};
use super::windows::Windows;
use crate::clock::Reading;
use crate::credentials::Credentials;
use crate::event::Event;

impl State {
    /// Logs out: forgets what is held, and drops a running flight (R17). Returns the credentials that are still valid at
    /// the provider.
    pub(crate) fn log_out(&mut self) -> Vec<Credentials> {
        let grants = self.grants();
        if let Some(shelf) = &mut self.shelf {
            shelf.log_out(&grants);
        }
        self.end_login();
        grants
    }

    /// Ends the log-in: what was handed out for it is answered with `LoginRequired` from now on.
    pub(super) fn end_login(&mut self) {
        let token = self.holdings.held().map(|held| hash_access_token(&held.credentials));
        self.log_out = LogOut {
            generation: self.holdings.newest,
            flight: self.flights,
            token: token.or(self.log_out.token),
        };
        self.holdings.login.number = self.holdings.login.number.wrapping_add(1);
        self.drop_everything();
    }

    /// What a log-out found in the store, and what is valid at the provider beside these.
    pub(crate) fn take_found(&mut self, grants: &[Credentials]) -> Vec<Credentials> {
        let found = self.shelf.as_mut().map(|shelf| std::mem::take(&mut shelf.found)).unwrap_or_default();
        found.into_iter().filter(|found| !grants.iter().any(|grant| same_grant(grant, found))).collect()
    }

    /// Takes credentials from a log-in outside of this crate. If the store still has to be cleared, that stays so (R17).
    pub(crate) fn set_credentials(&mut self, credentials: Credentials, now: Reading) -> Arc<Held> {
        let windows = Windows::of(&credentials, now, false, &mut self.pace);
        let held = self.holdings.number(credentials, windows);
        self.drop_everything();
        self.replaced = self.flights;
        if let Some(shelf) = &mut self.shelf {
            shelf.set(&held.credentials);
        }
        self.holdings.current = Some(Candidate::good(held.clone()));
        self.holdings.origin = Origin::Handed;
        held
    }

    fn drop_everything(&mut self) {
        let header = self.holdings.header.take();
        self.holdings = Holdings { header, ..Holdings::empty(self.holdings.newest, self.holdings.login) };
        self.flight = None;
        self.failure = None;
        self.rejections = Rejections::default();
        self.events.push(Event::Cleared);
    }

    /// The last flight before the last log-out: its waiters get nothing that came after.
    pub(crate) fn last_flight_before_log_out(&self) -> u64 {
        self.log_out.flight
    }

    /// Whether these credentials, or others of the same grant, are in memory.
    pub(crate) fn holds(&self, credentials: &Credentials) -> bool {
        self.grants()
            .iter()
            .any(|grant| grant.same_access_token(credentials) || same_grant(grant, credentials))
    }

    /// Whether the store still has to forget what was logged out.
    pub(super) fn must_forget(&self) -> bool {
        self.shelf.as_ref().is_some_and(|shelf| shelf.forget.is_some())
    }

    /// Each grant in memory once, the newest first: what came late, what a flight is saving, what is in use, what was put aside.
    fn grants(&self) -> Vec<Credentials> {
        let saving = self.flight.iter().filter_map(|flight| match &flight.phase {
            Phase::Saving(saving) | Phase::SavingAgain(saving) => Some(&saving.held),
            _ => None,
        });
        let late = self.holdings.late.iter().map(|late| &late.brought);
        let held = saving.chain(self.holdings.all()).map(|held| &held.credentials);
        let mut grants: Vec<Credentials> = Vec::new();
        for credentials in late.chain(held) {
            if !grants.iter().any(|grant| same_grant(grant, credentials)) {
                grants.push(credentials.clone());
            }
        }
        grants
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

//! What the machine holds: the credentials in use, and those that it may fall back on.

use std::sync::Arc;
use std::time::Duration;

use super::late::Late;
use super::windows::{Freshness, Windows};
use crate::auth_header::{AuthHeader, BEARER};
use crate::clock::Reading;
use crate::credentials::{Credentials, Login};

/// Credentials that are or were held, with their windows. They never change: a successor has another generation.
pub(crate) struct Held {
    pub(crate) credentials: Credentials,
    pub(crate) generation: u64,
    /// The first of the consecutive generations, up to this one, that had this same access token.
    since: u64,
    pub(crate) windows: Windows,
}

impl Held {
    /// Whether `generation` had this access token.
    pub(super) fn covers(&self, generation: u64) -> bool {
        (self.since..=self.generation).contains(&generation)
    }

    /// How long the access token is still valid. A token without an expiry is valid for ever.
    pub(super) fn time_left(&self, now: Reading) -> Duration {
        self.windows.expiry.remaining(now).unwrap_or(Duration::MAX)
    }

    /// This access token with the refresh token of `other`, under the later of their two generations.
    pub(super) fn with_refresh_token_of(&self, other: &Self) -> Arc<Self> {
        let credentials = self.credentials.clone();
        let credentials = match other.credentials.refresh_token() {
            Some(token) => credentials.clone().with_refresh_token(token).unwrap_or(credentials),
            None => credentials,
        };
        let generation = self.generation.max(other.generation);
        Arc::new(Self { credentials, generation, since: self.since, windows: self.windows })
    }
}

/// Credentials that are or may be used, and whether a server has rejected their access token.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) held: Arc<Held>,
    pub(super) rejected: bool,
}

impl Candidate {
    pub(super) fn good(held: Arc<Held>) -> Self {
        Self { held, rejected: false }
    }
}

/// What is known about the refresh token in use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RefreshToken {
    /// It may be sent.
    Good,
    /// It was sent and no response came, so it may be spent (R14).
    InDoubt,
    /// The provider refused, and did not say that the refresh token is the reason. It is not sent again in this flight, but
    /// in the next (R15).
    Inconclusive,
    /// The provider refused it, so it is never sent again (R15).
    Refused,
}

/// Where the credentials in use come from, which says whether they can be had again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The source was built with them, or there are none.
    Built,
    /// The source has logged in, and can do so again.
    LoggedIn,
    /// The program has set them, or they come from a refresh of those that the source was built with.
    Handed,
}

/// Everything that is held, and the generation counter.
pub(super) struct Holdings {
    /// The credentials in use.
    pub(super) current: Option<Candidate>,
    /// What is known about the refresh token of `current`.
    pub(super) refresh_token: RefreshToken,
    /// The credentials that the source was built with, until the store was read: it may hold their successor.
    pub(super) initial: Option<Candidate>,
    /// What was in use, with its refresh token in doubt, when other credentials were found in the store. Those may be
    /// older, because one of our own writes may have failed.
    pub(super) doubted: Option<Candidate>,
    /// What a late response to a refresh has brought, until the flight in the air needs it.
    pub(super) late: Option<Box<Late>>,
    /// The newest generation.
    pub(super) newest: u64,
    /// The log-in that all of these belong to: a new one after each log-out.
    pub(super) login: Login,
    /// The header that the credentials are for, if it is not `Authorization: Bearer`.
    pub(super) header: Option<Arc<AuthHeader>>,
    #[cfg_attr(not(feature = "identities"), allow(dead_code, reason = "a set of identities asks for it"))]
    pub(super) origin: Origin,
}

impl Holdings {
    /// Holds nothing. The generations go on after `newest`.
    pub(super) fn empty(newest: u64, login: Login) -> Self {
        Self {
            current: None,
            refresh_token: RefreshToken::Good,
            initial: None,
            doubted: None,
            late: None,
            newest,
            login,
            header: None,
            origin: Origin::Built,
        }
    }

    /// The generation in use; 0 if nothing is held.
    pub(super) fn generation(&self) -> u64 {
        self.held().map_or(0, |held| held.generation)
    }

    pub(super) fn held(&self) -> Option<&Arc<Held>> {
        self.current.as_ref().map(|current| &current.held)
    }

    /// Whether the access token in use was rejected.
    pub(super) fn is_rejected(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.rejected)
    }

    /// Whether an access token is in use that has not expired. It may have been rejected.
    pub(super) fn is_unexpired(&self, now: Reading) -> bool {
        self.held().is_some_and(|held| held.windows.freshness(now) != Freshness::Expired)
    }

    /// What may be sent: it is held, and neither rejected nor expired.
    pub(super) fn usable(&self, now: Reading) -> Option<(&Arc<Held>, Freshness)> {
        let held = self.held().filter(|_| !self.is_rejected())?;
        match held.windows.freshness(now) {
            Freshness::Expired => None,
            freshness => Some((held, freshness)),
        }
    }

    /// Gives credentials the next generation. They are not in use yet.
    pub(super) fn number(&mut self, credentials: Credentials, windows: Windows) -> Arc<Held> {
        let credentials = match windows.expires_at() {
            Some(at) => credentials.with_expires_at(at),
            None => credentials,
        };
        let prefix = self.header.as_ref().map_or(BEARER, |header| header.prefix());
        let credentials = credentials.of_login(self.login).with_prefix(prefix);
        self.newest += 1;
        let generation = self.newest;
        let same = self.held().filter(|held| held.credentials.same_access_token(&credentials));
        let since = same.map_or(generation, |held| held.since);
        Arc::new(Held { credentials, generation, since, windows })
    }

    /// Puts credentials in use. What is known about a refresh token stays true beside another access token.
    pub(super) fn put_in_use(&mut self, candidate: Candidate) {
        let token = candidate.held.credentials.refresh_token();
        if self.held().is_none_or(|held| held.credentials.refresh_token() != token) {
            self.refresh_token = RefreshToken::Good;
        }
        self.current = Some(candidate);
    }

    /// Credentials that are put aside may be put in use for the sake of their refresh token. A rejected access token
    /// must not be handed out then (R24).
    pub(super) fn reject_put_aside(&mut self, is_rejected: impl Fn(&Held) -> bool) {
        for candidate in self.initial.iter_mut().chain(&mut self.doubted) {
            candidate.rejected |= is_rejected(&candidate.held);
        }
    }

    /// Everything that is held or put aside, the newest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Held>> {
        self.current.iter().chain(&self.doubted).chain(&self.initial).map(|candidate| &candidate.held)
    }
}

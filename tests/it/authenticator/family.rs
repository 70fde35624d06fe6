//! A simulated provider with single-use refresh tokens: the second use of one revokes the whole log-in.

use std::sync::{Arc, Mutex};

use reauth::{CredentialSource, Credentials, Error};

use crate::support::source::credentials;

/// The provider, and the source that asks it. Clones share it.
#[derive(Clone)]
pub(super) struct Family(Arc<Mutex<Inner>>);

struct Inner {
    logins: u32,
    rotations: u32,
    revoked: bool,
    /// How many of the next responses to a refresh are lost.
    lost: u32,
    can_log_in: bool,
}

impl Family {
    pub(super) fn new() -> Self {
        let inner = Inner { logins: 0, rotations: 0, revoked: false, lost: 0, can_log_in: true };
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Logs in once. After that only the user can log in.
    pub(super) fn with_one_login(self) -> Self {
        self.0.lock().unwrap().can_log_in = false;
        self
    }

    /// The next response to a refresh is lost after the provider has acted on it.
    pub(super) fn lose_a_response(&self) {
        self.0.lock().unwrap().lost += 1;
    }

    pub(super) fn logins(&self) -> u32 {
        self.0.lock().unwrap().logins
    }

    pub(super) fn rotations(&self) -> u32 {
        self.0.lock().unwrap().rotations
    }

    pub(super) fn is_revoked(&self) -> bool {
        self.0.lock().unwrap().revoked
    }
}

impl Inner {
    fn issue(&self) -> Credentials {
        let (login, rotation) = (self.logins, self.rotations);
        credentials(&format!("at-{login}-{rotation}"), Some(&format!("rt-{login}-{rotation}")), Some(300))
    }

    fn rotate(&mut self, refresh_token: &str) -> Result<Credentials, Error> {
        let current = refresh_token == format!("rt-{}-{}", self.logins, self.rotations);
        if !self.revoked && current {
            self.rotations += 1;
        } else {
            self.revoked = true;
            return Err(Error::login_required("this refresh token was used before: the log-in is revoked"));
        }
        if self.lost > 0 {
            self.lost -= 1;
            return Err(Error::transient("the connection broke before the response was complete"));
        }
        Ok(self.issue())
    }
}

impl CredentialSource for Family {
    async fn login(&self) -> Result<Credentials, Error> {
        // The request takes several turns, so that callers can interfere with each other.
        tokio::task::yield_now().await;
        let mut inner = self.0.lock().unwrap();
        if inner.logins > 0 && !inner.can_log_in {
            return Err(Error::unsupported("only the user can log in"));
        }
        inner.logins += 1;
        inner.rotations = 0;
        inner.revoked = false;
        Ok(inner.issue())
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        tokio::task::yield_now().await;
        let response = self.0.lock().unwrap().rotate(held.refresh_token().unwrap_or_default());
        tokio::task::yield_now().await;
        response
    }
}

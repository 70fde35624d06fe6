//! The tokens that the server issued: access tokens of two seconds, and refresh tokens for a single use.

use std::collections::BTreeMap;
use std::time::Duration;

/// The lifetime of an access token.
pub(crate) const LIFETIME: Duration = Duration::from_secs(2);

/// The tokens in one response of the token endpoint.
pub(super) struct Issued {
    pub(super) access_token: String,
    pub(super) refresh_token: String,
}

struct Access {
    /// The number of this token among all that were issued, from 1.
    number: u64,
    family: u64,
    expires: Duration,
    revoked: bool,
}

struct Refresh {
    family: u64,
    spent: bool,
}

/// Every token. All tokens that come from one log-in are a family.
#[derive(Default)]
pub(super) struct Tokens {
    access: BTreeMap<String, Access>,
    refresh: BTreeMap<String, Refresh>,
    families: u64,
    /// How often a spent refresh token came again.
    pub(super) reused: u64,
}

impl Tokens {
    /// Starts a family.
    pub(super) fn log_in(&mut self, now: Duration) -> Issued {
        self.families += 1;
        self.issue(self.families, now)
    }

    /// Spends a refresh token. If it comes a second time it may be stolen, and its whole family is revoked (RFC 9700
    /// section 4.14.2).
    pub(super) fn rotate(&mut self, refresh_token: &str, now: Duration) -> Option<Issued> {
        let token = self.refresh.get_mut(refresh_token)?;
        let family = token.family;
        if std::mem::replace(&mut token.spent, true) {
            self.reused += 1;
            self.refresh.retain(|_, token| token.family != family);
            self.access.values_mut().filter(|token| token.family == family).for_each(|t| t.revoked = true);
            return None;
        }
        Some(self.issue(family, now))
    }

    pub(super) fn revoke_access(&mut self) {
        self.access.values_mut().for_each(|token| token.revoked = true);
    }

    /// Judges a token, and returns what is wrong with it.
    ///
    /// On a busy machine, a request can take longer than the lifetime of its token. The token is therefore judged at the
    /// time when its caller began: a token that had already expired then should not have been sent, on any machine.
    pub(super) fn judge(&self, token: Option<&str>, began: Duration) -> Result<(), &'static str> {
        let token = token.ok_or("missing")?;
        let token = self.access.get(token).ok_or("unknown")?;
        match token {
            Access { revoked: true, .. } => Err("revoked"),
            Access { expires, .. } if began >= *expires => Err("expired"),
            _ => Ok(()),
        }
    }

    /// Returns the number of a token, which can be shown.
    pub(super) fn number(&self, token: &str) -> Option<u64> {
        self.access.get(token).map(|token| token.number)
    }

    fn issue(&mut self, family: u64, now: Duration) -> Issued {
        let number = self.access.len() as u64 + 1;
        let random = || format!("{:032x}", fastrand::u128(..));
        let issued =
            Issued { access_token: format!("at-{}", random()), refresh_token: format!("rt-{}", random()) };
        let access = Access { number, family, expires: now + LIFETIME, revoked: false };
        self.access.insert(issued.access_token.clone(), access);
        self.refresh.insert(issued.refresh_token.clone(), Refresh { family, spent: false });
        issued
    }
}

//! One authenticator for each user, for a limited number of users.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use reauth::{Authenticator, Error, Event, oauth2};

/// Who a user is: *everything* that proves it. If the key were only a part of that, such as the name without the password,
/// anyone who knows the name would get the user's tokens.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl Identity {
    /// Reads it from HTTP Basic (RFC 7617). Your users may have a session instead, or a token.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
        let text = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
        let (username, password) = text.split_once(':')?;
        Some(Self { username: username.to_owned(), password: password.to_owned() })
    }
}

type Source = dyn Fn(&Identity) -> Result<oauth2::Password, Error> + Send + Sync;

/// The users whose tokens are kept. Their passwords stay in memory too.
pub(crate) struct Users {
    capacity: usize,
    source: Box<Source>,
    kept: Mutex<Kept>,
    token_requests: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Kept {
    users: HashMap<Identity, User>,
    uses: u64,
}

struct User {
    authenticator: Authenticator,
    /// Whether the provider has accepted the user at least once.
    proven: Arc<AtomicBool>,
    used: u64,
}

impl Users {
    pub(crate) fn new(
        capacity: usize,
        source: impl Fn(&Identity) -> Result<oauth2::Password, Error> + Send + Sync + 'static,
    ) -> Self {
        Self { capacity, source: Box::new(source), kept: Mutex::default(), token_requests: Arc::default() }
    }

    /// Returns the one authenticator of this user. Making it sends nothing: it logs in at its first use, once for all
    /// callers, and remembers a refusal for a while.
    pub(crate) fn authenticator(&self, identity: Identity) -> Result<Authenticator, Error> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let now = kept.uses;
        if let Some(user) = kept.users.get_mut(&identity) {
            user.used = now;
            return Ok(user.authenticator.clone());
        }
        let token_requests = self.token_requests.clone();
        let proven = Arc::new(AtomicBool::new(false));
        let accepted = proven.clone();
        let authenticator = Authenticator::builder((self.source)(&identity)?)
            .observer(move |event: &Event| {
                let started = matches!(event, Event::RefreshStarted { .. });
                token_requests.fetch_add(usize::from(started), Ordering::Relaxed);
                accepted.fetch_or(matches!(event, Event::RefreshSucceeded { .. }), Ordering::Relaxed);
            })
            .build();
        // A user who was never accepted goes first: someone who guesses passwords must not push the others out. Next is
        // the user who was away longest; that user logs in again later. Requests under way have a clone.
        if kept.users.len() >= self.capacity {
            let rank = |user: &User| (user.proven.load(Ordering::Relaxed), user.used);
            let last = kept.users.iter().min_by_key(|(_, user)| rank(user));
            if let Some(last) = last.map(|(identity, _)| identity.clone()) {
                kept.users.remove(&last);
            }
        }
        kept.users.insert(identity, User { authenticator: authenticator.clone(), proven, used: now });
        Ok(authenticator)
    }

    pub(crate) fn count(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).users.len()
    }

    /// Counts the token requests of all users, also of those who are not kept any more.
    pub(crate) fn token_requests(&self) -> usize {
        self.token_requests.load(Ordering::Relaxed)
    }
}

//! One authenticator for each user, and only so many of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use reauth::{Authenticator, Error, Event, oauth2};

/// Who somebody is: *all* that they prove it with. With a part of it as the key, a name without the password, one
/// would get the tokens of another.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl Identity {
    /// As our users say it: RFC 7617. Yours may have a session instead, or a token of their own.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
        let text = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
        let (username, password) = text.split_once(':')?;
        Some(Self { username: username.to_owned(), password: password.to_owned() })
    }
}

type Source = dyn Fn(&Identity) -> Result<oauth2::Password, Error> + Send + Sync;

/// The users whose tokens are kept; with them their passwords stay in memory.
pub(crate) struct Users {
    capacity: usize,
    source: Box<Source>,
    kept: Mutex<Kept>,
    token_requests: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Kept {
    authenticators: HashMap<Identity, (Authenticator, u64)>,
    uses: u64,
}

impl Users {
    pub(crate) fn new(
        capacity: usize,
        source: impl Fn(&Identity) -> Result<oauth2::Password, Error> + Send + Sync + 'static,
    ) -> Self {
        Self { capacity, source: Box::new(source), kept: Mutex::default(), token_requests: Arc::default() }
    }

    /// The one authenticator of this user. Making one sends nothing: it logs in when it is first used, once for all
    /// who wait, and remembers for a while that it was refused.
    pub(crate) fn authenticator(&self, identity: Identity) -> Result<Authenticator, Error> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let now = kept.uses;
        if let Some((authenticator, used)) = kept.authenticators.get_mut(&identity) {
            *used = now;
            return Ok(authenticator.clone());
        }
        let token_requests = self.token_requests.clone();
        let authenticator = Authenticator::builder((self.source)(&identity)?)
            .observer(move |event: &Event| {
                let started = matches!(event, Event::RefreshStarted { .. });
                token_requests.fetch_add(usize::from(started), Ordering::Relaxed);
            })
            .build();
        // Whoever was away the longest goes, and logs in anew when they are back. Requests of theirs that are
        // under way have a clone.
        if kept.authenticators.len() >= self.capacity {
            let oldest = kept.authenticators.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(identity, _)| identity.clone()) {
                kept.authenticators.remove(&oldest);
            }
        }
        kept.authenticators.insert(identity, (authenticator.clone(), now));
        Ok(authenticator)
    }

    pub(crate) fn count(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).authenticators.len()
    }

    /// Of all users, those that are gone too.
    pub(crate) fn token_requests(&self) -> usize {
        self.token_requests.load(Ordering::Relaxed)
    }
}

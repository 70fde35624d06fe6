//! One authenticator for each user, for a limited number of users.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use reauth::{Authenticator, Error, Event, Identities, oauth2};

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

/// The users whose tokens are kept. Their passwords stay in memory too, as long as the set has them.
#[derive(Clone)]
pub(crate) struct Users {
    identities: Identities<Identity>,
    token_requests: Arc<AtomicUsize>,
}

impl Users {
    /// Keeps about `capacity` users. Who is used least goes first, so someone who guesses passwords does not push out the others.
    pub(crate) fn new(
        capacity: usize,
        source: impl Fn(&Identity) -> Result<oauth2::Password, Error> + Send + Sync + 'static,
    ) -> Self {
        let token_requests = Arc::new(AtomicUsize::new(0));
        let counter = token_requests.clone();
        let identities = Identities::builder(move |identity: Identity| {
            let made = source(&identity).map(|source| {
                let counter = counter.clone();
                // The observer may know whose events these are: the factory has the key.
                let observer = move |event: &Event| {
                    let started = matches!(event, Event::RefreshStarted { .. });
                    counter.fetch_add(usize::from(started), Ordering::Relaxed);
                };
                Authenticator::builder(source).observer(observer).build()
            });
            async move { made }
        });
        Self { identities: identities.capacity(capacity).build(), token_requests }
    }

    /// Returns the one authenticator of this user. Making it sends nothing: it logs in at its first use, once for all
    /// callers, and remembers a refusal for a while.
    pub(crate) async fn authenticator(&self, identity: &Identity) -> Result<Authenticator, Error> {
        self.identities.get(identity).await
    }

    pub(crate) fn count(&self) -> usize {
        self.identities.len()
    }

    /// Counts the token requests of all users, also of those who are not kept any more.
    pub(crate) fn token_requests(&self) -> usize {
        self.token_requests.load(Ordering::Relaxed)
    }
}

//! What a store keeps: credentials or a log-out, with the notes that processes leave for each other.

mod text;

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::SystemTime;
#[cfg(feature = "redis")]
use std::time::{Duration, UNIX_EPOCH};

use zeroize::Zeroizing;

use super::{Holder, Version};
use crate::credentials::Credentials;

/// What a [store](super::CredentialStore) keeps of one identity: its credentials, or the note that it was logged out.
///
/// To a store it is a text ([`expose_text`](Self::expose_text), [`from_text`](Self::from_text)) with a
/// [version](Self::version). The crate writes more into the text than credentials: whether a refresh is under way, and
/// whether the refresh token was refused. Members of the text that this version of the crate does not know are kept.
///
/// Entries are immutable and cheap to clone. `Debug` shows no secret.
#[derive(Clone)]
pub struct Entry(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    version: Version,
    content: Content,
    intent: Option<Intent>,
    is_refused: bool,
    unknown: Unknown,
}

#[derive(Clone)]
pub(crate) enum Content {
    Credentials(Credentials),
    /// A log-out. It is kept, because without it a process could not tell a log-out from an empty store.
    LoggedOut,
    /// Credentials that are encrypted.
    Sealed {
        text: Arc<str>,
        /// The expiry stays readable: a store that counts by another clock moves it.
        expires_at: Option<SystemTime>,
    },
}

/// An exchange that is under way or was left open: somebody is about to send the refresh token of this entry, or has sent
/// it and knows no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Intent {
    /// Tells the authenticators of all processes apart.
    pub(crate) id: u64,
    pub(crate) holder: Holder,
}

/// The members of the text that this version of the crate does not know: names, and values as JSON.
type Unknown = Arc<[(String, Zeroizing<String>)]>;

impl Entry {
    /// Creates an entry that names no version, as if a person had written it: an authenticator takes it for a new log-in.
    pub fn new(credentials: Credentials) -> Self {
        Self::of(Version::unnamed(hash(&credentials)), Content::Credentials(credentials))
    }

    /// The version that these tokens have in a store that keeps nothing but them.
    pub(crate) fn unnamed_version(&self) -> Option<Version> {
        self.credentials().map(|credentials| Version::unnamed(hash(credentials)))
    }

    pub(crate) fn of(version: Version, content: Content) -> Self {
        Self(Arc::new(Parts { version, content, intent: None, is_refused: false, unknown: Arc::default() }))
    }

    /// Returns which write this comes from.
    pub fn version(&self) -> &Version {
        &self.0.version
    }

    /// Returns the credentials. `None` after a log-out, and if they are sealed.
    pub fn credentials(&self) -> Option<&Credentials> {
        match &self.0.content {
            Content::Credentials(credentials) => Some(credentials),
            Content::LoggedOut | Content::Sealed { .. } => None,
        }
    }

    /// Whether this is the note that the identity was logged out.
    pub fn is_logged_out(&self) -> bool {
        matches!(self.0.content, Content::LoggedOut)
    }

    /// Returns which process has said that it is about to send the refresh token of this entry, and has written no result
    /// since.
    pub fn open_exchange(&self) -> Option<&Holder> {
        self.0.intent.as_ref().map(|intent| &intent.holder)
    }

    pub(crate) fn content(&self) -> &Content {
        &self.0.content
    }

    pub(crate) fn intent(&self) -> Option<&Intent> {
        self.0.intent.as_ref()
    }

    /// Whether the provider has refused the refresh token of this entry.
    pub(crate) fn is_refused(&self) -> bool {
        self.0.is_refused
    }

    /// The same with an open exchange, or without one.
    pub(crate) fn with_intent(self, intent: Option<Intent>) -> Self {
        self.changed(|parts| parts.intent = intent)
    }

    /// The same with the note that the refresh token was refused.
    pub(crate) fn refused(self) -> Self {
        self.changed(|parts| parts.is_refused = true)
    }

    /// The same notes, and the same unknown members, with other content.
    #[cfg(any(test, feature = "seal"))]
    pub(crate) fn with_content(self, content: Content) -> Self {
        self.changed(|parts| parts.content = content)
    }

    /// What follows this entry in the store. Its unknown members are kept.
    pub(crate) fn successor(&self, version: Version, credentials: Credentials) -> Self {
        let next = Self::of(version, Content::Credentials(credentials));
        next.changed(|parts| parts.unknown = self.0.unknown.clone())
    }

    /// The same with a text in place of what is secret: the content, and the members that are unknown.
    #[cfg(feature = "seal")]
    pub(crate) fn sealed_as(&self, text: Arc<str>) -> Self {
        let expires_at = self.credentials().and_then(Credentials::expires_at);
        let sealed = self.clone().with_content(Content::Sealed { text, expires_at });
        sealed.changed(|parts| parts.unknown = Arc::default())
    }

    /// The same with what was sealed. A member that somebody has added beside the seal is kept.
    #[cfg(feature = "seal")]
    pub(crate) fn opened_as(&self, opened: &Self) -> Self {
        let is_new = |name: &str| opened.0.unknown.iter().all(|(other, _)| other != name);
        let added = self.0.unknown.iter().filter(|(name, _)| is_new(name));
        let unknown = opened.0.unknown.iter().chain(added).cloned().collect();
        let content = match (opened.content(), self.content()) {
            (Content::Credentials(opened), Content::Sealed { expires_at: Some(at), .. }) => {
                Content::Credentials(opened.clone().with_expires_at(*at))
            }
            (content, _) => content.clone(),
        };
        let entry = self.clone().with_content(content);
        entry.changed(|parts| parts.unknown = unknown)
    }

    /// The same with all times moved by this many seconds: for a store whose times are those of another clock.
    #[cfg(feature = "redis")]
    pub(crate) fn shifted(&self, seconds: i64) -> Self {
        if seconds == 0 {
            return self.clone();
        }
        self.clone().changed(|parts| {
            match &mut parts.content {
                Content::Credentials(credentials) => {
                    if let Some(at) = credentials.expires_at() {
                        *credentials = credentials.clone().with_expires_at(moved(at, seconds));
                    }
                }
                Content::Sealed { expires_at: Some(at), .. } => *at = moved(*at, seconds),
                Content::Sealed { expires_at: None, .. } | Content::LoggedOut => {}
            }
            if let Some(intent) = &mut parts.intent {
                intent.holder.since = intent.holder.since.saturating_add_signed(seconds);
            }
        })
    }

    fn changed(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

/// No time is before 1970. One that the system can't represent is left as it is.
#[cfg(feature = "redis")]
fn moved(at: SystemTime, seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    match seconds {
        0.. => at.checked_add(by).unwrap_or(at),
        _ => at.checked_sub(by).map_or(UNIX_EPOCH, |moved| moved.max(UNIX_EPOCH)),
    }
}

fn hash(credentials: &Credentials) -> u64 {
    let mut hasher = DefaultHasher::new();
    (credentials.access_token(), credentials.refresh_token()).hash(&mut hasher);
    hasher.finish()
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("version", &self.0.version)
            .field("credentials", &self.credentials())
            .field("is_logged_out", &self.is_logged_out())
            .field("open_exchange", &self.open_exchange())
            .finish_non_exhaustive()
    }
}

//! A store whose credentials are encrypted.

mod cipher;
mod key;

use std::mem;

pub use key::{Key, Keys};

use self::cipher::Place;
use super::{Content, CredentialStore, Entry, Guard, GuardError, GuardRequest, Replaced, Version};
use crate::error::Error;

/// Encrypts the credentials before another store gets them, and decrypts them afterwards.
///
/// The other store may be any: a file, a server, one of your own. The program brings the [`Key`], or takes it from the
/// keychain of the operating system (`Keychain`, feature `keyring`).
///
/// ```
/// use reauth::store::{Key, Keys, MemoryStore, Sealed};
/// use reauth::{Authenticator, Credentials};
///
/// # fn example(text: &str, old_text: &str) -> Result<(), reauth::Error> {
/// let key = Key::from_text("2026", text)?; // such as from `openssl rand -hex 32`
/// let old_key = Key::from_text("2025", old_text)?;
/// let store = Sealed::new(MemoryStore::new(), Keys::new(key).with_older(old_key)).profile("work");
/// let auth = Authenticator::builder(Credentials::new("at-1")?).store(store).build();
/// # Ok(())
/// # }
/// # example(&"0a".repeat(32), &"0b".repeat(32)).unwrap();
/// ```
///
/// # What is encrypted
///
/// Both tokens, and all members that this version of the crate does not know. They are encrypted with
/// XChaCha20-Poly1305 and a random nonce for each write. What the store needs stays readable: the expiry, the version, whether an
/// exchange is open and who has it open, whether the refresh token was refused, the note of a log-out, the id of the key. The
/// length of the text shows the length of the tokens.
///
/// Encrypted credentials open only at the version and the profile they were written for. Whoever may write to the store can't
/// read or change them. But they can put an old entry or a log-out in their place. They can also put credentials of their own
/// there that are not encrypted, unless [`sealed_only`](Self::sealed_only) is set.
///
/// # Cancel safety
///
/// That of the other store: to encrypt and to decrypt awaits nothing.
///
/// # Errors
///
/// Credentials that can't be opened are an error of the kind [`Store`](crate::ErrorKind::Store): no key has the id that they
/// name, or the text was changed, or they belong to another profile. They are kept: only a log-out overwrites them.
#[derive(Clone, Debug)]
pub struct Sealed<S> {
    store: S,
    keys: Keys,
    profile: String,
    is_sealed_only: bool,
}

impl<S: CredentialStore> Sealed<S> {
    /// The default of [`profile`](Self::profile): `default`.
    pub const PROFILE: &str = "default";

    /// Encrypts what `store` keeps. A [`Key`] will do for `keys`.
    pub fn new(store: S, keys: impl Into<Keys>) -> Self {
        Self { store, keys: keys.into(), profile: Self::PROFILE.to_owned(), is_sealed_only: false }
    }

    /// Sets a name for the identity whose credentials these are. What was written for one profile can't be opened for
    /// another, even if somebody copies it there. Default: [`PROFILE`](Self::PROFILE).
    #[must_use]
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = profile.into();
        self
    }

    /// Refuses credentials that are not encrypted. Default: they are read, because they may be older than this wrapper, and
    /// the next write encrypts them.
    #[must_use]
    pub fn sealed_only(mut self) -> Self {
        self.is_sealed_only = true;
        self
    }

    /// The note of a log-out has no secret. All else is encrypted.
    fn seal(&self, entry: &Entry) -> Result<Entry, Error> {
        if entry.is_logged_out() {
            return Ok(entry.clone());
        }
        let place = Place { profile: &self.profile, version: entry.version() };
        let sealed = cipher::seal(&entry.expose_secrets(), self.keys.first(), &place)?;
        Ok(entry.sealed_as(sealed))
    }

    fn open(&self, found: Option<Entry>) -> Result<Option<Entry>, Error> {
        let Some(entry) = found else { return Ok(None) };
        match entry.content() {
            Content::Sealed { text: sealed, .. } => {
                let place = Place { profile: &self.profile, version: entry.version() };
                let text = cipher::open(sealed, &self.keys, &place)?;
                Ok(Some(entry.opened_as(&Entry::from_text(&text)?)))
            }
            Content::Credentials(_) if self.is_sealed_only => Err(Error::store(
                "the stored credentials are not sealed, and the store takes only sealed ones; log out and log in again",
            )),
            Content::Credentials(_) | Content::LoggedOut => Ok(Some(entry)),
        }
    }
}

impl<S: CredentialStore> CredentialStore for Sealed<S> {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.open(self.store.load().await?)
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        self.store.save(&self.seal(entry)?).await
    }

    async fn replace(&self, expected: Option<&Version>, entry: &Entry) -> Result<Replaced, Error> {
        match self.store.replace(expected, &self.seal(entry)?).await? {
            Replaced::Yes => Ok(Replaced::Yes),
            Replaced::No(found) => self.open(found).map(Replaced::No),
        }
    }

    /// The store compares versions and notes, which are readable. So it can do its part with an entry that is sealed.
    async fn guard(&self, request: &GuardRequest) -> Result<Guard, GuardError> {
        let proof = request.proof.as_ref();
        let proof = proof.map(|(expected, entry)| Ok((*expected, self.seal(entry)?))).transpose();
        let request = GuardRequest { proof: proof.map_err(GuardError::Unreachable)?, ..request.clone() };
        let mut guard = self.store.guard(&request).await?;
        if let Ok(found) = mem::replace(&mut guard.found, Ok(None)) {
            guard.found = Ok(self.open(found).map_err(GuardError::Unreachable)?);
        }
        Ok(guard)
    }

    async fn changed(&self, seen: Option<&Version>) {
        self.store.changed(seen).await;
    }

    fn notifies(&self) -> bool {
        self.store.notifies()
    }
}

#[cfg(test)]
mod tests;

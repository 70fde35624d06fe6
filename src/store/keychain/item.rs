//! The item of a keychain that has the key: its id, a dot and 64 hexadecimal digits. Some keychains take nothing but text.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keyring_core::{CredentialStore, Entry, Error as KeyringError};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::store::Key;

/// The name of the item beside the service. Keychains call it the user.
const NAME: &str = "reauth sealing key";

/// How old a key has to be to be used. Until then another process may still write over it, which has found no key either.
const SETTLE: Duration = Duration::from_millis(500);
/// How often a newer key is waited for.
const MAX_WAITS: u32 = 20;

pub(super) struct Item {
    /// `None` for the default one.
    pub(super) store: Option<Arc<CredentialStore>>,
    pub(super) service: String,
}

impl Item {
    /// Blocks, may hang and may panic.
    pub(super) fn read_or_create(&self) -> Result<Key, Error> {
        /// Lets one thread of this process create a key at a time.
        static TURN: Mutex<()> = Mutex::new(());

        let entry = match &self.store {
            Some(store) => store.build(&self.service, NAME, None),
            None => Entry::new(&self.service, NAME),
        };
        let entry = entry.map_err(|error| self.failed(error))?;
        if let Some(key) = self.read_settled(&entry)? {
            return Ok(key);
        }
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = self.read_settled(&entry)? {
            return Ok(key);
        }
        let key = Key::random(new_id())?;
        let digits = key.expose_text();
        // It does not grow, so that no copy of the key is left.
        let mut text = Zeroizing::new(String::with_capacity(key.id().len() + 1 + digits.len()));
        text.extend([key.id(), ".", &digits]);
        entry.set_secret(text.as_bytes()).map_err(|error| self.failed(error))?;
        thread::sleep(SETTLE);
        self.read_settled(&entry)?.ok_or_else(|| {
            Error::store("the keychain does not keep the new key; check that it can be written")
        })
    }

    /// Another process may create a key at the same time. What is there in the end is what all use.
    fn read_settled(&self, entry: &Entry) -> Result<Option<Key>, Error> {
        for _ in 0..MAX_WAITS {
            let Some(key) = self.read(entry)? else { return Ok(None) };
            match SETTLE.checked_sub(age(&key)) {
                Some(left) if !left.is_zero() => thread::sleep(left),
                _ => return Ok(Some(key)),
            }
        }
        Err(Error::store("the keychain has a new key each time; check which programs write it"))
    }

    /// Only a keychain that says that there is no key has none.
    fn read(&self, entry: &Entry) -> Result<Option<Key>, Error> {
        let bytes = match entry.get_secret() {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(KeyringError::NoEntry) => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let text = std::str::from_utf8(&bytes).ok();
        let parts = text.and_then(|text| text.split_once('.'));
        let key = parts.and_then(|(id, digits)| Key::from_text(id, digits).ok());
        key.ok_or_else(|| self.foreign()).map(Some)
    }

    /// Only the cause of the platform is passed on: what `keyring-core` says may have the secret in it.
    fn failed(&self, error: KeyringError) -> Error {
        match error {
            KeyringError::NoStorageAccess(cause) => {
                Error::store("the keychain is locked or refuses the access; unlock it, or permit the access")
                    .with_source(cause)
            }
            KeyringError::PlatformFailure(cause) => {
                Error::store("the keychain failed; check that its service runs").with_source(cause)
            }
            KeyringError::NoDefaultStore => Error::misconfigured(
                "keychain: `keyring-core` has no default store; set one with `keyring_core::set_default_store`, or \
                 name one with `Keychain::in_store`",
            ),
            KeyringError::Ambiguous(_) => Error::store(format!(
                "the keychain has more than one item of the name `{NAME}` and the service `{}`; delete those that are \
                 not in use",
                self.service
            )),
            KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..) => self.foreign(),
            KeyringError::TooLong(what, limit) => Error::misconfigured(format!(
                "keychain: the {what} is longer than the {limit} characters that it takes; use a shorter service"
            )),
            KeyringError::Invalid(what, why) => {
                Error::misconfigured(format!("keychain: the {what} is unusable ({why}); use another service"))
            }
            KeyringError::NotSupportedByStore(what) => {
                Error::misconfigured(format!("keychain: {what}; use another store of `keyring-core`"))
            }
            // `BadStoreFormat`, and what may come later.
            _ => Error::store("the keychain can't be used; check it with its own program"),
        }
    }

    fn foreign(&self) -> Error {
        Error::store(format!(
            "the keychain has an item of the name `{NAME}` and the service `{}` that is not a key; delete it, or use \
             another service",
            self.service
        ))
    }
}

/// The id says when the key was created, in milliseconds since 1970.
fn new_id() -> String {
    let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("keychain-{}-{:08x}", created.as_millis(), fastrand::u32(..))
}

/// The time since a key was created; [`Duration::MAX`] if its id does not say that.
fn age(key: &Key) -> Duration {
    let created = key.id().strip_prefix("keychain-").and_then(|id| id.split('-').next()?.parse().ok());
    let created = created.and_then(|created| UNIX_EPOCH.checked_add(Duration::from_millis(created)));
    created.and_then(|created| SystemTime::now().duration_since(created).ok()).unwrap_or(Duration::MAX)
}

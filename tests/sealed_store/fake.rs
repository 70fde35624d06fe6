//! A keychain with one item, which counts what is asked of it.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, Entry, Error};

/// Clones are the same keychain.
#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Inner>);

type Hook = Box<dyn FnMut() -> Result<(), Error> + Send>;

#[derive(Default)]
struct Inner {
    secret: Mutex<Option<Vec<u8>>>,
    found: AtomicUsize,
    written: AtomicUsize,
    before_read: Mutex<Option<Hook>>,
    before_write: Mutex<Option<Hook>>,
    /// What another process writes right after the next write.
    overwritten_by: Mutex<Option<String>>,
}

impl Fake {
    pub(crate) fn store(&self) -> Arc<keyring_core::CredentialStore> {
        Arc::new(self.clone())
    }

    pub(crate) fn holding(text: &str) -> Self {
        let fake = Self::default();
        *fake.0.secret.lock().unwrap() = Some(text.as_bytes().to_vec());
        fake
    }

    pub(crate) fn before_read(self, hook: impl FnMut() -> Result<(), Error> + Send + 'static) -> Self {
        *self.0.before_read.lock().unwrap() = Some(Box::new(hook));
        self
    }

    pub(crate) fn before_write(self, hook: impl FnMut() -> Result<(), Error> + Send + 'static) -> Self {
        *self.0.before_write.lock().unwrap() = Some(Box::new(hook));
        self
    }

    pub(crate) fn overwritten_by(self, text: &str) -> Self {
        *self.0.overwritten_by.lock().unwrap() = Some(text.to_owned());
        self
    }

    pub(crate) fn text(&self) -> Option<String> {
        self.0.secret.lock().unwrap().clone().map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// How often a secret was read.
    pub(crate) fn found(&self) -> usize {
        self.0.found.load(SeqCst)
    }

    pub(crate) fn written(&self) -> usize {
        self.0.written.load(SeqCst)
    }
}

fn run(hook: &Mutex<Option<Hook>>) -> Result<(), Error> {
    // Not while it is locked: it may block or panic.
    let taken = hook.lock().unwrap().take();
    let Some(mut taken) = taken else { return Ok(()) };
    let result = taken();
    *hook.lock().unwrap() = Some(taken);
    result
}

impl CredentialApi for Fake {
    fn set_secret(&self, secret: &[u8]) -> Result<(), Error> {
        run(&self.0.before_write)?;
        self.0.written.fetch_add(1, SeqCst);
        let other = self.0.overwritten_by.lock().unwrap().take();
        *self.0.secret.lock().unwrap() = Some(other.map_or_else(|| secret.to_vec(), String::into_bytes));
        Ok(())
    }

    fn get_secret(&self) -> Result<Vec<u8>, Error> {
        run(&self.0.before_read)?;
        let secret = self.0.secret.lock().unwrap().clone();
        self.0.found.fetch_add(usize::from(secret.is_some()), SeqCst);
        secret.ok_or(Error::NoEntry)
    }

    fn delete_credential(&self) -> Result<(), Error> {
        unreachable!("a key is never deleted")
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>, Error> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

impl CredentialStoreApi for Fake {
    fn vendor(&self) -> String {
        "fake".into()
    }

    fn id(&self) -> String {
        "fake".into()
    }

    fn build(&self, _: &str, _: &str, _: Option<&HashMap<&str, &str>>) -> Result<Entry, Error> {
        Ok(Entry::new_with_credential(Arc::new(self.clone())))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

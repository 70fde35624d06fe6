//! The store of a model.

use super::super::sync::Mutex;
use crate::credentials::Credentials;
use crate::machine::StoreCall;

#[derive(Default)]
pub(super) struct Store {
    /// Stands for the authenticator's: one call at a time.
    pub(super) turn: Mutex<()>,
    pub(super) content: Mutex<Content>,
}

#[derive(Default)]
pub(super) struct Content {
    pub(super) now: Option<Credentials>,
    /// Every access token that was ever saved.
    pub(super) ever: Vec<String>,
}

impl Store {
    pub(super) fn work(&self, call: &StoreCall) -> Option<Credentials> {
        let mut content = self.content.lock();
        match call {
            StoreCall::Load => return content.now.clone(),
            StoreCall::Save(credentials) => {
                content.ever.push(credentials.access_token().to_owned());
                content.now = Some(credentials.clone());
            }
            StoreCall::Clear => content.now = None,
        }
        None
    }
}

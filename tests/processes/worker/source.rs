//! A source with steps, which remembers what the provider has issued.

use std::sync::{Arc, Mutex};

use reauth::{CredentialSource, Credentials, Error, oauth2};

use super::steps::Steps;
use crate::protocol::Step;

#[derive(Clone)]
pub struct Source {
    grant: Arc<Grant>,
    steps: Arc<Steps>,
    issued: Arc<Mutex<Vec<Credentials>>>,
    used: Arc<Mutex<Option<Credentials>>>,
}

pub enum Grant {
    Password(oauth2::Password),
    Stored(oauth2::RefreshToken),
}

impl Source {
    pub fn new(grant: Grant, steps: Arc<Steps>) -> Self {
        Self { grant: Arc::new(grant), steps, issued: Arc::default(), used: Arc::default() }
    }

    /// All that the provider has issued to this worker.
    pub fn issued(&self) -> Vec<Credentials> {
        self.issued.lock().unwrap().clone()
    }

    pub fn remember(&self, issued: &Credentials) {
        self.issued.lock().unwrap().push(issued.clone());
    }

    /// A caller got these.
    pub fn uses(&self, used: &Credentials) {
        *self.used.lock().unwrap() = Some(used.clone());
    }

    pub fn last_used(&self) -> Option<Credentials> {
        self.used.lock().unwrap().clone()
    }
}

impl CredentialSource for Source {
    async fn login(&self) -> Result<Credentials, Error> {
        let issued = match &*self.grant {
            Grant::Password(source) => source.login().await?,
            Grant::Stored(source) => source.login().await?,
        };
        self.remember(&issued);
        Ok(issued)
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        self.steps.at(Step::BeforeExchange).await;
        let issued = match &*self.grant {
            Grant::Password(source) => source.refresh(held).await?,
            Grant::Stored(source) => source.refresh(held).await?,
        };
        self.remember(&issued);
        self.steps.at(Step::AfterExchange).await;
        Ok(issued)
    }

    async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        match &*self.grant {
            Grant::Password(source) => source.revoke(held).await,
            Grant::Stored(source) => source.revoke(held).await,
        }
    }
}

//! A source that responds as the test says, and records its requests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reauth::{CredentialSource, Credentials, Error};
use tokio::sync::oneshot;

/// One response of a [`Script`].
pub enum Respond {
    /// At once.
    Now(Result<Credentials, Error>),
    /// When the test sends it. If the sender is dropped, an error.
    When(oneshot::Receiver<Result<Credentials, Error>>),
    /// After this much (paused) time.
    After(Duration, Result<Credentials, Error>),
    Hang,
    Panic,
}

/// A request to the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Login,
    /// With this refresh token.
    Refresh(String),
}

/// A source that gives the responses of a script in order; after the last one it gives an error that ends the
/// test. Clones share the script.
#[derive(Clone, Default)]
pub struct Script {
    responses: Arc<Mutex<VecDeque<Respond>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    initial: Option<Credentials>,
    no_login: bool,
}

impl Script {
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts with these credentials.
    pub fn holding(mut self, initial: Credentials) -> Self {
        self.initial = Some(initial);
        self
    }

    /// Cannot log in: has only a refresh token.
    pub fn without_login(mut self) -> Self {
        self.no_login = true;
        self
    }

    pub fn then(self, response: Respond) -> Self {
        self.push(response);
        self
    }

    pub fn then_ok(self, credentials: Credentials) -> Self {
        self.then(Respond::Now(Ok(credentials)))
    }

    pub fn then_err(self, error: Error) -> Self {
        self.then(Respond::Now(Err(error)))
    }

    /// Adds a response that the test sends later.
    pub fn then_when(&self) -> oneshot::Sender<Result<Credentials, Error>> {
        let (sender, receiver) = oneshot::channel();
        self.push(Respond::When(receiver));
        sender
    }

    pub fn push(&self, response: Respond) {
        self.responses.lock().unwrap().push_back(response);
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How many requests there were.
    pub fn requests(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    async fn respond(&self, asked: Asked) -> Result<Credentials, Error> {
        self.asked.lock().unwrap().push(asked.clone());
        let response = self.responses.lock().unwrap().pop_front();
        match response {
            Some(Respond::Now(response)) => response,
            Some(Respond::When(receiver)) => {
                receiver.await.unwrap_or_else(|_| Err(Error::transient("the test sent no response")))
            }
            Some(Respond::After(wait, response)) => {
                tokio::time::sleep(wait).await;
                response
            }
            Some(Respond::Hang) => std::future::pending().await,
            Some(Respond::Panic) => panic!("the source panics, as the test says"),
            None => Err(Error::misconfigured(format!("the script has no response to {asked:?}"))),
        }
    }
}

impl CredentialSource for Script {
    async fn login(&self) -> Result<Credentials, Error> {
        if self.no_login {
            return Err(Error::unsupported("this script can't log in"));
        }
        self.respond(Asked::Login).await
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        self.respond(Asked::Refresh(held.refresh_token().unwrap_or_default().to_owned())).await
    }

    fn initial(&self) -> Option<Credentials> {
        self.initial.clone()
    }
}

/// Credentials with a refresh token and a lifetime in seconds.
pub fn credentials(access: &str, refresh: Option<&str>, lifetime: Option<u64>) -> Credentials {
    let mut credentials = Credentials::new(access).unwrap();
    if let Some(refresh) = refresh {
        credentials = credentials.with_refresh_token(refresh).unwrap();
    }
    match lifetime {
        Some(seconds) => credentials.with_lifetime(Duration::from_secs(seconds)),
        None => credentials,
    }
}

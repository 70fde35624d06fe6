//! A source that answers as the test says, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reauth::{CredentialSource, Credentials, Error};
use tokio::sync::oneshot;

/// One answer of a [`Script`].
pub enum Answer {
    /// At once.
    Now(Result<Credentials, Error>),
    /// When the test sends it; an error, if the sender is dropped.
    When(oneshot::Receiver<Result<Credentials, Error>>),
    /// After so much (paused) time.
    After(Duration, Result<Credentials, Error>),
    Hang,
    Panic,
}

/// What the source was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Login,
    /// With this refresh token.
    Refresh(String),
}

/// A source that gives the answers of a script in order; past its end it answers with an error that ends the
/// test. Clones share the script.
#[derive(Clone, Default)]
pub struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
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

    /// Can't log in: holds a refresh token only.
    pub fn without_login(mut self) -> Self {
        self.no_login = true;
        self
    }

    pub fn then(self, answer: Answer) -> Self {
        self.push(answer);
        self
    }

    pub fn then_ok(self, credentials: Credentials) -> Self {
        self.then(Answer::Now(Ok(credentials)))
    }

    pub fn then_err(self, error: Error) -> Self {
        self.then(Answer::Now(Err(error)))
    }

    /// Adds an answer that the test sends later.
    pub fn then_when(&self) -> oneshot::Sender<Result<Credentials, Error>> {
        let (sender, receiver) = oneshot::channel();
        self.push(Answer::When(receiver));
        sender
    }

    pub fn push(&self, answer: Answer) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How many requests there were.
    pub fn requests(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    async fn answer(&self, asked: Asked) -> Result<Credentials, Error> {
        self.asked.lock().unwrap().push(asked.clone());
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            Some(Answer::Now(answer)) => answer,
            Some(Answer::When(receiver)) => {
                receiver.await.unwrap_or_else(|_| Err(Error::transient("the test sent no answer")))
            }
            Some(Answer::After(wait, answer)) => {
                tokio::time::sleep(wait).await;
                answer
            }
            Some(Answer::Hang) => std::future::pending().await,
            Some(Answer::Panic) => panic!("the source panics, as the test says"),
            None => Err(Error::misconfigured(format!("the script has no answer to {asked:?}"))),
        }
    }
}

impl CredentialSource for Script {
    async fn login(&self) -> Result<Credentials, Error> {
        if self.no_login {
            return Err(Error::unsupported("this script can't log in"));
        }
        self.answer(Asked::Login).await
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        self.answer(Asked::Refresh(held.refresh_token().unwrap_or_default().to_owned())).await
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

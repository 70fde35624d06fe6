//! The source of a scenario: it answers when the scenario says so.

use std::sync::{Arc, Mutex};

use reauth::{CredentialSource, Credentials, Error};
use tokio::sync::oneshot;

use super::suite::{Answer, Call, Seen, Setup, answer_of, credentials_of};

#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    can_login: bool,
    can_refresh: bool,
    initial: Option<Credentials>,
    /// What every request is answered with, at once.
    standing: Mutex<Option<Answer>>,
    /// The requests without an answer, the given up among them.
    open: Mutex<Vec<oneshot::Sender<Answer>>>,
    seen: Arc<Mutex<Seen>>,
}

impl Provider {
    pub fn new(setup: &Setup, seen: Arc<Mutex<Seen>>) -> Result<Self, String> {
        Ok(Self(Arc::new(Inner {
            can_login: setup.can_login,
            can_refresh: setup.can_refresh,
            initial: setup.initial.as_ref().map(credentials_of).transpose()?,
            standing: Mutex::new(None),
            open: Mutex::new(Vec::new()),
            seen,
        })))
    }

    pub fn respond_to_all(&self, answer: Option<Answer>) {
        *self.0.standing.lock().unwrap() = answer;
    }

    pub fn respond(&self, answer: &Answer) -> Result<(), String> {
        let mut open = self.0.open.lock().unwrap();
        let request = open.iter().position(|request| !request.is_closed());
        let request = open.remove(request.ok_or("there is no request to answer")?);
        request.send(answer.clone()).map_err(|_| "the request was given up".to_owned())
    }

    /// Answers the request that was given up last. Its future is gone, so nothing can come of it.
    pub fn respond_late(&self, answer: &Answer) -> Result<(), String> {
        let mut open = self.0.open.lock().unwrap();
        let request = open.iter().rposition(|request| request.is_closed());
        let request = open.remove(request.ok_or("no request was given up")?);
        match request.send(answer.clone()) {
            Ok(()) => Err("the answer to a request that was given up was taken".into()),
            Err(_) => Ok(()),
        }
    }

    async fn ask(&self, call: Call) -> Result<Credentials, Error> {
        self.0.seen.lock().unwrap().calls.push(call);
        let standing = self.0.standing.lock().unwrap().clone();
        let answer = match standing {
            Some(answer) => answer,
            None => {
                let (sender, receiver) = oneshot::channel();
                self.0.open.lock().unwrap().push(sender);
                receiver.await.expect("the scenario keeps what it has not answered")
            }
        };
        let answer = answer_of(&answer).expect("a credential");
        answer.unwrap_or_else(|| panic!("the source panics, as the scenario says"))
    }
}

impl CredentialSource for Provider {
    async fn login(&self) -> Result<Credentials, Error> {
        if !self.0.can_login {
            return Err(Error::unsupported("the scenario's source can't"));
        }
        self.ask(Call::Login).await
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        if !self.0.can_refresh {
            return Err(Error::unsupported("the scenario's source can't"));
        }
        self.ask(Call::Refresh(held.refresh_token().unwrap_or_default().to_owned())).await
    }

    fn initial(&self) -> Option<Credentials> {
        self.0.initial.clone()
    }
}

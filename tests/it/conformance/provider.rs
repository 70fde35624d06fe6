//! The source of a scenario: it responds when the scenario says so.

use std::sync::{Arc, Mutex};

use reauth::{CredentialSource, Credentials, Error};
use tokio::sync::oneshot;

use super::suite::{Call, Response, Seen, Setup, credentials_of, response_of, stored_of};

#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    can_login: bool,
    can_refresh: bool,
    can_revoke: bool,
    initial: Option<Credentials>,
    /// The response that every request gets at once.
    standing: Mutex<Option<Response>>,
    /// The requests without a response, including those that were given up.
    open: Mutex<Vec<oneshot::Sender<Response>>>,
    /// The requests that a log-out has overtaken.
    overtaken: Mutex<Vec<oneshot::Sender<Response>>>,
    seen: Arc<Mutex<Seen>>,
}

impl Provider {
    pub fn new(setup: &Setup, seen: Arc<Mutex<Seen>>) -> Result<Self, String> {
        Ok(Self(Arc::new(Inner {
            can_login: setup.can_login,
            can_refresh: setup.can_refresh,
            can_revoke: setup.can_revoke,
            initial: setup.initial.as_ref().map(credentials_of).transpose()?,
            standing: Mutex::new(None),
            open: Mutex::new(Vec::new()),
            overtaken: Mutex::new(Vec::new()),
            seen,
        })))
    }

    pub fn respond_to_all(&self, response: Option<Response>) {
        *self.0.standing.lock().unwrap() = response;
    }

    pub fn respond(&self, response: &Response) -> Result<(), String> {
        let mut open = self.0.open.lock().unwrap();
        let request = open.iter().position(|request| !request.is_closed());
        let request = open.remove(request.ok_or("there is no open request")?);
        request.send(response.clone()).map_err(|_| "the request was given up".to_owned())
    }

    /// A log-out, or credentials set by the program, are about to overtake the open requests.
    pub fn overtake(&self) {
        let mut open = self.0.open.lock().unwrap();
        let (given_up, still_open) =
            std::mem::take(&mut *open).into_iter().partition(oneshot::Sender::is_closed);
        *open = given_up;
        self.0.overtaken.lock().unwrap().extend::<Vec<_>>(still_open);
    }

    /// Responds to a request that was overtaken, or to the one that was given up last. Its future is gone, so nothing can
    /// come of it.
    pub fn respond_late(&self, response: &Response) -> Result<(), String> {
        if let Some(request) = self.0.overtaken.lock().unwrap().pop() {
            return request.send(response.clone()).map_err(|_| "the request was given up".to_owned());
        }
        let mut open = self.0.open.lock().unwrap();
        let request = open.iter().rposition(|request| request.is_closed());
        let request = open.remove(request.ok_or("no request was given up")?);
        match request.send(response.clone()) {
            Ok(()) => Err("the response to a request that was given up was used".into()),
            Err(_) => Ok(()),
        }
    }

    async fn ask(&self, call: Call) -> Result<Credentials, Error> {
        self.0.seen.lock().unwrap().calls.push(call);
        let standing = self.0.standing.lock().unwrap().clone();
        let response = match standing {
            Some(response) => response,
            None => {
                let (sender, receiver) = oneshot::channel();
                self.0.open.lock().unwrap().push(sender);
                receiver.await.expect("the scenario keeps the open requests")
            }
        };
        let result = response_of(&response).expect("credentials");
        result.unwrap_or_else(|| panic!("the source panics, as the scenario says"))
    }
}

impl CredentialSource for Provider {
    async fn login(&self) -> Result<Credentials, Error> {
        if !self.0.can_login {
            return Err(Error::unsupported("the scenario's source cannot do that"));
        }
        self.ask(Call::Login).await
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        if !self.0.can_refresh {
            return Err(Error::unsupported("the scenario's source cannot do that"));
        }
        self.ask(Call::Refresh(held.refresh_token().unwrap_or_default().to_owned())).await
    }

    async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        if self.0.can_revoke {
            self.0.seen.lock().unwrap().calls.push(Call::Revoke(stored_of(held).access));
        }
        Ok(())
    }

    fn initial(&self) -> Option<Credentials> {
        self.0.initial.clone()
    }
}

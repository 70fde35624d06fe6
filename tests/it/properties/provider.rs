//! The simulated provider: refresh tokens are good for one use, and responses come as the program says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reauth::{CredentialSource, Credentials, Error};
use tokio::sync::oneshot;

use super::ledger::{Fate, Ledger, Life, Sent};
use super::program::{Response, Setup};

#[derive(Clone)]
pub struct Provider {
    ledger: Ledger,
    setup: Setup,
    initial: Option<Credentials>,
    desk: Arc<Mutex<Desk>>,
}

/// Decides what happens to a request.
#[derive(Default)]
struct Desk {
    always: Option<Response>,
    waiting: Option<oneshot::Sender<Response>>,
}

/// Ends a request, also one that is dropped.
struct InTheAir<'a>(&'a Ledger, Sent);

impl Drop for InTheAir<'_> {
    fn drop(&mut self) {
        self.0.ends(self.1);
    }
}

impl Provider {
    pub fn new(ledger: Ledger, setup: Setup) -> Self {
        let initial = setup.initial.then(|| {
            let life = Life::Seconds(setup.lifetime);
            let initial = ledger.issue(None, true, life, ledger.now());
            ledger.receives(&initial, false);
            ledger.written(&initial);
            ledger.lock().initial = Some(initial.access_token().to_owned());
            initial
        });
        Self { ledger, setup, initial, desk: Arc::default() }
    }

    pub fn always(&self, response: Option<Response>) {
        let waiting = {
            let mut desk = self.desk.lock().unwrap();
            desk.always = response;
            desk.waiting.take()
        };
        match (response, waiting) {
            (Some(response), Some(waiting)) => drop(waiting.send(response)),
            (None, Some(waiting)) => self.desk.lock().unwrap().waiting = Some(waiting),
            _ => {}
        }
    }

    pub fn respond(&self, response: Response) {
        let waiting = self.desk.lock().unwrap().waiting.take();
        if let Some(waiting) = waiting {
            // The request may have been given up.
            let _ = waiting.send(response);
        }
    }

    /// Credentials that come from elsewhere: a log-in in a browser, or another process.
    pub fn elsewhere(&self, family: Option<u32>) -> Credentials {
        self.ledger.issue(family, true, Life::Seconds(self.setup.lifetime), self.ledger.now())
    }

    async fn request(&self, held: Option<&Credentials>) -> Result<Credentials, Error> {
        let sent = self.ledger.now();
        let refresh_token = held.and_then(Credentials::refresh_token);
        let ticket = self.ledger.sends(refresh_token, self.setup.store);
        if let Some(held) = held {
            self.ledger.lock().again = Some(held.clone());
        }
        let _in_the_air = InTheAir(&self.ledger, ticket);
        let response = self.decide().await;
        let processed = response.is_processed().then(|| self.process(response, held, ticket, sent));
        let fate = match response {
            response if response.is_success() || response == Response::Expired => {
                match processed.expect("it was processed") {
                    Ok(credentials) => {
                        if let Some(token) = refresh_token {
                            let rotated = credentials.refresh_token().is_some();
                            self.ledger.learns(token, if rotated { Fate::Rotated } else { Fate::Kept });
                        }
                        if !self.ledger.is_overtaken(ticket, Some(&credentials)) {
                            self.ledger.receives(&credentials, held.is_some());
                        }
                        return Ok(credentials);
                    }
                    Err(error) => (Fate::Refused, error),
                }
            }
            Response::Refused => {
                if let Some(token) = refresh_token {
                    self.ledger.revoke(token);
                }
                (Fate::Refused, Error::login_required("the provider refuses"))
            }
            Response::Inconclusive => {
                (Fate::Unclear, Error::login_required("the provider does not say why").inconclusive())
            }
            Response::Misconfigured => (Fate::Kept, Error::misconfigured("the provider refuses the client")),
            Response::Busy => (Fate::Kept, Error::transient("the provider is busy").not_processed()),
            Response::BusyForTen => {
                let wait = Duration::from_secs(10);
                if !self.ledger.is_overtaken(ticket, None) {
                    self.ledger.asks_to_wait(wait);
                }
                (Fate::Kept, Error::transient("the provider is busy").not_processed().with_retry_after(wait))
            }
            Response::Unprocessed | Response::Lost => (Fate::Lost, Error::transient("the response was lost")),
            Response::Invalid => (Fate::Lost, Error::invalid_response("the response is unusable")),
            Response::Hang | Response::HangProcessed => std::future::pending().await,
            // Not `panic!`: its hook would print thousands of messages.
            _ => {
                self.ledger.outside();
                std::panic::resume_unwind(Box::new("the source panics, as the program says"))
            }
        };
        if let Some(token) = refresh_token.filter(|_| !self.ledger.is_overtaken(ticket, None)) {
            self.ledger.learns(token, fate.0);
        }
        Err(fate.1)
    }

    async fn decide(&self) -> Response {
        let waiting = {
            let mut desk = self.desk.lock().unwrap();
            match desk.always {
                Some(response) => return response,
                None => {
                    let (sender, receiver) = oneshot::channel();
                    desk.waiting = Some(sender);
                    receiver
                }
            }
        };
        match waiting.await {
            Ok(response) => response,
            Err(_) => std::future::pending().await,
        }
    }

    fn process(
        &self,
        response: Response,
        held: Option<&Credentials>,
        ticket: Sent,
        sent: reauth::clock::Reading,
    ) -> Result<Credentials, Error> {
        let rotates = !matches!(response, Response::Unrotated | Response::SameToken);
        let family = match held.and_then(Credentials::refresh_token) {
            Some(token) => Some(
                self.ledger
                    .spend(token, rotates)
                    .ok_or_else(|| Error::login_required("the refresh token was used before, or revoked"))?,
            ),
            None => None,
        };
        let life = match response {
            Response::Short => Life::Seconds(2),
            Response::Endless => Life::Unknown,
            Response::Expired => Life::Over,
            _ => Life::Seconds(self.setup.lifetime),
        };
        let again = self.ledger.lock().again.clone();
        Ok(match again {
            Some(again) if response == Response::SameToken && !self.ledger.is_overtaken(ticket, None) => {
                self.ledger.issue_again(&again, life, sent)
            }
            _ => self.ledger.issue(family, rotates, life, sent),
        })
    }
}

impl CredentialSource for Provider {
    async fn login(&self) -> Result<Credentials, Error> {
        if !self.setup.login {
            return Err(Error::unsupported("this source can't log in"));
        }
        self.request(None).await
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        self.request(Some(held)).await
    }

    async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        self.ledger.revokes(held);
        Ok(())
    }

    fn initial(&self) -> Option<Credentials> {
        self.initial.clone()
    }
}

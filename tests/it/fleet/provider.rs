//! The identity provider: a refresh token is good for one use, and the second use ends its family. It processes a request
//! whether or not the process that sent it still lives.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reauth::clock::{Clock, Reading};
use reauth::{CredentialSource, Credentials, Error};
use tokio::sync::oneshot;

use super::ledger::{Origin, Outcome, SharedLedger};
use super::lives::Life;
use super::program::ProviderMode;
use crate::conformance::ScenarioClock;

#[derive(Clone)]
pub struct Provider(Arc<Shared>);

struct Shared {
    ledger: SharedLedger,
    lifetime: Duration,
    can_login: bool,
    desk: Mutex<Desk>,
}

struct Desk {
    mode: ProviderMode,
    requests: Vec<Request>,
}

type Response = Result<Credentials, Error>;

struct Request {
    /// The refresh token, and the number of its sending; `None` for a log-in.
    held: Option<(Credentials, usize)>,
    sent: Reading,
    mode: ProviderMode,
    /// When it is processed, and when its response arrives, on the monotonic clock.
    processed: Duration,
    responded: Duration,
    response: Option<Response>,
    sender: oneshot::Sender<Response>,
}

impl Provider {
    pub fn new(ledger: SharedLedger, lifetime: u64, can_login: bool) -> Self {
        let desk = Mutex::new(Desk { mode: ProviderMode::Works, requests: Vec::new() });
        Self(Arc::new(Shared { ledger, lifetime: Duration::from_secs(lifetime), can_login, desk }))
    }

    pub fn of(&self, life: Life, clock: ScenarioClock) -> Source {
        Source { provider: self.clone(), life, clock }
    }

    pub fn set_mode(&self, mode: ProviderMode) {
        self.0.desk.lock().unwrap().mode = mode;
    }

    /// Credentials from a log-in elsewhere.
    pub fn elsewhere(&self, now: Reading) -> Credentials {
        let mut ledger = self.0.ledger.lock();
        let family = ledger.new_family(Origin::Elsewhere);
        ledger.issue(family, now, self.0.lifetime)
    }

    /// When something happens next.
    pub fn next(&self) -> Option<Duration> {
        let desk = self.0.desk.lock().unwrap();
        desk.requests.iter().map(Request::next).min()
    }

    /// Does what is due.
    pub fn work(&self, now: Duration) {
        let desk = &mut *self.0.desk.lock().unwrap();
        desk.requests.sort_by_key(Request::next);
        let mut left = Vec::new();
        for mut request in desk.requests.drain(..) {
            if request.response.is_none() && request.processed <= now {
                request.response = Some(self.process(&request));
                self.0.ledger.lock().moves += 1;
            }
            match request.response.take() {
                Some(response) if request.responded <= now => {
                    self.0.ledger.lock().moves += 1;
                    // The process may be gone.
                    let _ = request.sender.send(response);
                }
                response => left.push(Request { response, ..request }),
            }
        }
        desk.requests = left;
    }

    fn process(&self, request: &Request) -> Response {
        let ledger = &mut *self.0.ledger.lock();
        let lost = || Err(Error::transient("the connection broke"));
        let (processes, response) = match request.mode {
            ProviderMode::Works | ProviderMode::Slow => (true, None),
            ProviderMode::LosesResponses => (true, Some(lost())),
            ProviderMode::LosesRequests => (false, Some(lost())),
            ProviderMode::Down => (false, Some(Err(Error::transient("not reached").unreached()))),
            ProviderMode::Hangs => (false, Some(lost())),
        };
        let issued = processes.then(|| match &request.held {
            None => {
                let family = ledger.new_family(Origin::Login);
                Ok(ledger.issue(family, request.sent, self.0.lifetime))
            }
            Some((held, _)) if ledger.is_live(held) => {
                let family = ledger.refresh_token(held).family;
                Ok(ledger.issue(family, request.sent, self.0.lifetime))
            }
            Some((held, _)) => {
                let token = ledger.refresh_token(held);
                let family = &mut ledger.families[token.family];
                family.is_dead |= token.index < family.live;
                let died = family.is_dead;
                ledger.note(format!("{:?} is refused; its family is dead: {died}", held.refresh_token()));
                Err(Error::login_required("the provider refuses"))
            }
        });
        let response = response.or(issued).unwrap_or_else(lost);
        ledger.note(format!("the provider responds {:?}", response.as_ref().map(Credentials::access_token)));
        if let Some((_, number)) = request.held {
            ledger.sends[number].outcome = match &response {
                Ok(_) => Outcome::Success,
                Err(_) if request.mode == ProviderMode::Down => Outcome::NotProcessed,
                Err(error) if error.kind() == reauth::ErrorKind::LoginRequired => Outcome::Refused,
                Err(_) => Outcome::Lost,
            };
        }
        response
    }
}

impl Request {
    fn next(&self) -> Duration {
        if self.response.is_some() { self.responded } else { self.processed }
    }
}

/// The provider from the side of one process.
pub struct Source {
    provider: Provider,
    life: Life,
    clock: ScenarioClock,
}

impl Source {
    async fn ask(&self, held: Option<&Credentials>) -> Response {
        let now = self.clock.now();
        let shared = &self.provider.0;
        let (number, started) = {
            let mut ledger = shared.ledger.lock();
            ledger.moves += 1;
            if held.is_none() {
                ledger.note(format!("{now:?} {:?} logs in", self.life));
                ledger.check_login(self.life);
            }
            (held.map(|held| ledger.sends(self.life, held, now)), ledger.started())
        };
        let (sender, response) = oneshot::channel();
        {
            let mut desk = shared.desk.lock().unwrap();
            let half = match desk.mode {
                ProviderMode::Slow => Duration::from_secs(4),
                ProviderMode::Hangs => Duration::from_secs(100),
                _ => Duration::from_millis(20),
            };
            let mode = desk.mode;
            desk.requests.push(Request {
                held: held.cloned().zip(number),
                sent: now,
                mode,
                processed: now.monotonic + half,
                responded: now.monotonic + half * 2,
                response: None,
                sender,
            });
        }
        let given_up = GivenUp { ledger: &shared.ledger, life: self.life, number };
        shared.ledger.point(self.life).await;
        let response = response.await.expect("the provider keeps the requests");
        shared.ledger.point(self.life).await;
        std::mem::forget(given_up);
        if held.is_none() {
            shared.ledger.lock().login_ends(self.life);
        }
        if let Ok(credentials) = &response {
            shared.ledger.lock().received(self.life, started, credentials);
        }
        response
    }
}

/// A request that was given up at its time limit: its response is lost.
struct GivenUp<'a> {
    ledger: &'a SharedLedger,
    life: Life,
    number: Option<usize>,
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        let mut ledger = self.ledger.lock();
        match self.number {
            Some(number) => ledger.sends[number].outcome = Outcome::Lost,
            None => ledger.login_ends(self.life),
        }
    }
}

impl CredentialSource for Source {
    async fn login(&self) -> Result<Credentials, Error> {
        match self.provider.0.can_login {
            true => self.ask(None).await,
            false => Err(Error::unsupported("there is no password")),
        }
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        self.ask(Some(held)).await
    }

    async fn revoke(&self, held: &Credentials) -> Result<(), Error> {
        self.provider.0.ledger.lock().revoked(held);
        Ok(())
    }
}

//! A provider, a store and an API that are slow, and an authenticator between them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Response, StatusCode};
use reauth::store::{CredentialStore, Entry};
use reauth::{AuthLayer, Authenticator, CredentialSource, Credentials, Error, Event};
use tokio::task::yield_now;

use crate::support::clock::TestClock;
use crate::tower_layer::api::{Api, ORIGIN, nth, status};

/// How many turns each way of a request takes.
const STEPS: usize = 3;

async fn steps() {
    for _ in 0..STEPS {
        yield_now().await;
    }
}

/// What the provider and the authenticator have done so far.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The refresh token of each request, in the order in which they arrived.
    pub spent: Vec<String>,
    pub commits: usize,
    pub responses: usize,
    pub started: usize,
    pub landed: usize,
    pub failed: Vec<Error>,
    pub saved: Option<Entry>,
}

/// The stage of the flight when the caller was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    NotStarted,
    NotSent,
    Sent,
    Rotated,
    Responded,
    Landed,
}

impl Ledger {
    pub fn stage(&self) -> Stage {
        match self {
            Self { landed: 1.., .. } => Stage::Landed,
            Self { responses: 1.., .. } => Stage::Responded,
            Self { commits: 1.., .. } => Stage::Rotated,
            Self { spent, .. } if !spent.is_empty() => Stage::Sent,
            Self { started: 1.., .. } => Stage::NotSent,
            _ => Stage::NotStarted,
        }
    }
}

type Shared = Arc<Mutex<Ledger>>;

/// Rotates single-use refresh tokens: `rt-1` gives `at-2` and `rt-2`, and so on. There is no other way to log in,
/// so nothing works after a refresh token is lost or spent twice.
struct Provider(Shared);

impl CredentialSource for Provider {
    async fn login(&self) -> Result<Credentials, Error> {
        Err(Error::unsupported("there is a refresh token only"))
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        let refresh_token = held.refresh_token().unwrap().to_owned();
        self.0.lock().unwrap().spent.push(refresh_token.clone());
        steps().await;
        let next = {
            let mut ledger = self.0.lock().unwrap();
            if refresh_token != format!("rt-{}", ledger.commits + 1) {
                return Err(Error::login_required(format!("{refresh_token} was spent before")));
            }
            ledger.commits += 1;
            ledger.commits + 1
        };
        steps().await;
        self.0.lock().unwrap().responses += 1;
        Ok(nth(next))
    }

    fn initial(&self) -> Option<Credentials> {
        Some(nth(1))
    }
}

struct SlowStore(Shared);

impl CredentialStore for SlowStore {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        steps().await;
        Ok(self.0.lock().unwrap().saved.clone())
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        steps().await;
        self.0.lock().unwrap().saved = Some(entry.clone());
        steps().await;
        Ok(())
    }
}

/// The state in which a case begins.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// How old `at-1` is, in seconds: it lasts 300, and callers wait in the last 10 of them.
    pub age: u64,
    pub stored: bool,
}

const fn aged(age: u64) -> [Start; 2] {
    [Start { age, stored: false }, Start { age, stored: true }]
}

pub const FRESH: [Start; 2] = aged(0);
pub const ABOUT_TO_EXPIRE: [Start; 2] = aged(295);
pub const EXPIRED: [Start; 2] = aged(301);

pub struct World {
    pub auth: Authenticator,
    /// Accepts any token but `at-1`.
    pub api: Api,
    ledger: Shared,
    stored: bool,
}

impl World {
    pub async fn new(start: Start) -> Self {
        let ledger = Shared::default();
        let observed = ledger.clone();
        let mut builder =
            Authenticator::builder(Provider(ledger.clone())).clock(TestClock::new()).observer(move |event| {
                let mut ledger = observed.lock().unwrap();
                match event {
                    Event::RefreshStarted { .. } => ledger.started += 1,
                    Event::RefreshSucceeded { .. } => ledger.landed += 1,
                    Event::RefreshFailed { error, .. } => ledger.failed.push(error.clone()),
                    _ => {}
                }
            });
        if start.stored {
            builder = builder.store(SlowStore(ledger.clone()));
        }
        let auth = builder.build();
        if start.age > 0 {
            tokio::time::advance(Duration::from_secs(start.age)).await;
        } else {
            // With a store this is a flight, which reads the store.
            assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
            *ledger.lock().unwrap() = Ledger::default();
        }
        let api = Api::new(|seen| match seen.token() {
            Some("at-1") => Ok(status(StatusCode::UNAUTHORIZED)),
            token => Ok(Response::new(token.unwrap().to_owned())),
        });
        Self { auth, api, ledger, stored: start.stored }
    }

    pub fn ledger(&self) -> Ledger {
        self.ledger.lock().unwrap().clone()
    }

    pub fn layer(&self) -> AuthLayer {
        AuthLayer::for_origin(ORIGIN, self.auth.clone()).unwrap()
    }

    /// The refresh token in the store is the one that was issued last.
    pub fn assert_saved(&self, refresh_token: &str) {
        if self.stored {
            let saved = self.ledger().saved;
            assert_eq!(
                saved.as_ref().and_then(|saved| saved.credentials()?.refresh_token()),
                Some(refresh_token)
            );
        }
    }
}

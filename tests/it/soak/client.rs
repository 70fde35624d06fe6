//! One of the many clients.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use reauth::pilot::Pilot;
use reauth::store::MemoryStore;
use reauth::{
    AuthError, AuthLayer, AuthMiddleware, Authenticator, AuthenticatorBuilder, ClientAuth, CredentialSource,
    Credentials, Error, ErrorKind, Event, Timing, TokenEndpoint, TokenTransport, oauth2,
};
use tokio::sync::Mutex;
use tower::{Layer, ServiceExt};

use super::ledger::{Ledger, Watched};
use crate::support::idp::{Idp, Login};
use crate::support::proxy::Proxy;

pub type HyperClient = legacy::Client<HttpConnector, Full<Bytes>>;

/// How long one request at the token endpoint may take.
pub const ATTEMPT: Duration = Duration::from_millis(1_500);
/// How long one refresh or log-in may take with all its requests.
pub const FLIGHT_DEADLINE: Duration = ATTEMPT.saturating_mul(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pilot,
    PilotWithCredentials,
    Password,
    RefreshToken,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Pilot, Self::PilotWithCredentials, Self::Password, Self::RefreshToken];

    fn has_password(self) -> bool {
        matches!(self, Self::Pilot | Self::Password)
    }
}

/// The connections that all clients share, as those of one process share a pool.
#[derive(Clone)]
pub struct Http {
    hyper: HyperClient,
    reqwest: reqwest::Client,
}

impl Http {
    pub fn new() -> Self {
        let hyper = legacy::Client::builder(TokioExecutor::new()).build_http();
        Self { hyper, reqwest: reqwest::Client::new() }
    }
}

/// The result of a call of the API.
#[derive(Debug)]
pub enum Outcome {
    Response(u16),
    NoCredential(Error),
}

pub struct Client {
    pub index: usize,
    kind: Kind,
    auth: Authenticator,
    call: Call,
    ledger: Ledger,
    person: oauth2::Password,
    logins: Mutex<usize>,
}

type Call = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;

impl Client {
    /// Client `index` of its kind, with or without a store, over hyper or reqwest: every mix occurs.
    pub async fn new(index: usize, idp: &Idp, proxy: &Proxy, ledger: &Ledger, http: &Http) -> Self {
        let kind = Kind::ALL[index % 4];
        let watched = Watched { http: http.hyper.clone(), ledger: ledger.clone(), client: index };
        let transport = TokenTransport::new(watched);
        let person = person(idp, http);
        let given = if kind.has_password() { None } else { Some(person.login().await.unwrap()) };
        if let Some(token) = given.as_ref().and_then(Credentials::refresh_token) {
            ledger.given(index, token);
        }
        let builder = source(kind, idp, proxy, transport, given);
        let builder = if index / 4 % 2 == 0 { builder } else { builder.store(MemoryStore::new()) };
        let timing = Timing::default()
            .flight_deadline(FLIGHT_DEADLINE)
            .terminal_memory(Duration::from_millis(500))
            .store_timeout(ATTEMPT);
        let books = ledger.clone();
        let observer = move |event: &Event| {
            if let Event::RefreshStarted { .. } = event {
                books.flight_begins(index);
            }
        };
        let auth = builder.timing(timing).observer(observer).build();
        let call =
            if index / 8 % 2 == 0 { over_hyper(idp, &auth, http) } else { over_reqwest(idp, &auth, http) };
        Self { index, kind, auth, call, ledger: ledger.clone(), person, logins: Mutex::default() }
    }

    /// One call of the API.
    pub async fn call(&self) -> Outcome {
        (self.call)().await
    }

    /// R9, R12: faults are transient, a response may come after its token has expired, and a client with a password
    /// logs in by itself.
    pub fn judge(&self, error: &Error) {
        let fair = match error.kind() {
            ErrorKind::Transient => true,
            ErrorKind::InvalidResponse => {
                ["already expired", "not a JSON object"].iter().any(|text| error.to_string().contains(text))
            }
            ErrorKind::LoginRequired => !self.kind.has_password(),
            _ => false,
        };
        if !fair {
            self.ledger.wrong(format!("{self:?}: {error}"));
        }
    }

    /// Gives the client the credentials of a new log-in, unless another caller has done that already.
    pub async fn log_in(&self) {
        let mut logins = self.logins.lock().await;
        match self.auth.credentials().await {
            Err(error) if error.kind() == ErrorKind::LoginRequired => {}
            _ => return,
        }
        let credentials = self.person.login().await.unwrap();
        self.ledger.given(self.index, credentials.refresh_token().unwrap());
        self.auth.set_credentials(credentials).await.unwrap();
        *logins += 1;
    }

    /// How often that was necessary.
    pub async fn logins(&self) -> usize {
        *self.logins.lock().await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client {} ({:?})", self.index, self.kind)
    }
}

fn source(
    kind: Kind,
    idp: &Idp,
    proxy: &Proxy,
    transport: TokenTransport,
    given: Option<Credentials>,
) -> AuthenticatorBuilder {
    let Login { id, secret } = &idp.user;
    let endpoint = || {
        let endpoint = TokenEndpoint::new(&proxy.rewrite(&idp.token_url)).unwrap();
        endpoint.timeout(ATTEMPT).transport(transport.clone())
    };
    let api = || TokenEndpoint::new(&proxy.url()).unwrap().transport(transport.clone());
    match (kind, given) {
        (Kind::Pilot, _) => Authenticator::builder(Pilot::new(api(), id, secret).unwrap()),
        (Kind::Password, _) => {
            Authenticator::builder(oauth2::Password::new(endpoint(), portal(idp), id, secret).unwrap())
        }
        (Kind::PilotWithCredentials, Some(given)) => {
            Authenticator::builder(Pilot::from_credentials(api(), given).unwrap().gateway())
        }
        (Kind::RefreshToken, Some(given)) => {
            Authenticator::builder(oauth2::RefreshToken::new(endpoint(), portal(idp), given).unwrap())
        }
        (kind, None) => panic!("{kind:?} starts with credentials"),
    }
}

fn portal(idp: &Idp) -> ClientAuth {
    ClientAuth::basic(&idp.pw_client.id, &idp.pw_client.secret).unwrap()
}

/// A log-in of the user, without the proxy.
fn person(idp: &Idp, http: &Http) -> oauth2::Password {
    let transport = TokenTransport::new(http.hyper.clone());
    let endpoint = TokenEndpoint::new(&idp.token_url).unwrap().transport(transport);
    oauth2::Password::new(endpoint, portal(idp), &idp.user.id, &idp.user.secret).unwrap()
}

fn over_hyper(idp: &Idp, auth: &Authenticator, http: &Http) -> Call {
    let api = AuthLayer::for_origin(&idp.base_url, auth.clone()).unwrap().layer(http.hyper.clone());
    let url = idp.echo_url.clone();
    Box::new(move || {
        let (api, request) = (api.clone(), Request::get(&url).body(Full::default()).unwrap());
        Box::pin(async move {
            match api.oneshot(request).await {
                Ok(response) => {
                    let status = response.status().as_u16();
                    response.into_body().collect().await.unwrap();
                    Outcome::Response(status)
                }
                Err(AuthError::Credentials(error)) => Outcome::NoCredential(error),
                Err(error) => panic!("the API is reached without the proxy: {error}"),
            }
        })
    })
}

fn over_reqwest(idp: &Idp, auth: &Authenticator, http: &Http) -> Call {
    let middleware = AuthMiddleware::for_origin(&idp.base_url, auth.clone()).unwrap();
    let api = reqwest_middleware::ClientBuilder::new(http.reqwest.clone()).with(middleware).build();
    let url = idp.echo_url.clone();
    Box::new(move || {
        let call = api.get(&url);
        Box::pin(async move {
            match call.send().await {
                Ok(response) => {
                    let status = response.status().as_u16();
                    response.bytes().await.unwrap();
                    Outcome::Response(status)
                }
                Err(reqwest_middleware::Error::Middleware(error)) => {
                    Outcome::NoCredential(error.downcast().unwrap())
                }
                Err(error) => panic!("the API is reached without the proxy: {error}"),
            }
        })
    })
}

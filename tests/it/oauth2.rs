//! The grants of OAuth 2: what they send, and how they read the responses.

use reauth::oauth2::{ClientCredentials, Password, RefreshToken};
use reauth::{
    Authenticator, ClientAuth, CredentialSource, Credentials, Error, ErrorKind, Timing, TokenEndpoint,
};

use crate::support::clock::TestClock;
use crate::support::server::{Reply, TokenServer};
use crate::support::source::credentials;

#[cfg(feature = "loopback")]
mod code;
mod device;
mod exchange;
mod fields;
mod grants;
mod jwt_bearer;
mod keycloak;
mod lifetimes;
mod revocation;

fn endpoint(server: &TokenServer) -> TokenEndpoint {
    TokenEndpoint::new("https://id.test/token").unwrap().transport(server.transport())
}

fn client() -> ClientAuth {
    ClientAuth::post("app", "s3cret").unwrap()
}

fn service(server: &TokenServer) -> ClientCredentials {
    ClientCredentials::new(endpoint(server), client()).unwrap()
}

fn user(server: &TokenServer) -> Password {
    Password::new(endpoint(server), client(), "ada", "pass-w0rd").unwrap()
}

fn holder(server: &TokenServer, held: Credentials) -> RefreshToken {
    RefreshToken::new(endpoint(server), client(), held).unwrap()
}

fn held() -> Credentials {
    credentials("at-0", Some("rt-0"), None)
}

fn authenticator(source: impl CredentialSource) -> Authenticator {
    let timing = Timing::default().without_jitter();
    Authenticator::builder(source).clock(TestClock::new()).timing(timing).build()
}

/// The grant of every request so far.
fn grants(server: &TokenServer) -> Vec<String> {
    server.seen().iter().map(|seen| seen.field("grant_type").expect("a grant")).collect()
}

//! The token endpoint: one bounded POST over any transport, and how its response is read.

use reauth::oauth2::{ClientCredentials, Password, RefreshToken};
use reauth::{Authenticator, ClientAuth, Error, ErrorKind, Timing, TokenEndpoint, TokenTransport};

use crate::support::clock::TestClock;
use crate::support::server::{Reply, TokenServer};
use crate::support::source::credentials;

mod assertions;
mod client_auth;
mod construction;
mod discovery;
mod limits;
mod network;
mod proxies;
mod reach;
mod redirects;
mod request;
mod retries;

/// The URL of an in-memory server. Its name is never looked up.
const URL: &str = "https://id.test/token";

fn at(url: &str, transport: TokenTransport) -> TokenEndpoint {
    TokenEndpoint::new(url).unwrap().transport(transport)
}

fn in_memory(server: &TokenServer) -> TokenEndpoint {
    at(URL, server.transport())
}

fn client() -> ClientAuth {
    ClientAuth::post("app", "client-s3cret").unwrap()
}

/// The simplest source: without a refresh token and without a password.
fn service(endpoint: TokenEndpoint) -> ClientCredentials {
    ClientCredentials::new(endpoint, client()).unwrap()
}

/// Holds an expired access token and `rt-0`, and can't log in.
fn refresher(endpoint: TokenEndpoint) -> RefreshToken {
    let expired = credentials("at-0", Some("rt-0"), None).with_expires_at(std::time::SystemTime::UNIX_EPOCH);
    RefreshToken::new(endpoint, client(), expired).unwrap()
}

fn user(endpoint: TokenEndpoint) -> Password {
    Password::new(endpoint, client(), "ada", "pass-w0rd").unwrap()
}

/// An authenticator with exact waits, on Tokio's paused time.
fn authenticator(source: impl reauth::CredentialSource) -> Authenticator {
    let timing = Timing::default().without_jitter();
    Authenticator::builder(source).clock(TestClock::new()).timing(timing).build()
}

/// The refresh tokens that were sent, in order.
fn spent(server: &TokenServer) -> Vec<String> {
    server.seen().iter().filter_map(|seen| seen.field("refresh_token")).collect()
}

/// Everything that a program can print of an error.
fn shown(error: &Error) -> String {
    let mut shown = format!("{error} {error:?} {error:#?}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        shown += &format!(" {error} {error:?}");
        cause = error.source();
    }
    shown
}

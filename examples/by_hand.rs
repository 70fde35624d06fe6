//! By hand: a program that sends its requests with a plain `reqwest::Client`, without reqwest-middleware. Its errors are its own.
//! It runs against a server of its own on loopback: `cargo run --example by_hand`.

mod common;
#[path = "common/server.rs"]
mod server;

use std::fmt;
use std::process::ExitCode;

use reauth::{AuthError, Authenticator, Authorizer, ClientAuth, oauth2};
use server::Server;

#[tokio::main]
async fn main() -> ExitCode {
    common::finish(run().await)
}

async fn run() -> Result<String, common::BoxError> {
    let server = Server::start()?;

    let source = oauth2::ClientCredentials::new(server.token_url(), ClientAuth::basic("by-hand", "s3cret")?)?;
    let auth = Authorizer::for_origin(&server.origin(), Authenticator::new(source))?;
    let api = Api { http: reqwest::Client::new(), auth, url: server.api_url() };

    let first = api.orders().await?;
    // The server rejects the token. The next call gets a new one, and is sent again.
    server.tokens.revoke();
    let second = api.orders().await?;
    Ok(format!("{first}\n{second}"))
}

/// A client of an API, as a library has it.
struct Api {
    http: reqwest::Client,
    auth: Authorizer,
    url: String,
}

impl Api {
    async fn orders(&self) -> Result<String, ApiError> {
        let request = self.http.get(&self.url).build()?;
        // This line was `self.http.execute(request).await?`.
        let response = self.auth.send(request, |request| self.http.execute(request)).await;
        let response = response.map_err(AuthError::flatten::<ApiError>)?;
        Ok(response.error_for_status()?.text().await?)
    }
}

/// Why a call of the API failed.
#[derive(Debug)]
enum ApiError {
    /// There is no token. `kind()` says what to do.
    Login(reauth::Error),
    Http(reqwest::Error),
}

impl From<reauth::Error> for ApiError {
    fn from(error: reauth::Error) -> Self {
        Self::Login(error)
    }
}

impl From<reqwest::Error> for ApiError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Login(_) => "there is no token for the API",
            Self::Http(_) => "the API can't be called",
        })
    }
}

impl std::error::Error for ApiError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Login(error) => Some(error),
            Self::Http(error) => Some(error),
        }
    }
}

//! reqwest: a client that logs in by itself, with reqwest-middleware.
//!
//! ```sh
//! export TOKEN_URL=…      # the token endpoint: https, or http on loopback
//! export CLIENT_ID=…      # a client that may use the client credentials grant
//! export CLIENT_SECRET=…
//! export API_URL=…        # what to GET with the token
//! export SCOPE=…          # optional
//! cargo run --example reqwest
//! ```

mod common;

use std::process::ExitCode;

use reauth::{AuthMiddleware, Authenticator, ClientAuth, ErrorKind, Origins, oauth2};
use reqwest_middleware::ClientBuilder;

#[tokio::main]
async fn main() -> ExitCode {
    common::finish(run().await)
}

async fn run() -> Result<String, common::BoxError> {
    let [token_url, id, secret, api_url] =
        common::required(["TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET", "API_URL"]);

    // The source: where credentials come from.
    let mut source = oauth2::ClientCredentials::new(token_url, ClientAuth::basic(id, secret)?)?;
    if let Some(scope) = common::optional("SCOPE") {
        source = source.scope(scope);
    }

    // The authenticator keeps them valid, and the client sends them. Both are cheap to clone: share them.
    let auth = Authenticator::new(source);
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(AuthMiddleware::new(Origins::of_url(&api_url)?, auth))
        .build();

    // From here on the program does not handle tokens.
    let response = match client.get(&api_url).send().await {
        Ok(response) => response.error_for_status()?,
        Err(error) if must_log_in(&error) => return Err(format!("{error} (CLIENT_ID, CLIENT_SECRET)").into()),
        Err(error) => return Err(error.into()),
    };
    Ok(format!("{}\n{}", response.status(), response.text().await?))
}

/// Returns whether the request failed because the user has to log in. The error of a refresh is inside the middleware's.
fn must_log_in(error: &reqwest_middleware::Error) -> bool {
    let reqwest_middleware::Error::Middleware(error) = error else { return false };
    let kind = error.downcast_ref::<reauth::Error>().map(reauth::Error::kind);
    matches!(kind, Some(ErrorKind::LoginRequired | ErrorKind::Misconfigured))
}

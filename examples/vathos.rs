//! Vathos: a service account (a device, an organization) calls the API.
//!
//! ```sh
//! export CLIENT_ID=…
//! export CLIENT_SECRET=…
//! export VATHOS_BASE_URL=…   # optional: another base of the API than Vathos's own
//! export VATHOS_TOKEN_URL=…  # optional: another token endpoint (another realm, a test server)
//! cargo run --example vathos
//! ```
//!
//! A natural person has four credentials: `vathos.client_grant(username, password)?` in place of
//! `vathos.service_account()?`. Nothing else changes.

mod common;

use std::process::ExitCode;

use reauth::vathos::Vathos;
use reauth::{AuthMiddleware, Authenticator};
use reqwest_middleware::ClientBuilder;

#[tokio::main]
async fn main() -> ExitCode {
    // Reads CLIENT_ID, CLIENT_SECRET and VATHOS_BASE_URL; an error names the variable, and never its value.
    match Vathos::from_env() {
        Ok(vathos) => common::finish(run(vathos).await),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

async fn run(mut vathos: Vathos) -> Result<String, common::BoxError> {
    if let Some(url) = common::optional("VATHOS_TOKEN_URL") {
        vathos = vathos.with_token_url(url)?;
    }
    let auth = Authenticator::new(vathos.service_account()?);
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(AuthMiddleware::for_origin(&vathos.origin(), auth)?)
        .build();

    let response = client.get(format!("{}/products", vathos.base_url())).send().await?.error_for_status()?;
    Ok(format!("{}\n{}", response.status(), response.text().await?))
}

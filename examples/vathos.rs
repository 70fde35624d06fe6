//! Vathos: a service account, of a device or an organization, calls the API.
//!
//! ```sh
//! export CLIENT_ID=…
//! export CLIENT_SECRET=…
//! export VATHOS_BASE_URL=…   # optional: another base URL of the API
//! export VATHOS_TOKEN_URL=…  # optional: another token endpoint (another realm, a test server)
//! cargo run --example vathos
//! ```
//!
//! For a person, who has four credentials, use `vathos::ClientGrant::from_env(token_url, username, password)?`
//! instead. Nothing else changes.

mod common;

use std::process::ExitCode;

use reauth::{AuthMiddleware, Authenticator, Origins, vathos};
use reqwest_middleware::ClientBuilder;

#[tokio::main]
async fn main() -> ExitCode {
    let token_url = common::optional("VATHOS_TOKEN_URL").unwrap_or_else(|| vathos::TOKEN_URL.to_owned());
    // An error names the environment variable, and does not show its value.
    let settings = vathos::ServiceAccount::from_env(token_url)
        .and_then(|source| Ok((source, vathos::base_url_from_env()?)));
    match settings {
        Ok((source, base_url)) => common::finish(run(source, &base_url).await),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

async fn run(source: vathos::ServiceAccount, base_url: &str) -> Result<String, common::BoxError> {
    let middleware = AuthMiddleware::new(Origins::of_url(base_url)?, Authenticator::new(source));
    let client = ClientBuilder::new(reqwest::Client::new()).with(middleware).build();

    let response = client.get(format!("{base_url}/products")).send().await?.error_for_status()?;
    Ok(format!("{}\n{}", response.status(), response.text().await?))
}

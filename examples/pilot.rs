//! PILOT: logs in at the portal backend with a password, and calls an API behind it.
//!
//! ```sh
//! export PILOT_ENDPOINT=…  # the portal backend: https, or http on loopback
//! export PILOT_USERNAME=…
//! export PILOT_PASSWORD=…
//! export API_URL=…         # what to GET with the token
//! cargo run --example pilot
//! ```

mod common;

use std::process::ExitCode;

use reauth::pilot::Pilot;
use reauth::{AuthMiddleware, Authenticator, ErrorKind, Origins};
use reqwest_middleware::ClientBuilder;

#[tokio::main]
async fn main() -> ExitCode {
    common::finish(run().await)
}

async fn run() -> Result<String, common::BoxError> {
    let [endpoint, username, password, api_url] =
        common::required(["PILOT_ENDPOINT", "PILOT_USERNAME", "PILOT_PASSWORD", "API_URL"]);

    // For the public gateway (`/portal/users/…`), add `.gateway()`.
    let auth = Authenticator::new(Pilot::new(endpoint, username, password)?);

    // The first call logs in, so this step is not needed. It is for a program that wants to tell its user early.
    match auth.credentials().await {
        Ok(_credentials) => println!("logged in"),
        Err(error) if error.kind() == ErrorKind::LoginRequired => {
            return Err(format!("{error} (PILOT_USERNAME, PILOT_PASSWORD)").into());
        }
        Err(error) => return Err(error.into()),
    }

    let client = ClientBuilder::new(reqwest::Client::new())
        .with(AuthMiddleware::new(Origins::of_url(&api_url)?, auth.clone()))
        .build();
    let response = client.get(&api_url).send().await?.error_for_status()?;
    let text = format!("{}\n{}", response.status(), response.text().await?);

    // After the log-out, no token from before it is sent again.
    auth.log_out().await?;
    Ok(text)
}

//! PILOT: logs in, and calls an API. What is set in the environment decides how it logs in.
//!
//! | log-in | variables |
//! | --- | --- |
//! | user name and password | `PILOT_ENDPOINT`, `PILOT_USERNAME`, `PILOT_PASSWORD` |
//! | the same, at an HPC system | also `PILOT_TOKEN_ISSUER` |
//! | credentials from elsewhere | `PILOT_ENDPOINT`, `PILOT_ACCESS_TOKEN`, and perhaps `PILOT_REFRESH_TOKEN` |
//! | what a file has (feature `file`) | `PILOT_ENDPOINT`, `PILOT_STORE`: the path of the file |
//! | API key | `PILOT_REALM`, `PILOT_API_KEY` |
//! | a browser, perhaps on another device | `PILOT_REALM` |
//!
//! ```sh
//! export PILOT_ENDPOINT=…  # the portal backend: https, or http on loopback
//! export PILOT_REALM=…     # or the Keycloak realm
//! export API_URL=…         # what to GET with the token
//! cargo run --example pilot
//! ```

mod common;

use std::process::ExitCode;

use reauth::pilot::{ApiKey, DeviceLogin, HpcLogin, Pilot};
use reauth::{AuthMiddleware, Authenticator, Credentials, Error, ErrorKind, Origins};
use reqwest_middleware::ClientBuilder;

#[tokio::main]
async fn main() -> ExitCode {
    common::finish(run().await)
}

async fn run() -> Result<String, common::BoxError> {
    let [api_url] = common::required(["API_URL"]);
    let auth = match common::optional("PILOT_REALM") {
        Some(realm) => at_realm(&realm)?,
        None => at_portal()?,
    };

    // The first call logs in, so this step is not needed. It is for a program that wants to tell its user early.
    match auth.credentials().await {
        Ok(_credentials) => println!("logged in"),
        Err(error) if error.kind() == ErrorKind::LoginRequired => {
            return Err(format!("{error} (see the variables PILOT_…)").into());
        }
        Err(error) => return Err(error.into()),
    }

    let client = ClientBuilder::new(reqwest::Client::new())
        .with(AuthMiddleware::new(Origins::of_url(&api_url)?, auth.clone()))
        .build();
    let response = client.get(&api_url).send().await?.error_for_status()?;
    let text = format!("{}\n{}", response.status(), response.text().await?);

    if common::optional("PILOT_STORE").is_some() {
        // The log-in stays in the file.
        auth.settled().await;
    } else {
        // After the log-out, no token from before it is sent again.
        auth.log_out().await?;
    }
    Ok(text)
}

/// The log-ins at the Keycloak realm, as PILOT's command-line tool has them.
fn at_realm(realm: &str) -> Result<Authenticator, Error> {
    if let Some(key) = common::optional("PILOT_API_KEY") {
        return Ok(Authenticator::new(ApiKey::new(realm, key)?));
    }
    let source = DeviceLogin::new(realm, async |prompt| {
        println!("Open {} and enter the code {}.", prompt.verification_uri(), prompt.user_code());
        Ok(())
    })?;
    Ok(Authenticator::new(source))
}

/// The log-ins at the portal's backend. For the public gateway (`/portal/users/…`), add `.gateway()` to `Pilot`.
fn at_portal() -> Result<Authenticator, Error> {
    let [endpoint] = common::required(["PILOT_ENDPOINT"]);
    if let Some(access_token) = common::optional("PILOT_ACCESS_TOKEN") {
        let mut credentials = Credentials::new(access_token)?;
        if let Some(refresh_token) = common::optional("PILOT_REFRESH_TOKEN") {
            credentials = credentials.with_refresh_token(refresh_token)?;
        }
        return Ok(Authenticator::new(Pilot::from_credentials(endpoint, credentials)?));
    }
    if let Some(path) = common::optional("PILOT_STORE") {
        return stored(&endpoint, &path);
    }
    let [username, password] = common::required(["PILOT_USERNAME", "PILOT_PASSWORD"]);
    Ok(match common::optional("PILOT_TOKEN_ISSUER") {
        Some(issuer) => Authenticator::new(HpcLogin::new(endpoint, username, password, issuer)?),
        None => Authenticator::new(Pilot::new(endpoint, username, password)?),
    })
}

#[cfg(feature = "file")]
fn stored(endpoint: &str, path: &str) -> Result<Authenticator, Error> {
    let store = reauth::store::FileStore::at(path)?;
    Ok(Authenticator::builder(Pilot::stored(endpoint)?).store(store).build())
}

#[cfg(not(feature = "file"))]
fn stored(_: &str, _: &str) -> Result<Authenticator, Error> {
    Err(Error::misconfigured("PILOT_STORE: enable the feature `file`"))
}

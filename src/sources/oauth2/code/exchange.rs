//! Exchanges the code for tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.5).

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, sleep};

use super::url::Secrets;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::sources::oauth2::GrantClient;

/// The waits before a request is repeated that the provider did not act on. A code is good for a short time.
const WAITS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// How long after the first request another one is sent. The last one has as much time again for its response.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn exchange(
    client: &GrantClient,
    code: &SecretString,
    redirect_uri: &str,
    secrets: &Secrets,
) -> Result<Credentials, Error> {
    let started = Instant::now();
    let mut waits = WAITS.into_iter();
    loop {
        let request = client.token_request().grant("authorization_code");
        let request = request.secret("code", code.expose_secret()).open("redirect_uri", redirect_uri);
        let request = request.secret("code_verifier", secrets.verifier.expose_secret());
        let request = client.with_extra(request).redact(secrets.state.expose_secret());
        let error = match client.send_to_its_end(request).await {
            Ok(credentials) => return Ok(credentials),
            Err(error) => error,
        };
        let asked_for = error.retry_after();
        let wait = waits.next().map(|wait| wait.max(asked_for.unwrap_or_default()));
        let wait = wait.filter(|wait| started.elapsed().saturating_add(*wait) <= PATIENCE);
        match (error.kind(), error.may_have_been_processed(), wait) {
            (ErrorKind::Transient, false, Some(wait)) => sleep(wait).await,
            // The next flight would ask the user again, so that is for a caller to decide.
            (ErrorKind::Transient, ..) => {
                let message =
                    "the user has logged in, but the code could not be exchanged for tokens; log in again";
                let failed = Error::login_required(message).with_source(error);
                return Err(asked_for.map_or(failed.clone(), |wait| failed.with_retry_after(wait)));
            }
            _ => return Err(error),
        }
    }
}

//! Asks for the tokens until the user has confirmed the code (RFC 8628 sections 3.4 and 3.5).

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep};

use super::prompt::WaitingCode;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::sources::oauth2::GrantClient;
use crate::sources::oauth2::asking::Asking;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Added to the wait when the provider asks for it.
const SLOW_DOWN: Duration = Duration::from_secs(5);

/// Polls until there are tokens, the code has expired, or the prompt fails.
pub(super) async fn poll(
    client: &GrantClient,
    code: &WaitingCode,
    mut asking: Asking,
) -> Result<Credentials, Error> {
    let mut polling = pin!(until_confirmed(client, code));
    poll_fn(|context| {
        // Tokens that are there count, even if the prompt fails in the same moment.
        match polling.as_mut().poll(context) {
            Poll::Ready(response) => Poll::Ready(response),
            Poll::Pending => asking.failed(context).map_or(Poll::Pending, |error| Poll::Ready(Err(error))),
        }
    })
    .await
}

async fn until_confirmed(client: &GrantClient, code: &WaitingCode) -> Result<Credentials, Error> {
    let started = Instant::now();
    let mut interval = code.interval;
    let mut pause = interval;
    loop {
        let left = code.prompt.expires_in().saturating_sub(started.elapsed());
        if pause >= left {
            sleep(left).await;
            return Err(expired());
        }
        sleep(pause).await;
        let device_code = code.device_code.expose_secret();
        let request = client.token_request().grant(GRANT).secret("device_code", device_code);
        let request = request.redact(code.prompt.user_code());
        let error = match client.send_to_its_end(client.with_extra(request)).await {
            Ok(credentials) => return Ok(credentials),
            Err(error) => error,
        };
        match error.code() {
            Some("authorization_pending") => {}
            Some("slow_down") => interval = interval.saturating_add(SLOW_DOWN),
            Some("expired_token") => return Err(expired()),
            Some("access_denied") => {
                return Err(Error::login_required("the user has declined the log-in; log in again"));
            }
            // The next one may get through. Each costs twice the wait, for good (RFC 8628 section 3.5).
            _ if error.kind() == ErrorKind::Transient => interval = interval.saturating_mul(2),
            _ => return Err(error),
        }
        pause = interval.max(error.retry_after().unwrap_or_default());
    }
}

fn expired() -> Error {
    Error::login_required("the user did not complete the log-in in time; log in again")
}

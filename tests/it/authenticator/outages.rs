//! While the provider is down, a valid token stays in use. After its expiry callers get the error. When the
//! provider is back, the client recovers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reauth::{Authenticator, CredentialSource, Credentials, Error, ErrorKind};
use tokio::time::{Instant, advance, sleep};

use super::{exact, millis, seconds, token};
use crate::support::source::{Respond, Script, credentials};

/// A provider that can be switched off. Clones are one provider.
#[derive(Clone, Default)]
struct Provider {
    is_down: Arc<AtomicBool>,
    requests: Arc<AtomicU64>,
}

impl Provider {
    /// Returns how long after the provider the client is back. Its caller asks ten times a second.
    async fn comes_back(&self, auth: &Authenticator) -> Duration {
        self.is_down.store(false, Ordering::Relaxed);
        let back = Instant::now();
        while token(auth).await.is_err() {
            sleep(millis(100)).await;
        }
        back.elapsed()
    }
}

impl CredentialSource for Provider {
    async fn login(&self) -> Result<Credentials, Error> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        match self.is_down.load(Ordering::Relaxed) {
            true => Err(Error::transient("503").not_processed()),
            false => Ok(credentials(&format!("at-{number}"), None, Some(300))),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f22_an_outage_ends_the_client_for_no_longer_than_it_lasts() {
    let provider = Provider::default();
    let auth = exact(provider.clone());
    let start = Instant::now();
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    provider.is_down.store(true, Ordering::Relaxed);
    let outage = seconds(1000);
    while start.elapsed() < outage {
        let got = token(&auth).await;
        match start.elapsed() < seconds(300) {
            true => assert_eq!(got.unwrap(), "at-1", "f23: still valid, still served"),
            false => assert_eq!(got.unwrap_err().kind(), ErrorKind::Transient, "f26: never past expiry"),
        }
        sleep(seconds(1)).await;
    }
    let during = provider.requests.load(Ordering::Relaxed);
    assert!(during < 60, "{during} requests in an outage of 1000 s");
    let back = provider.comes_back(&auth).await;
    // A tenth of the outage, at most a minute.
    assert!(back <= seconds(60), "it came back {back:?} after the provider");
}

#[tokio::test(start_paused = true)]
async fn f23_a_valid_token_stays_in_use_when_the_user_has_to_log_in_again() {
    let script = Script::new()
        .without_login()
        .holding(credentials("at-1", Some("rt-1"), Some(300)))
        .then_err(Error::login_required("revoked"));
    let auth = exact(script);
    advance(seconds(290)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    advance(seconds(10)).await;
    assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::LoginRequired);
}

#[tokio::test(start_paused = true)]
async fn r10_an_hour_after_a_failed_refresh_the_next_makes_retries_again() {
    let script = Script::new().holding(credentials("at-1", Some("rt-1"), Some(24 * 3600)));
    let down = Error::transient("503").not_processed();
    script.push(Respond::Now(Err(down.clone().with_retry_after(seconds(30)))));
    script.push(Respond::Now(Err(down)));
    script.push(Respond::Now(Ok(credentials("at-2", None, Some(300)))));
    let auth = exact(script);
    auth.refresh().await.unwrap_err();
    advance(seconds(3600)).await;
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
}

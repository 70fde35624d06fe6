//! The four states of held credentials, and the moments at which they leave them.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reauth::{Authenticator, CredentialSource, Credentials, Error, Timing};
use tokio::time::{Instant, advance};

use super::{at_once, exact, millis, quiet, seconds, token, token_at_once, until};
use crate::support::clock::TestClock;
use crate::support::source::{Script, credentials};

fn five_minutes(access: &str) -> Credentials {
    credentials(access, Some("rt"), Some(300))
}

#[tokio::test(start_paused = true)]
async fn r01_the_windows_are_the_ones_that_were_configured() {
    let script = Script::new().then_ok(five_minutes("at-1"));
    let refresh = script.then_when();
    let timing =
        Timing::default().advisory_window(2, seconds(100)).mandatory_window(3, seconds(60)).without_jitter();
    let auth = Authenticator::builder(script.clone()).clock(TestClock::new()).timing(timing).build();
    token(&auth).await.unwrap();
    advance(millis(199_999)).await;
    token_at_once(&auth).await.unwrap();
    quiet().await;
    assert_eq!(script.requests(), 1);
    advance(millis(1)).await;
    token_at_once(&auth).await.unwrap();
    until(|| script.requests() == 2).await;
    refresh.send(Ok(credentials("at-2", None, Some(30)))).unwrap();
    quiet().await;
    // A divisor of 3: the last 10 of 30 seconds.
    advance(seconds(20)).await;
    assert!(at_once(pin!(auth.credentials())).await.is_none());
}

/// Logs in at once, with tokens of one lifetime, and counts.
#[derive(Clone)]
struct Lasting(u64, Arc<AtomicU64>);

impl Lasting {
    fn seconds(lifetime: u64) -> Self {
        Self(lifetime, Arc::default())
    }

    fn logins(&self) -> u64 {
        self.1.load(Ordering::Relaxed)
    }
}

impl CredentialSource for Lasting {
    async fn login(&self) -> Result<Credentials, Error> {
        let number = self.1.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(credentials(&format!("at-{number}"), None, Some(self.0)))
    }
}

#[tokio::test(start_paused = true)]
async fn r02_a_token_of_a_minute_is_not_refreshed_on_every_request() {
    let source = Lasting::seconds(60);
    let auth = Authenticator::builder(source.clone()).clock(TestClock::new()).build();
    let end = Instant::now() + seconds(3600);
    while Instant::now() < end {
        token(&auth).await.unwrap();
        advance(millis(100)).await;
    }
    // Refreshed 15 s ± 10 % before expiry: every 43.5 to 46.5 s, in steps of a tenth.
    assert!((77..=83).contains(&source.logins()), "{} token requests in an hour", source.logins());
}

#[tokio::test(start_paused = true)]
async fn r02_a_token_of_a_day_is_refreshed_fifteen_minutes_before_its_end() {
    let source = Lasting::seconds(24 * 3600);
    let auth = exact(source.clone());
    token(&auth).await.unwrap();
    advance(seconds(24 * 3600 - 900) - millis(1)).await;
    token(&auth).await.unwrap();
    quiet().await;
    assert_eq!(source.logins(), 1);
    advance(millis(1)).await;
    assert_eq!(token_at_once(&auth).await.as_deref(), Some("at-1"));
    until(|| source.logins() == 2).await;
}

#[tokio::test(start_paused = true)]
async fn r02_a_fleet_does_not_refresh_in_step() {
    let sources: Vec<_> = (0..50).map(|_| Lasting::seconds(300)).collect();
    let fleet: Vec<_> = sources
        .iter()
        .map(|source| Authenticator::builder(source.clone()).clock(TestClock::new()).build())
        .collect();
    for auth in &fleet {
        token(auth).await.unwrap();
    }
    // The window is 75 s ± 10 %: 67.5 s to 82.5 s before expiry.
    advance(millis(217_499)).await;
    let mut refreshed_by_second = Vec::new();
    for _ in 0..17 {
        for auth in &fleet {
            token_at_once(auth).await.unwrap();
        }
        quiet().await;
        refreshed_by_second.push(sources.iter().filter(|source| source.logins() > 1).count());
        advance(seconds(1)).await;
    }
    assert_eq!(refreshed_by_second[0], 0);
    assert_eq!(refreshed_by_second[16], 50);
    let most = refreshed_by_second.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(most <= 25, "half of the fleet and more within a second: {refreshed_by_second:?}");
}

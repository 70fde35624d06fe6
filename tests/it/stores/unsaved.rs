//! A rotation that could not be saved, and what other processes do until it can be (R54, R59).

use std::time::Duration;

use reauth::store::{CredentialStore as _, Entry};
use reauth::{Authenticator, Credentials, ErrorKind, Timing};
use tokio::time::timeout;

use super::failing::Failing;
use super::with_store;
use crate::authenticator::{quiet, seconds, token, until};
use crate::support::clock::TestClock;
use crate::support::source::{Respond, Script, credentials};

fn good(n: u32) -> Credentials {
    credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300))
}

/// Far longer than any limit of the authenticator.
const FOR_EVER: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn r54_r59_a_log_out_elsewhere_that_a_late_save_finds_ends_the_wait_for_the_next_flight() {
    let store = Failing::default();
    store.kept.save(&Entry::new(good(1))).await.unwrap();
    let script = Script::new().then_ok(good(2));
    let auth = Authenticator::builder(script.clone())
        .store(store.clone())
        .clock(TestClock::new())
        .timing(Timing::default().without_jitter())
        .refresh_without_store()
        .build();
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    store.saves_fail(true);
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
    let response = script.then_when();
    let refreshing = tokio::spawn({
        let auth = auth.clone();
        async move { auth.refresh().await }
    });
    until(|| script.requests() == 2).await;
    let (other, _) = with_store(good(9), store.kept.clone());
    other.log_out().await.unwrap();
    store.saves_fail(false);
    let ended = timeout(FOR_EVER, refreshing).await.expect("it ends").unwrap();
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::LoginRequired);
    script.push(Respond::Now(Ok(good(4))));
    let next = timeout(FOR_EVER, token(&auth)).await.expect("it ends");
    assert_eq!(next.unwrap(), "at-4");
    response.send(Ok(good(3))).unwrap();
    quiet().await;
    assert_eq!(token(&auth).await.unwrap(), "at-4");
    timeout(seconds(60), auth.settled()).await.expect("nothing is left to do");
}

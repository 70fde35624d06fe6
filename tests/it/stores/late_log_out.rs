//! A log-out that could not be written at once. The next flight writes it, and may meet something in the store.

use reauth::ErrorKind;

use super::failing::Failing;
use super::{kept, tokens, with_store};
use crate::authenticator::{quiet, token};
use crate::support::revoker::{Revoker, next as next_of};
use crate::support::source::{Respond, Script, credentials};

fn good(n: u32) -> reauth::Credentials {
    credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300))
}

#[tokio::test(start_paused = true)]
async fn r17_r59_a_late_log_out_does_not_end_a_later_log_in_of_another_process() {
    let store = Failing::default();
    let (revoker, mut revoked) = Revoker::new(Script::new().without_login());
    let (one, _) = with_store(revoker, store.clone());
    let (other, _) = with_store(Script::new(), store.kept.clone());
    one.set_credentials(good(1)).await.unwrap();
    store.saves_fail(true);
    let leaving = tokio::spawn({
        let one = one.clone();
        async move { one.log_out().await }
    });
    next_of(&mut revoked, "rt-1").await.done();
    leaving.await.unwrap().unwrap_err();
    other.set_credentials(good(7)).await.unwrap();
    store.saves_fail(false);
    assert_eq!(token(&one).await.unwrap(), "at-7");
    assert_eq!(kept(&store.kept).await, tokens("at-7", "rt-7"));
    quiet().await;
    assert!(revoked.try_recv().is_err(), "the later log-in is not revoked");
}

#[tokio::test(start_paused = true)]
async fn r17_what_a_late_log_out_meets_of_the_login_that_it_ended_is_ended_and_revoked() {
    let store = Failing::default();
    let (revoker, mut revoked) = Revoker::new(Script::new().without_login());
    let (one, _) = with_store(revoker, store.clone());
    let script = Script::new();
    let (other, _) = with_store(script.clone(), store.kept.clone());
    one.set_credentials(good(1)).await.unwrap();
    store.saves_fail(true);
    let leaving = tokio::spawn({
        let one = one.clone();
        async move { one.log_out().await }
    });
    next_of(&mut revoked, "rt-1").await.done();
    leaving.await.unwrap().unwrap_err();
    // Another process has refreshed what was logged out here.
    script.push(Respond::Now(Ok(good(2))));
    assert_eq!(other.refresh().await.unwrap().access_token(), "at-2");
    store.saves_fail(false);
    assert_eq!(token(&one).await.unwrap_err().kind(), ErrorKind::LoginRequired);
    next_of(&mut revoked, "rt-2").await.done();
    assert_eq!(kept(&store.kept).await, None);
}

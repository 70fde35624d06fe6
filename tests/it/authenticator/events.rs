//! Every event, with its generation, its cause and its number of callers.

use std::pin::pin;

use reauth::store::{CredentialStore, Entry, MemoryStore};
use reauth::{Authenticator, AuthenticatorBuilder, CredentialSource, Error, RefreshCause, Timing};
use tokio::time::{advance, sleep};

use super::{Recorder, at_once, millis, quiet, seconds, token, token_at_once, until, waiting};
use crate::support::clock::TestClock;
use crate::support::source::{Respond, Script, credentials};

fn builder(source: impl CredentialSource) -> AuthenticatorBuilder {
    Authenticator::builder(source).clock(TestClock::new()).timing(Timing::default().without_jitter())
}

fn observed(source: impl CredentialSource) -> (Authenticator, Recorder) {
    let recorder = Recorder::default();
    (builder(source).observer(recorder.observer()).build(), recorder)
}

#[tokio::test(start_paused = true)]
async fn a_log_in_and_its_callers() {
    let script = Script::new();
    let login = script.then_when();
    let (auth, recorder) = observed(script.clone());
    let callers = [waiting(&auth).await, waiting(&auth).await, waiting(&auth).await];
    assert_eq!(recorder.take(), ["started 0 missing"]);
    advance(seconds(2)).await;
    login.send(Ok(credentials("at-1", None, Some(300)))).unwrap();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(recorder.take(), ["succeeded 1 missing in 2s for 3"]);
    token(&auth).await.unwrap();
    assert!(recorder.take().is_empty(), "the warm path says nothing");
}

#[tokio::test(start_paused = true)]
async fn every_cause_has_its_name_in_the_events() {
    let script = Script::new();
    for n in 1..=6 {
        script.push(Respond::Now(Ok(credentials(&format!("at-{n}"), None, Some(300)))));
    }
    let (auth, recorder) = observed(script.clone());
    token(&auth).await.unwrap();
    advance(seconds(225)).await;
    token_at_once(&auth).await.unwrap();
    quiet().await;
    advance(seconds(290)).await;
    let used = auth.credentials().await.unwrap();
    auth.reject(&used).await.unwrap();
    auth.refresh().await.unwrap();
    advance(seconds(300)).await;
    token(&auth).await.unwrap();
    assert_eq!(
        recorder.take(),
        [
            "started 0 missing",
            "succeeded 1 missing in 0ns for 1",
            "started 1 advisory",
            "succeeded 2 advisory in 0ns for 0",
            "started 2 mandatory",
            "succeeded 3 mandatory in 0ns for 1",
            "rejected 3",
            "started 3 rejected",
            "succeeded 4 rejected in 0ns for 1",
            "started 4 requested",
            "succeeded 5 requested in 0ns for 1",
            "started 5 missing",
            "succeeded 6 missing in 0ns for 1",
        ]
    );
}

#[test]
fn every_cause_has_a_stable_name() {
    let names = [
        RefreshCause::Missing,
        RefreshCause::Advisory,
        RefreshCause::Mandatory,
        RefreshCause::Rejected,
        RefreshCause::Requested,
    ];
    let names = names.map(|cause| (cause.as_str(), cause.to_string()));
    let expected = ["missing", "advisory", "mandatory", "rejected", "requested"];
    assert_eq!(names, expected.map(|name| (name, name.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_failure_says_when_the_next_attempt_may_come() {
    let script = Script::new()
        .then_err(Error::login_required("no"))
        .then_err(Error::invalid_response("no"))
        .then_ok(credentials("at-1", None, Some(300)))
        .then_err(Error::invalid_response("no"));
    let (auth, recorder) = observed(script.clone());
    token(&auth).await.unwrap_err();
    token(&auth).await.unwrap_err();
    advance(seconds(5)).await;
    token(&auth).await.unwrap_err();
    advance(millis(400)).await;
    token(&auth).await.unwrap();
    auth.refresh().await.unwrap_err();
    assert_eq!(
        recorder.take(),
        [
            "started 0 missing",
            "failed 0 missing LoginRequired in 0ns for 1, next in 5s",
            "started 0 missing",
            "failed 0 missing InvalidResponse in 0ns for 1, next in 400ms",
            "started 0 missing",
            "succeeded 1 missing in 0ns for 1",
            "started 1 requested",
            "failed 1 requested InvalidResponse in 0ns for 1, next in 1s",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn r10_each_failed_attempt_of_an_outage_is_an_event_at_once() {
    let down = || Error::transient("503").not_processed();
    let script = Script::new()
        .then_ok(credentials("at-1", Some("rt-1"), Some(300)))
        .then_err(down())
        .then_err(Error::transient("lost").with_retry_after(seconds(7)))
        .then_ok(credentials("at-2", Some("rt-2"), Some(300)))
        .then_err(down())
        .then_ok(credentials("at-3", Some("rt-3"), Some(300)));
    let (auth, recorder) = observed(script.clone());
    token(&auth).await.unwrap();
    recorder.take();
    // The caller goes away while the flight is in the air. The observer gets the events all the same.
    assert!(at_once(pin!(auth.refresh())).await.is_none());
    quiet().await;
    assert_eq!(
        recorder.take(),
        ["started 1 requested", "attempt 1 failed 1 requested Transient, next in 200ms"]
    );
    sleep(millis(210)).await;
    assert_eq!(recorder.take(), ["attempt 2 failed 1 requested Transient, next in 7s"]);
    sleep(seconds(7)).await;
    let landed = recorder.take();
    assert!(landed.len() == 1 && landed[0].starts_with("succeeded 2 requested"), "{landed:?}");
    // The next flight counts from one again.
    auth.refresh().await.unwrap();
    assert_eq!(recorder.take()[1], "attempt 1 failed 2 requested Transient, next in 200ms");
}

#[tokio::test(start_paused = true)]
async fn r10_the_failure_that_ends_a_flight_is_one_event() {
    let down = || Error::transient("503").not_processed();
    let script = Script::new();
    for _ in 0..10 {
        script.push(Respond::Now(Err(down())));
    }
    let (auth, recorder) = observed(script.clone());
    token(&auth).await.unwrap_err();
    assert_eq!(script.requests(), 10);
    let lines = recorder.take();
    let attempts = lines.iter().filter(|line| line.starts_with("attempt")).count();
    let ends = lines.iter().filter(|line| line.starts_with("failed")).count();
    // After the tenth there is no time for another attempt.
    assert_eq!((attempts, ends, lines.len()), (9, 1, 11), "{lines:#?}");
    assert_eq!(lines[9], "attempt 9 failed 0 missing Transient, next in 5s");
    // Nor is there an event for an attempt if the server puts off the next one past the deadline.
    let (auth, recorder) = observed(Script::new().then_err(down().with_retry_after(seconds(60))));
    token(&auth).await.unwrap_err();
    let expected = ["started 0 missing", "failed 0 missing Transient in 0ns for 1, next in 60s"];
    assert_eq!(recorder.take(), expected);
}

#[tokio::test(start_paused = true)]
async fn r08_after_a_failed_attempt_the_valid_token_is_used_and_the_next_flight_comes_after_a_rest() {
    let script = Script::new()
        .then_ok(credentials("at-1", None, Some(300)))
        .then_err(Error::transient("503"))
        .then_ok(credentials("at-2", None, Some(300)));
    let (auth, recorder) = observed(script.clone());
    token(&auth).await.unwrap();
    advance(seconds(290)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-1", "after the first attempt");
    for _ in 0..5 {
        assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    }
    assert_eq!(script.requests(), 2);
    advance(seconds(1)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-2");
    assert_eq!(
        recorder.take()[2..],
        [
            "started 1 mandatory",
            "failed 1 mandatory Transient in 0ns for 1, next in 1s",
            "started 1 mandatory",
            "succeeded 2 mandatory in 0ns for 1",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_source_is_a_failure_like_any_other() {
    let (auth, recorder) = observed(Script::new().then(Respond::Panic));
    token(&auth).await.unwrap_err();
    let expected = ["started 0 missing", "failed 0 missing Transient in 0ns for 1, next in 0ns"];
    assert_eq!(recorder.take(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_log_out_and_new_credentials() {
    let (auth, recorder) = observed(credentials("at-1", None, Some(300)));
    auth.log_out().await.unwrap();
    assert_eq!(recorder.take(), ["cleared"]);
    auth.set_credentials(credentials("at-2", None, None)).await.unwrap();
    assert_eq!(recorder.take(), ["cleared"]);
    let used = auth.credentials().await.unwrap();
    auth.reject(&used).await.unwrap_err();
    // No generation is used twice.
    let lines = recorder.take();
    assert_eq!(lines[..2], ["rejected 2", "started 2 rejected"]);
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_a_log_out_ended_has_no_event_for_its_end() {
    let script = Script::new().then(Respond::Hang);
    let (auth, recorder) = observed(script.clone());
    let caller = waiting(&auth).await;
    until(|| script.requests() == 1).await;
    auth.log_out().await.unwrap();
    caller.await.unwrap().unwrap_err();
    quiet().await;
    assert_eq!(recorder.take(), ["started 0 missing", "cleared"]);
}

#[tokio::test(start_paused = true)]
async fn an_adoption_names_the_generation_it_made() {
    let store = MemoryStore::new();
    store.save(&Entry::new(credentials("stored", Some("rt"), Some(300)))).await.unwrap();
    let recorder = Recorder::default();
    let auth = builder(Script::new()).store(store).observer(recorder.observer()).build();
    assert_eq!(token(&auth).await.unwrap(), "stored");
    assert_eq!(recorder.take(), ["started 0 missing", "adopted 1", "succeeded 1 missing in 0ns for 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_reported_and_the_token_is_used() {
    struct Broken;

    impl CredentialStore for Broken {
        async fn load(&self) -> Result<Option<Entry>, Error> {
            Err(Error::store("can't read"))
        }

        async fn save(&self, _: &Entry) -> Result<(), Error> {
            Err(Error::store("can't write"))
        }
    }

    let recorder = Recorder::default();
    let script = Script::new().then_ok(credentials("at-1", None, Some(300)));
    let auth = builder(script).store(Broken).observer(recorder.observer()).build();
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    assert_eq!(
        recorder.take(),
        [
            "started 0 missing",
            "store failed: can't read",
            // Under the guard.
            "store failed: can't read",
            "store failed: can't read",
            "succeeded 1 missing in 0ns for 1",
        ]
    );
}

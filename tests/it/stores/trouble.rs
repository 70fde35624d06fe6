//! What a store that is slow, lapses or fails does to a flight.

use std::pin::pin;

use reauth::store::{CredentialStore, Entry, Guard, GuardError, GuardRequest, MemoryStore};
use reauth::{Authenticator, Credentials, Error, ErrorKind, Timing};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Duration, Instant, timeout};

use super::failing::Failing;
use super::{kept, tokens, with_store};
use crate::authenticator::{at_once, millis, seconds, token, until, waiting};
use crate::support::clock::TestClock;
use crate::support::source::{Asked, Respond, Script, credentials};

fn good(n: u32) -> Credentials {
    credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300))
}

fn expired(n: u32) -> Credentials {
    good(n).with_expires_at(std::time::SystemTime::UNIX_EPOCH)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

#[test]
fn r07_r50_the_guard_of_a_flight_that_nothing_drives_any_more_is_given_back() {
    let store = MemoryStore::new();
    let script = Script::new().without_login().then(Respond::Hang).then_ok(good(2));
    let auth = Authenticator::builder(script.clone()).store(store.clone()).build();
    let (a, b) = (runtime(), runtime());
    a.block_on(async {
        store.save(&Entry::new(expired(1))).await.unwrap();
        assert!(at_once(pin!(auth.credentials())).await.is_none());
        until(|| script.requests() == 1).await;
    });
    b.block_on(async {
        let waited = timeout(seconds(100), token(&auth)).await.expect("it ends");
        assert_eq!(waited.unwrap_err().kind(), ErrorKind::Transient);
        assert_eq!(token(&auth).await.unwrap(), "at-2");
    });
    drop(a);
}

/// A store whose guard is always good for this time.
struct Leased(MemoryStore, Duration);

impl CredentialStore for Leased {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.0.load().await
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        self.0.save(entry).await
    }

    async fn guard(&self, _: &GuardRequest) -> Result<Guard, GuardError> {
        let lease = self.1;
        Ok(Guard::new(self.load().await).with_lease(move || lease))
    }
}

#[tokio::test(start_paused = true)]
async fn r50_a_store_may_have_a_lease_that_is_shorter_than_the_longest_request() {
    let store = MemoryStore::new();
    store.save(&Entry::new(expired(1))).await.unwrap();
    let script = Script::new().without_login().then_ok(good(2));
    let (auth, _) = with_store(script, Leased(store, seconds(5)));
    assert_eq!(token(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r50_a_store_may_say_that_its_lease_lasts_for_ever() {
    let store = MemoryStore::new();
    store.save(&Entry::new(expired(1))).await.unwrap();
    let script = Script::new().without_login().then_ok(good(2));
    let (auth, _) = with_store(script, Leased(store, Duration::MAX));
    assert_eq!(token(&auth).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r56_what_is_refreshed_without_the_store_is_used_at_once() {
    let store = Failing::default();
    store.kept.save(&Entry::new(good(1))).await.unwrap();
    let script = Script::new().without_login().then_ok(good(2));
    let auth = Authenticator::builder(script)
        .store(store.clone())
        .clock(TestClock::new())
        .timing(Timing::default().without_jitter())
        .refresh_without_store()
        .build();
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    store.loads_fail(true);
    store.saves_fail(true);
    let begun = Instant::now();
    assert_eq!(auth.refresh().await.unwrap().access_token(), "at-2");
    assert!(begun.elapsed() < seconds(1), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn r17_an_old_log_out_does_not_end_a_log_in_that_could_not_read_the_store() {
    let store = Failing::default();
    let (other, _) = with_store(good(9), store.kept.clone());
    other.log_out().await.unwrap();
    store.loads_fail(true);
    let script = Script::new();
    let response = script.then_when();
    let (auth, _) = with_store(script.clone(), store.clone());
    let caller = waiting(&auth).await;
    until(|| script.requests() == 1).await;
    store.loads_fail(false);
    response.send(Ok(good(1))).unwrap();
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-1");
    assert_eq!(kept(&store.kept).await, tokens("at-1", "rt-1"));
}

#[tokio::test(start_paused = true)]
async fn r55_the_wait_for_another_writer_leaves_time_for_a_log_in() {
    let text = Entry::new(expired(1)).expose_text();
    let intent = r#","intent":{"id":"ff","pid":4711,"host":"web-3","since":1999999000}}"#;
    let store = Failing::default();
    let entry = Entry::from_text(&(text.trim_end_matches('}').to_owned() + intent)).unwrap();
    store.kept.save(&entry).await.unwrap();
    let script = Script::new().then_err(Error::login_required("spent"));
    script.push(Respond::After(seconds(5), Ok(good(2))));
    let auth = Authenticator::builder(script.clone())
        .store(store)
        .clock(TestClock::new())
        .timing(Timing::default().without_jitter().flight_deadline(seconds(22)))
        .build();
    let begun = Instant::now();
    assert_eq!(token(&auth).await.unwrap(), "at-2");
    assert_eq!(script.asked(), [Asked::Refresh("rt-1".into()), Asked::Login]);
    assert!(begun.elapsed() > seconds(16) + millis(500), "it does wait: {:?}", begun.elapsed());
}

//! R56: the error of a caller says that the store failed, and with what.

use std::error::Error as _;

use reauth::store::{CredentialStore, Entry};
use reauth::{Authenticator, Error, ErrorKind};
use tokio::time::Duration;

use super::failing::Failing;
use crate::support::clock::StillClock;
use crate::support::source::{Script, credentials};

/// The error of the first call, and that of a later one, when the access token has expired and the store fails since then.
async fn after_expiry(store: impl CredentialStore, fail: impl FnOnce()) -> [Error; 2] {
    let clock = StillClock::new();
    let auth = Authenticator::builder(Script::new()).store(store).clock(clock.clone()).build();
    // Where the store fails from the beginning, these are in use all the same.
    let _ = auth.set_credentials(credentials("at-1", Some("rt-1"), Some(300))).await;
    fail();
    clock.advance(Duration::from_secs(400));
    let first = auth.credentials().await.unwrap_err();
    clock.advance(Duration::from_secs(400));
    [first, auth.credentials().await.unwrap_err()]
}

/// The text says it, and the chain of causes has the error of the store.
fn check(errors: &[Error], said: &str) {
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Transient, "{error}");
        let text = error.to_string();
        assert!(text.contains("the credential store can't be used") && text.contains(said), "{text}");
        let cause =
            error.source().and_then(|cause| cause.downcast_ref::<Error>()).expect("the store's error");
        assert_eq!(cause.kind(), ErrorKind::Store);
        assert!(cause.to_string().contains(said), "{cause}");
        assert!(!format!("{error:?} {cause:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn r56_f167_after_expiry_the_error_says_what_failed_at_the_store() {
    let store = Failing::default();
    let errors = after_expiry(store.clone(), || {
        store.loads_fail(true);
        store.saves_fail(true);
    });
    check(&errors.await, "the test says no");
    // It can be read, and not be written.
    let store = Failing::default();
    check(&after_expiry(store.clone(), || store.saves_fail(true)).await, "the test says no");
}

/// It holds an entry, and then no call of it comes to an end.
struct Hanging;

impl CredentialStore for Hanging {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        std::future::pending().await
    }

    async fn save(&self, _: &Entry) -> Result<(), Error> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn r56_f167_a_store_that_hangs_did_not_respond_in_time() {
    check(&after_expiry(Hanging, || ()).await, "did not respond in time");
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn r56_f167_redis_that_cant_be_reached_is_named_by_its_address_and_without_its_password() {
    // Nothing listens on port 1.
    let store = reauth::store::RedisStore::new("redis://orders:s3cret@127.0.0.1:1/").unwrap();
    let errors = after_expiry(store, || ()).await;
    check(&errors, "the credential store in Redis at 127.0.0.1:1 can't be reached");
}

#[cfg(feature = "file")]
#[tokio::test]
async fn r56_f167_a_file_that_cant_be_reached_is_named_by_its_path() {
    // A file is no directory.
    let directory = std::env::current_exe().unwrap().join("credentials");
    let store = reauth::store::FileStore::in_directory(&directory).unwrap();
    let errors = after_expiry(store, || ()).await;
    check(&errors, &directory.display().to_string());
    check(&errors, "the directory of the credentials file");
}

/// What was refreshed before could not be stored.
#[tokio::test(start_paused = true)]
async fn r53_while_a_rotation_is_unsaved_the_error_says_why() {
    let store = Failing::default();
    store.loads_fail(true);
    store.saves_fail(true);
    let (clock, script) = (StillClock::new(), Script::new());
    script.push(crate::support::source::Respond::Now(Ok(credentials("at-1", Some("rt-1"), Some(300)))));
    let auth = Authenticator::builder(script).store(store).clock(clock.clone()).build();
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    clock.advance(Duration::from_secs(400));
    let error = auth.credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(error.to_string().contains("could not be stored yet"), "{error}");
    assert!(error.to_string().contains("the test says no"), "{error}");
    let cause = error.source().and_then(|cause| cause.downcast_ref::<Error>()).expect("the store's error");
    assert_eq!(cause.kind(), ErrorKind::Store);
}

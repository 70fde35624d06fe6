//! A source or a store that makes a call that blocks would wait for itself: it learns so at once.

use reauth::blocking::block_on;
use reauth::store::{CredentialStore, Entry};
use reauth::{Authenticator, Credentials, Error, ErrorKind, source_fn};
use tokio::runtime::Builder;

use super::token;
use crate::support::source::Script;
use crate::tower_layer::api::nth;

/// A source that asks another authenticator, which has no token, in a way that blocks.
fn blocking_on_another() -> Authenticator {
    let other = Authenticator::new(Script::new().then_ok(nth(1)));
    Authenticator::new(source_fn(move || {
        let other = other.clone();
        async move { other.credentials_blocking() }
    }))
}

#[test]
fn r74_a_source_that_blocks_is_misconfigured() {
    let error = blocking_on_another().credentials_blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("use the async form"), "{error}");
    let error = Authenticator::new(source_fn(async || {
        block_on(async {})?;
        Credentials::new("at-1")
    }));
    assert_eq!(error.credentials_blocking().unwrap_err().kind(), ErrorKind::Misconfigured);
}

/// On another runtime such a source only blocks that, and comes to its end.
#[test]
fn r74_on_a_runtime_of_the_program_another_authenticator_may_be_asked() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let auth = blocking_on_another();
    assert_eq!(runtime.block_on(auth.credentials()).unwrap().access_token(), "at-1");
}

#[test]
fn r32_a_source_that_asks_its_own_authenticator_in_a_way_that_blocks_is_misconfigured() {
    let own = std::sync::Arc::new(std::sync::OnceLock::<Authenticator>::new());
    let asked = own.clone();
    let auth = Authenticator::new(source_fn(move || {
        let own = asked.get().unwrap().clone();
        async move { own.credentials_blocking() }
    }));
    own.set(auth.clone()).unwrap();
    assert_eq!(auth.credentials_blocking().unwrap_err().kind(), ErrorKind::Misconfigured);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(auth.refresh()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
}

struct Blocks(Authenticator);

impl CredentialStore for Blocks {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.0.credentials_blocking().map(|_| None)
    }

    async fn save(&self, _: &Entry) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn r74_a_store_that_blocks_gets_the_error_too() {
    let other = Authenticator::new(Script::new().then_ok(nth(1)));
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = seen.clone();
    let auth = Authenticator::builder(Script::new().then_ok(nth(2)))
        .store(Blocks(other))
        .observer(move |event| {
            if let reauth::Event::StoreFailed { error, .. } = event {
                noted.lock().unwrap().push(error.to_string());
            }
        })
        .build();
    assert_eq!(token(&auth), "at-2", "a log-in needs no store");
    let seen = seen.lock().unwrap();
    assert!(seen.iter().any(|error| error.contains("use the async form")), "{seen:?}");
}

//! What the authenticator does with a store. Each file has one concept.

mod adoption;
mod broken;
mod doubt;
mod dropped;
mod failing;
mod gated;
mod hooks;
mod late_log_out;
mod logins;
mod logout;
mod memory;
mod order;
mod panics;
mod reasons;
mod revocation;
mod shared;
mod trouble;
mod unsaved;
mod watching;

use reauth::store::CredentialStore;
use reauth::{Authenticator, CredentialSource, Credentials, Timing};

use crate::authenticator::Recorder;
use crate::support::clock::TestClock;

/// An authenticator with this store and without jitter, and the events that its observer gets.
fn with_store(source: impl CredentialSource, store: impl CredentialStore) -> (Authenticator, Recorder) {
    let recorder = Recorder::default();
    let auth = Authenticator::builder(source)
        .store(store)
        .observer(recorder.observer())
        .clock(TestClock::new())
        .timing(Timing::default().without_jitter())
        .build();
    (auth, recorder)
}

/// Returns both tokens of what a store holds.
async fn kept(store: &impl CredentialStore) -> Option<(String, Option<String>)> {
    store.load().await.unwrap().and_then(|kept| kept.credentials().map(pair))
}

fn pair(credentials: &Credentials) -> (String, Option<String>) {
    (credentials.access_token().to_owned(), credentials.refresh_token().map(str::to_owned))
}

fn tokens(access: &str, refresh: &str) -> Option<(String, Option<String>)> {
    Some((access.to_owned(), Some(refresh.to_owned())))
}

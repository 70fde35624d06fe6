//! What would be lost is not evicted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reauth::store::{CredentialStore, Entry, MemoryStore};
use reauth::{Error, Identities};
use tokio::time::advance;

use super::eviction::is_evicted;
use super::{World, get, leave, let_others_go_on, token};
use crate::support::source::{Asked, Respond, Script, credentials};

/// A store that can be broken. What it keeps outlives the authenticator.
#[derive(Clone, Default)]
struct Breakable {
    kept: MemoryStore,
    is_broken: Arc<AtomicBool>,
}

impl Breakable {
    fn check(&self) -> Result<(), Error> {
        if self.is_broken.load(Ordering::Relaxed) { Err(Error::store("the test says no")) } else { Ok(()) }
    }
}

impl CredentialStore for Breakable {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.check()?;
        self.kept.load().await
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        self.check()?;
        self.kept.save(entry).await
    }
}

/// A set with room for one, whose identity `a` has this script and store.
fn with_store(script: &Script, store: &Breakable) -> (World, Identities<String>) {
    let world = World::default();
    world.set_script("a", script);
    let store = store.clone();
    let builder = world.builder_with(move |key, builder| match key {
        "a" => builder.store(store.clone()),
        _ => builder,
    });
    (world, builder.capacity(1).build())
}

#[tokio::test(start_paused = true)]
async fn r76_an_identity_stays_while_its_rotation_is_not_saved() {
    let script = Script::new().then_ok(credentials("a-1", Some("rt-1"), Some(300)));
    let response = script.then_when();
    let store = Breakable::default();
    let (world, set) = with_store(&script, &store);
    assert_eq!(token(&set, "a").await, "a-1");

    advance(Duration::from_secs(301)).await;
    let authenticator = get(&set, "a").await;
    let caller = tokio::spawn(async move { authenticator.credentials().await });
    tokio::time::sleep(Duration::from_millis(1)).await;
    store.is_broken.store(true, Ordering::Relaxed);
    response.send(Ok(credentials("a-2", Some("rt-2"), Some(300)))).unwrap();
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "a-2");
    let_others_go_on().await;
    assert!(!is_evicted(&world, &set, "a").await, "rt-2 is here alone");

    store.is_broken.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(60)).await;
    script.push(Respond::Now(Ok(credentials("a-3", Some("rt-3"), Some(300)))));
    assert!(is_evicted(&world, &set, "a").await);
    advance(Duration::from_secs(301)).await;
    assert_eq!(token(&set, "a").await, "a-3");
    assert_eq!(
        script.asked().last(),
        Some(&Asked::Refresh("rt-2".into())),
        "its successor has it from the store"
    );
}

#[test]
fn r76_a_rotation_that_no_runtime_saves_keeps_the_identity_until_it_is_saved() {
    let script = Script::new().then_ok(credentials("a-1", Some("rt-1"), Some(300)));
    let response = script.then_when();
    let store = Breakable::default();
    let (world, set) = with_store(&script, &store);
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let first = runtime();
    first.block_on(async {
        let authenticator = get(&set, "a").await;
        authenticator.credentials().await.unwrap();
        // The store fails from the moment of the refresh.
        let refresh = tokio::spawn({
            let authenticator = authenticator.clone();
            async move { authenticator.refresh().await }
        });
        while script.requests() < 2 {
            tokio::task::yield_now().await;
        }
        store.is_broken.store(true, Ordering::Relaxed);
        response.send(Ok(credentials("a-2", Some("rt-2"), Some(300)))).unwrap();
        assert_eq!(refresh.await.unwrap().unwrap().access_token(), "a-2");
    });
    // The save in the background ends with its runtime.
    drop(first);
    runtime().block_on(async {
        assert!(!is_evicted(&world, &set, "a").await);
        store.is_broken.store(false, Ordering::Relaxed);
        script.push(Respond::Now(Ok(credentials("a-3", Some("rt-3"), None))));
        let authenticator = get(&set, "a").await;
        assert_eq!(authenticator.refresh().await.unwrap().access_token(), "a-3");
        assert_eq!(script.asked().last(), Some(&Asked::Refresh("rt-2".into())));
        leave(authenticator).await;
        assert!(is_evicted(&world, &set, "a").await);
    });
}

#[tokio::test(start_paused = true)]
async fn r76_an_identity_stays_while_the_store_has_not_forgotten_it() {
    let script = Script::new().then_ok(credentials("a-1", Some("rt-1"), None));
    let store = Breakable::default();
    let (world, set) = with_store(&script, &store);
    assert_eq!(token(&set, "a").await, "a-1");
    store.is_broken.store(true, Ordering::Relaxed);
    let authenticator = get(&set, "a").await;
    authenticator.log_out().await.unwrap_err();
    leave(authenticator).await;
    assert!(!is_evicted(&world, &set, "a").await, "the store has the tokens");

    store.is_broken.store(false, Ordering::Relaxed);
    get(&set, "a").await.log_out().await.unwrap();
    let_others_go_on().await;
    assert!(is_evicted(&world, &set, "a").await);
    assert!(store.kept.load().await.unwrap().unwrap().is_logged_out());
}

#[tokio::test(start_paused = true)]
async fn r76_what_the_program_set_stays_until_the_store_has_it() {
    let store = Breakable::default();
    let (world, set) = with_store(&Script::new().without_login(), &store);
    store.is_broken.store(true, Ordering::Relaxed);
    let authenticator = get(&set, "a").await;
    authenticator.set_credentials(credentials("set", Some("rt"), None)).await.unwrap_err();
    leave(authenticator).await;
    assert!(!is_evicted(&world, &set, "a").await);

    store.is_broken.store(false, Ordering::Relaxed);
    let authenticator = get(&set, "a").await;
    authenticator.set_credentials(credentials("set", Some("rt"), None)).await.unwrap();
    leave(authenticator).await;
    assert!(is_evicted(&world, &set, "a").await);
    assert_eq!(token(&set, "a").await, "set");
}

#[tokio::test(start_paused = true)]
async fn r76_without_a_store_what_came_from_a_refresh_of_handed_credentials_stays() {
    let world = World::default();
    let script = Script::new().holding(credentials("a-0", Some("rt-0"), Some(300))).without_login();
    world.set_script("a", &script.clone().then_ok(credentials("a-1", Some("rt-1"), Some(300))));
    let set = world.builder().capacity(1).build();
    assert_eq!(token(&set, "a").await, "a-0");
    assert!(is_evicted(&world, &set, "a").await, "the factory hands the same out again");
    advance(Duration::from_secs(301)).await;
    leave(get(&set, "a").await).await;
    let authenticator = get(&set, "a").await;
    assert_eq!(authenticator.refresh().await.unwrap().access_token(), "a-1");
    leave(authenticator).await;
    assert!(!is_evicted(&world, &set, "a").await, "rt-0 is spent, and rt-1 is here alone");

    // The provider refuses it, and the access token has expired: there is nothing to lose.
    script.push(Respond::Now(Err(Error::login_required("refused"))));
    advance(Duration::from_secs(301)).await;
    let authenticator = get(&set, "a").await;
    authenticator.credentials().await.unwrap_err();
    leave(authenticator).await;
    assert!(is_evicted(&world, &set, "a").await);
}

#[tokio::test(start_paused = true)]
async fn r76_without_a_store_what_the_program_set_stays_and_what_the_source_can_repeat_does_not() {
    let world = World::default();
    let script = Script::new().then_ok(credentials("a-1", Some("rt-1"), Some(300)));
    world.set_script("a", &script.clone().then_ok(credentials("a-2", Some("rt-2"), Some(300))));
    let set = world.builder().capacity(1).build();
    assert_eq!(token(&set, "a").await, "a-1");
    let authenticator = get(&set, "a").await;
    authenticator.refresh().await.unwrap();
    leave(authenticator).await;
    assert!(is_evicted(&world, &set, "a").await, "the source logs in");

    let authenticator = get(&set, "a").await;
    authenticator.set_credentials(credentials("set", None, Some(300))).await.unwrap();
    leave(authenticator).await;
    assert!(!is_evicted(&world, &set, "a").await);
    assert_eq!(token(&set, "a").await, "set");
    advance(Duration::from_secs(301)).await;
    assert!(is_evicted(&world, &set, "a").await, "it has expired");
}

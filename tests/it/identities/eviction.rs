//! What may be evicted, and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reauth::store::{CredentialStore, Entry, MemoryStore};
use reauth::{Error, Identities};
use tokio::time::advance;

use super::{World, get, leave, let_others_go_on, token};
use crate::support::source::{Asked, Script, credentials};

const HOUR: Duration = Duration::from_secs(3600);

/// Whether the identity `key` is evicted when others are asked for. The set has room for one.
async fn is_evicted(world: &World, set: &Identities<String>, key: &str) -> bool {
    let before = world.made(key);
    for other in ["other-1", "other-2", "other-3"] {
        drop(get(set, other).await);
    }
    drop(get(set, key).await);
    world.made(key) > before
}

#[tokio::test(start_paused = true)]
async fn r76_a_new_key_evicts_what_nobody_uses() {
    let world = World::default();
    let set = world.builder().capacity(1).build();
    assert_eq!(token(&set, "a").await, "a-1");
    world.set_script("a", &Script::new().then_ok(credentials("a-2", None, None)));
    assert!(is_evicted(&world, &set, "a").await);
    assert_eq!(set.len(), 1);
    assert_eq!(token(&set, "a").await, "a-2");
}

#[tokio::test(start_paused = true)]
async fn r76_a_full_set_stays_within_its_bound_whatever_is_asked_for() {
    for capacity in [1, 2, 10, 63, 100, 1000] {
        let world = World::default();
        let set = world.builder().capacity(capacity).build();
        let mut dice = fastrand::Rng::with_seed(7);
        for _ in 0..5000 {
            drop(get(&set, &dice.usize(0..5 * capacity).to_string()).await);
        }
        // A part has its share, rounded up.
        assert!(set.len() <= capacity + capacity / 10, "{} of {capacity}", set.len());
        assert!(set.len() >= capacity * 9 / 10, "{} of {capacity}", set.len());
    }
}

#[tokio::test(start_paused = true)]
async fn r76_who_has_a_clone_keeps_the_identity_and_there_is_no_second_one() {
    let world = World::default();
    let set = world.builder().capacity(1).idle(HOUR).build();
    let clone = get(&set, "a").await;
    for round in 0..10 {
        drop(get(&set, &format!("other-{round}")).await);
        advance(HOUR).await;
    }
    let again = get(&set, "a").await;
    assert_eq!(world.made("a"), 1);
    assert_eq!(again.credentials().await.unwrap().access_token(), "a-1");
    assert_eq!(clone.credentials().await.unwrap().access_token(), "a-1");
    assert_eq!(world.script("a").requests(), 1, "both are the same");
    drop(clone);
    leave(again).await;
    assert!(is_evicted(&world, &set, "a").await);
}

#[tokio::test(start_paused = true)]
async fn r76_many_that_are_in_use_exceed_the_bound_until_they_are_not() {
    let world = World::default();
    let set = world.builder().capacity(3).build();
    let mut used = Vec::new();
    for key in 0..40 {
        used.push(get(&set, &key.to_string()).await);
    }
    assert_eq!(set.len(), 40);
    drop(used);
    drop(get(&set, "one more").await);
    assert!(set.len() <= 3, "{}", set.len());
}

#[tokio::test(start_paused = true)]
async fn r76_a_flight_keeps_its_identity_though_its_caller_has_gone() {
    let world = World::default();
    let script = Script::new();
    let response = script.then_when();
    world.set_script("a", &script);
    let set = world.builder().capacity(1).build();
    let authenticator = get(&set, "a").await;
    let caller = tokio::spawn(async move { authenticator.credentials().await });
    let_others_go_on().await;
    caller.abort();
    let_others_go_on().await;
    assert!(!is_evicted(&world, &set, "a").await, "it logs in");

    response.send(Ok(credentials("a-1", None, None))).unwrap();
    let_others_go_on().await;
    assert_eq!(token(&set, "a").await, "a-1");
    assert_eq!(script.requests(), 1);
    assert!(is_evicted(&world, &set, "a").await);
}

#[tokio::test(start_paused = true)]
async fn r76_a_creation_keeps_its_place_though_its_caller_has_gone() {
    let (give, given) = tokio::sync::watch::channel(false);
    let made = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = made.clone();
    let set = Identities::builder(move |key: String| {
        count.fetch_add(usize::from(key == "a"), Ordering::Relaxed);
        let mut given = given.clone();
        async move {
            if key == "a" {
                given.wait_for(|given| *given).await.unwrap();
            }
            Ok(reauth::Authenticator::new(reauth::Credentials::new("at")?))
        }
    });
    let set = set.capacity(1).build();
    let caller = tokio::spawn({
        let set = set.clone();
        async move { get(&set, "a").await }
    });
    let_others_go_on().await;
    caller.abort();
    for other in 0..10 {
        drop(get(&set, &other.to_string()).await);
    }
    give.send(true).unwrap();
    drop(get(&set, "a").await);
    assert_eq!(made.load(Ordering::Relaxed), 1);
}

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
    script.push(crate::support::source::Respond::Now(Ok(credentials("a-3", Some("rt-3"), Some(300)))));
    assert!(is_evicted(&world, &set, "a").await);
    advance(Duration::from_secs(301)).await;
    assert_eq!(token(&set, "a").await, "a-3");
    assert_eq!(script.asked().last(), Some(&Asked::Refresh("rt-2".into())), "its successor has it from the store");
}

#[test]
fn r76_a_rotation_that_no_runtime_saves_keeps_the_identity_until_it_is_saved() {
    let script = Script::new()
        .then_ok(credentials("a-1", Some("rt-1"), Some(300)))
        .then_ok(credentials("a-2", Some("rt-2"), Some(300)));
    let store = Breakable::default();
    let (world, set) = with_store(&script, &store);
    let runtime = || {
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
    };
    let first = runtime();
    first.block_on(async {
        let authenticator = get(&set, "a").await;
        authenticator.credentials().await.unwrap();
        // The store fails from the moment of the refresh.
        let refresh = tokio::spawn({
            let authenticator = authenticator.clone();
            async move { authenticator.refresh().await }
        });
        let broken = store.is_broken.clone();
        while script.requests() < 2 {
            tokio::task::yield_now().await;
        }
        broken.store(true, Ordering::Relaxed);
        assert_eq!(refresh.await.unwrap().unwrap().access_token(), "a-2");
    });
    // The save in the background ends with its runtime.
    drop(first);
    runtime().block_on(async {
        assert!(!is_evicted(&world, &set, "a").await);
        store.is_broken.store(false, Ordering::Relaxed);
        script.push(crate::support::source::Respond::Now(Ok(credentials("a-3", Some("rt-3"), None))));
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
    script.push(crate::support::source::Respond::Now(Err(Error::login_required("refused"))));
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

#[tokio::test(start_paused = true)]
async fn r76_what_was_not_used_for_the_idle_time_is_evicted_at_a_call_for_any_key() {
    let world = World::default();
    let set = world.builder().idle(HOUR).build();
    token(&set, "a").await;
    let held = get(&set, "held").await;
    for _ in 0..3 {
        advance(HOUR * 3 / 4).await;
        token(&set, "b").await;
        token(&set, "a").await;
    }
    assert_eq!(set.len(), 3);
    advance(HOUR * 3 / 4).await;
    token(&set, "b").await;
    assert_eq!((set.len(), world.made("a")), (3, 1));
    advance(HOUR * 3 / 4).await;
    token(&set, "b").await;
    assert_eq!(set.len(), 2, "a is gone; somebody has a clone of held");
    // It was in use until now.
    drop(held);
    advance(HOUR / 2).await;
    token(&set, "b").await;
    assert_eq!(set.len(), 2);
    advance(HOUR).await;
    token(&set, "c").await;
    assert_eq!(set.len(), 1);
    assert_eq!((world.made("a"), world.made("b"), world.made("held")), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn r75_a_key_can_be_removed_and_logged_out() {
    let world = World::default();
    let set = world.storing().build();
    assert!(set.is_empty());
    assert!(set.remove(&"a".to_owned()).is_none());
    let old = get(&set, "a").await;
    let removed = set.remove(&"a".to_owned()).unwrap();
    assert_eq!(removed.credentials().await.unwrap().access_token(), "a-1");
    assert_eq!(old.credentials().await.unwrap().access_token(), "a-1");
    assert!(set.is_empty());
    drop((old, removed));

    // The key is not in the set, and its store has credentials.
    set.log_out(&"a".to_owned()).await.unwrap();
    assert_eq!((world.made("a"), set.len()), (2, 0));
    world.set_script("a", &Script::new().then_ok(credentials("a-2", None, None)));
    let authenticator = get(&set, "a").await;
    assert_eq!(authenticator.credentials().await.unwrap().access_token(), "a-2", "a-1 is forgotten");
    // Whoever has a clone is logged out, and the identity stays one.
    set.log_out(&"a".to_owned()).await.unwrap();
    assert_eq!(set.len(), 1);
    authenticator.credentials().await.unwrap_err();
}

//! What may be evicted, and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reauth::Identities;
use tokio::time::advance;

use super::{World, get, leave, let_others_go_on, token};
use crate::support::source::{Script, credentials};

const HOUR: Duration = Duration::from_secs(3600);

/// Whether the identity `key` is evicted when others are asked for. The set has room for one.
pub(super) async fn is_evicted(world: &World, set: &Identities<String>, key: &str) -> bool {
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
async fn r76_keys_that_come_once_do_not_push_out_those_that_come_often() {
    let world = World::default();
    let set = world.builder().capacity(50).build();
    let regular = || (0..40).map(|user| format!("user-{user}"));
    for _ in 0..3 {
        for user in regular() {
            drop(get(&set, &user).await);
        }
    }
    for guess in 0..5000 {
        drop(get(&set, &format!("guess-{guess}")).await);
    }
    for user in regular() {
        drop(get(&set, &user).await);
    }
    assert!(regular().all(|user| world.made(&user) == 1));
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
    drop(get(&set, "one-more").await);
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
    let made = Arc::new(AtomicUsize::new(0));
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

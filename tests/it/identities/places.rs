//! When an exchange takes its place, and when that comes too late.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reauth::{CredentialSource, Credentials, Error, ErrorKind, Identities};
use tokio::time::{Instant, sleep};

use super::{World, get, let_others_go_on};
use crate::support::clock::in_paused_time;
use crate::support::source::{Respond, Script, credentials};

type Set = Identities<u32>;

/// Both waits end while the place is taken. The exchange needs one place, and not one for each wait.
#[tokio::test(start_paused = true)]
async fn f110_an_exchange_whose_waits_end_one_after_the_other_takes_one_place() {
    struct TwoWaits(Arc<OnceLock<Set>>);
    impl CredentialSource for TwoWaits {
        async fn login(&self) -> Result<Credentials, Error> {
            let set = self.0.get().unwrap();
            let first = async { set.get(&0).await?.credentials().await };
            let second = async {
                sleep(Duration::from_millis(60)).await;
                set.get(&1).await
            };
            let (first, second) = tokio::join!(first, second);
            first.and(second.map(drop))?;
            Credentials::new("at-2")
        }
    }
    let holder = Arc::new(OnceLock::<Set>::new());
    let sets = holder.clone();
    let set = Identities::builder(move |key: u32| {
        let response = Ok(credentials("at", None, None));
        let script = Script::new().then(Respond::After(Duration::from_millis(50), response));
        let made = match key {
            2 => in_paused_time(TwoWaits(sets.clone())).build(),
            _ => in_paused_time(script).build(),
        };
        async move { Ok(made) }
    });
    let set = set.exchanges(1).build();
    holder.set(set.clone()).unwrap();
    let started = Instant::now();
    let waiting = tokio::spawn({
        let set = set.clone();
        async move { set.get(&2).await.unwrap().credentials().await }
    });
    sleep(Duration::from_millis(10)).await;
    // From 50 ms to 100 ms it has the place that the first wait has left.
    set.get(&3).await.unwrap().credentials().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().access_token(), "at-2");
    assert_eq!(started.elapsed(), Duration::from_millis(100));
}

/// A log-in that was sent without time for a response would be reported as a provider that does not respond.
#[tokio::test(start_paused = true)]
async fn f110_a_place_that_comes_too_late_for_a_response_is_not_waited_for() {
    let world = World::default();
    let almost = Duration::from_millis(29_990);
    world.set_script("a", &Script::new().then(Respond::After(almost, Ok(credentials("a-1", None, None)))));
    let set = world.builder().exchanges(1).build();
    let (first, second) = (get(&set, "a").await, get(&set, "b").await);
    let slow = tokio::spawn(async move { first.credentials().await });
    let_others_go_on().await;
    let error = second.credentials().await.unwrap_err();
    assert!(error.to_string().contains("limit"), "{error}");
    assert_eq!(world.script("b").requests(), 0);
    slow.await.unwrap().unwrap();
}

/// The request may take twice as long as callers wait (R14), and the wait before it is a part of theirs.
#[tokio::test(start_paused = true)]
async fn r14_f110_callers_wait_no_longer_because_a_refresh_has_waited_for_a_place() {
    let world = World::default();
    let slow = Respond::After(Duration::from_secs(10), Ok(credentials("a-1", None, None)));
    world.set_script("a", &Script::new().then(slow));
    let expiring = credentials("b-0", Some("rt-0"), Some(1));
    world.set_script("b", &Script::new().holding(expiring).then(Respond::Hang));
    let set = world.builder().exchanges(1).build();
    let (first, second) = (get(&set, "a").await, get(&set, "b").await);
    sleep(Duration::from_secs(2)).await;
    let first = tokio::spawn(async move { first.credentials().await });
    let_others_go_on().await;
    let begun = Instant::now();
    let error = second.credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert_eq!(begun.elapsed().as_secs(), 30);
    assert_eq!(world.script("b").requests(), 1);
    first.await.unwrap().unwrap();
}

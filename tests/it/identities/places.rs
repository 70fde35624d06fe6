//! When an exchange takes its place, and when that comes too late.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reauth::{CredentialSource, Credentials, Error, ErrorKind, Identities};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{World, get, let_others_go_on};
use crate::support::clock::in_paused_time;
use crate::support::source::{Respond, Script, credentials};

type Set = Identities<u32>;

/// Asks two other identities: the first one at once, and the second one after 60 ms.
struct TwoWaits {
    sets: Arc<OnceLock<Set>>,
    /// The second one is asked for credentials, too.
    needs_both: bool,
}

impl CredentialSource for TwoWaits {
    async fn login(&self) -> Result<Credentials, Error> {
        let set = self.sets.get().unwrap();
        let first = async { set.get(&0).await?.credentials().await.map(drop) };
        let second = async {
            sleep(Duration::from_millis(60)).await;
            let second = set.get(&1).await?;
            if self.needs_both { second.credentials().await.map(drop) } else { Ok(()) }
        };
        let (first, second) = tokio::join!(first, second);
        first.and(second)?;
        Credentials::new("at-2")
    }
}

/// How long the exchange with two waits takes, at a limit of one. From 50 ms to 100 ms another one has the place.
async fn time_of_two_waits(needs_both: bool) -> Duration {
    let holder = Arc::new(OnceLock::<Set>::new());
    let sets = holder.clone();
    let set = Identities::builder(move |key: u32| {
        let response = Ok(credentials("at", None, None));
        let script = Script::new().then(Respond::After(Duration::from_millis(50), response));
        let made = match key {
            2 => in_paused_time(TwoWaits { sets: sets.clone(), needs_both }).build(),
            _ => in_paused_time(script).build(),
        };
        async move { Ok(made) }
    });
    let set = set.exchanges(1).build();
    holder.set(set.clone()).unwrap();
    if needs_both {
        // So that its one wait is that for credentials.
        set.get(&1).await.unwrap();
    }
    let started = Instant::now();
    let waiting = tokio::spawn({
        let set = set.clone();
        async move { set.get(&2).await.unwrap().credentials().await }
    });
    sleep(Duration::from_millis(10)).await;
    set.get(&3).await.unwrap().credentials().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().access_token(), "at-2");
    started.elapsed()
}

/// Both waits end while the place is taken. The exchange needs one place, and not one for each wait.
#[tokio::test(start_paused = true)]
async fn f110_an_exchange_whose_waits_end_one_after_the_other_takes_one_place() {
    assert_eq!(time_of_two_waits(false).await, Duration::from_millis(100));
}

/// It has queued for a place, and waits again when it gets that. The second wait needs the place.
#[tokio::test(start_paused = true)]
async fn f110_an_exchange_that_waits_again_keeps_no_place() {
    assert_eq!(time_of_two_waits(true).await, Duration::from_millis(150));
}

/// Waits for an identity, for 50 ms at most. Its log-in takes 100 ms.
struct MayGiveUp(Arc<OnceLock<Set>>);

impl CredentialSource for MayGiveUp {
    async fn login(&self) -> Result<Credentials, Error> {
        let ends = Instant::now() + Duration::from_millis(100);
        let _ = timeout(Duration::from_millis(50), self.0.get().unwrap().get(&0)).await;
        sleep_until(ends).await;
        Credentials::new("at-1")
    }
}

#[tokio::test(start_paused = true)]
async fn f110_after_a_wait_or_when_it_gives_that_up_an_exchange_takes_a_place_that_is_free() {
    for made_after in [Duration::from_millis(20), Duration::from_secs(20)] {
        let holder = Arc::new(OnceLock::<Set>::new());
        let sets = holder.clone();
        let set = Identities::builder(move |key: u32| {
            let script = Script::new().then_ok(credentials("at-2", None, None));
            let made = match key {
                1 => in_paused_time(MayGiveUp(sets.clone())).build(),
                _ => in_paused_time(script).build(),
            };
            async move {
                if key == 0 {
                    sleep(made_after).await;
                }
                Ok(made)
            }
        });
        let set = set.exchanges(1).build();
        holder.set(set.clone()).unwrap();
        let (one, other) = (set.get(&1).await.unwrap(), set.get(&2).await.unwrap());
        let started = Instant::now();
        let one = tokio::spawn(async move { one.credentials().await });
        sleep(Duration::from_millis(60)).await;
        other.credentials().await.unwrap();
        assert_eq!(started.elapsed(), Duration::from_millis(100), "one exchange at a time");
        assert_eq!(one.await.unwrap().unwrap().access_token(), "at-1");
    }
}

/// Its log-in needs an authenticator whose factory needs a place.
struct NeedsMade(Arc<OnceLock<Set>>);

impl CredentialSource for NeedsMade {
    async fn login(&self) -> Result<Credentials, Error> {
        self.0.get().unwrap().get(&0).await?;
        Credentials::new("at-1")
    }
}

#[tokio::test(start_paused = true)]
async fn f110_an_exchange_has_no_place_while_it_waits_for_a_factory() {
    let holder = Arc::new(OnceLock::<Set>::new());
    let sets = holder.clone();
    let set = Identities::builder(move |key: u32| {
        let sets = sets.clone();
        async move {
            if key == 0 {
                sets.get().unwrap().get(&2).await?.credentials().await?;
            }
            let script = Script::new().then_ok(credentials("at-2", None, None));
            Ok(if key == 1 {
                in_paused_time(NeedsMade(sets)).build()
            } else {
                in_paused_time(script).build()
            })
        }
    });
    let set = set.exchanges(1).build();
    holder.set(set.clone()).unwrap();
    let started = Instant::now();
    assert_eq!(set.get(&1).await.unwrap().credentials().await.unwrap().access_token(), "at-1");
    assert!(started.elapsed().is_zero());
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

//! The limit of log-ins and refreshes at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reauth::store::MemoryStore;
use reauth::{CredentialSource, Credentials, Error, ErrorKind, Identities, Timing};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep};

use super::{World, get, let_others_go_on};
use crate::support::clock::in_paused_time;
use crate::support::source::{Asked, Respond, Script, credentials};

/// Sibling accounts under one client id. Each exchange takes 50 ms, and the provider counts those at once.
#[derive(Clone, Default)]
struct Provider {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    all: Arc<AtomicUsize>,
}

impl Provider {
    async fn exchange(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.all.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_millis(50)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

type Set = Identities<u32>;

/// An account. Before its own request it asks for the tokens of others.
struct Account {
    key: u32,
    needs: Vec<u32>,
    provider: Provider,
    set: Arc<OnceLock<Set>>,
}

impl Account {
    async fn issue(&self) -> Result<Credentials, Error> {
        let set = self.set.get().unwrap();
        let others = self.needs.iter().map(|key| async move { set.get(key).await?.credentials().await });
        let mut others: Vec<_> = others.map(Box::pin).collect();
        // All at once, in this task.
        let mut failed = None;
        std::future::poll_fn(|context| {
            others.retain_mut(|other| match other.as_mut().poll(context) {
                std::task::Poll::Pending => true,
                std::task::Poll::Ready(result) => {
                    failed = failed.take().or(result.err());
                    false
                }
            });
            if others.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        if let Some(error) = failed {
            return Err(error);
        }
        self.provider.exchange().await;
        credentials(&format!("at-{}", self.key), None, Some(300)).with_refresh_token("rt")
    }
}

impl CredentialSource for Account {
    async fn login(&self) -> Result<Credentials, Error> {
        self.issue().await
    }

    async fn refresh(&self, _: &Credentials) -> Result<Credentials, Error> {
        self.issue().await
    }
}

fn accounts(at_once: usize, needs: impl Fn(u32) -> Vec<u32> + Send + Sync + 'static) -> (Set, Provider) {
    let provider = Provider::default();
    let shared = provider.clone();
    let holder = Arc::new(OnceLock::new());
    let sets = holder.clone();
    let builder = Identities::builder(move |key| {
        let account = Account { key, needs: needs(key), provider: shared.clone(), set: sets.clone() };
        let made = in_paused_time(account).build();
        async move { Ok(made) }
    });
    let set = builder.exchanges(at_once).build();
    holder.set(set.clone()).unwrap();
    (set, provider)
}

/// Gets the tokens of these keys, all at once.
async fn all(set: &Set, keys: std::ops::Range<u32>) {
    let mut callers = JoinSet::new();
    for key in keys {
        let set = set.clone();
        callers.spawn(async move {
            let got = set.get(&key).await.unwrap().credentials().await.unwrap();
            assert_eq!(got.access_token(), format!("at-{key}"));
        });
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn f110_sibling_accounts_log_in_and_refresh_one_at_a_time() {
    for at_once in [1, 3] {
        let (set, provider) = accounts(at_once, |_| Vec::new());
        all(&set, 0..100).await;
        assert_eq!(provider.most(), at_once);
        advance(Duration::from_secs(301)).await;
        all(&set, 0..100).await;
        assert_eq!(provider.most(), at_once);
        assert_eq!(provider.all.load(Ordering::SeqCst), 200);
    }
    // The provider sees all of them at once otherwise.
    let (set, provider) = accounts(1000, |_| Vec::new());
    all(&set, 0..100).await;
    assert_eq!(provider.most(), 100);
}

#[tokio::test(start_paused = true)]
async fn f110_a_source_may_ask_other_identities_of_its_set_and_the_limit_stays() {
    // A chain: each account needs the token of the one before.
    let (set, provider) = accounts(1, |key| key.checked_sub(1).into_iter().collect());
    let started = Instant::now();
    all(&set, 19..20).await;
    assert_eq!((provider.most(), provider.all.load(Ordering::SeqCst)), (1, 20));
    assert_eq!(started.elapsed(), Duration::from_millis(1000), "nobody waits for a time limit");

    // All of them ask, so that what one waits for is itself queued.
    let (set, provider) = accounts(1, |key| key.checked_sub(1).into_iter().collect());
    let started = Instant::now();
    all(&set, 0..20).await;
    assert_eq!((provider.most(), provider.all.load(Ordering::SeqCst)), (1, 20));
    assert_eq!(started.elapsed(), Duration::from_millis(1000));

    // One needs several, which it waits for at once.
    let (set, provider) = accounts(1, |key| if key == 9 { (0..9).collect() } else { Vec::new() });
    all(&set, 9..10).await;
    assert_eq!((provider.most(), provider.all.load(Ordering::SeqCst)), (1, 10));
}

#[tokio::test(start_paused = true)]
async fn f110_a_wait_that_lasts_to_the_deadline_spends_nothing() {
    let world = World::default();
    let (a, b) = (Script::new().then(Respond::Hang), Script::new());
    world.set_script("a", &a);
    let b = b.holding(credentials("b-0", Some("rt-b"), Some(1)));
    world.set_script("b", &b.clone().then_ok(credentials("b-1", None, None)));
    let builder = world.builder_with(|key, builder| match key {
        "b" => builder
            .store(MemoryStore::new())
            .timing(Timing::default().without_jitter().flight_deadline(Duration::from_secs(10))),
        _ => builder,
    });
    let set = builder.exchanges(1).build();
    let (first, second) = (get(&set, "a").await, get(&set, "b").await);
    let hanging = tokio::spawn(async move { first.credentials().await });
    let_others_go_on().await;
    advance(Duration::from_secs(2)).await;
    let error = second.credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(error.to_string().contains("limit"), "{error}");
    assert_eq!(b.requests(), 0);
    hanging.await.unwrap().unwrap_err();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(second.credentials().await.unwrap().access_token(), "b-1");
    assert_eq!(b.asked(), [Asked::Refresh("rt-b".into())]);
}

#[tokio::test(start_paused = true)]
async fn f110_a_log_out_ends_the_wait_and_nothing_is_sent() {
    let world = World::default();
    let a = Script::new();
    let response = a.then_when();
    world.set_script("a", &a);
    let set = world.builder().exchanges(1).build();
    let (first, second) = (get(&set, "a").await, get(&set, "b").await);
    let slow = tokio::spawn(async move { first.credentials().await });
    let_others_go_on().await;
    let waiting = tokio::spawn({
        let second = second.clone();
        async move { second.credentials().await }
    });
    let_others_go_on().await;
    second.log_out().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    response.send(Ok(credentials("a-1", None, None))).unwrap();
    slow.await.unwrap().unwrap();
    let_others_go_on().await;
    assert_eq!(world.script("b").requests(), 0);
    assert_eq!(second.credentials().await.unwrap().access_token(), "b-1");
}

#[tokio::test(start_paused = true)]
async fn f110_the_lifetime_counts_from_the_request_and_not_from_the_wait() {
    let world = World::default();
    world.set_script(
        "a",
        &Script::new().then(Respond::After(Duration::from_secs(20), Ok(credentials("a-1", None, None)))),
    );
    world.set_script("b", &Script::new().then_ok(credentials("b-1", None, Some(60))));
    let set = world.builder().exchanges(1).build();
    let (first, second) = (get(&set, "a").await, get(&set, "b").await);
    let slow = tokio::spawn(async move { first.credentials().await });
    let_others_go_on().await;
    let got = second.credentials().await.unwrap();
    slow.await.unwrap().unwrap();
    advance(Duration::from_secs(44)).await;
    assert_eq!(second.credentials().await.unwrap().access_token(), got.access_token());
    assert_eq!(world.script("b").requests(), 1, "it is fresh for 45 s");
}

#[tokio::test(start_paused = true)]
async fn f110_a_source_that_gives_up_its_wait_goes_on() {
    struct Impatient(Set);
    impl CredentialSource for Impatient {
        async fn login(&self) -> Result<Credentials, Error> {
            let other = self.0.get(&0).await?;
            tokio::time::timeout(Duration::from_millis(10), other.credentials()).await.unwrap_err();
            Credentials::new("without")
        }
    }
    let holder = Arc::new(OnceLock::<Set>::new());
    let sets = holder.clone();
    let set = Identities::builder(move |key: u32| {
        let script =
            Script::new().then(Respond::After(Duration::from_secs(1), Ok(credentials("at-0", None, None))));
        let made = match key {
            0 => in_paused_time(script).build(),
            _ => in_paused_time(Impatient(sets.get().unwrap().clone())).build(),
        };
        async move { Ok(made) }
    });
    let set = set.exchanges(1).build();
    holder.set(set.clone()).unwrap();
    let got = set.get(&1).await.unwrap().credentials().await.unwrap();
    assert_eq!(got.access_token(), "without");
    // Its place is free for others.
    assert_eq!(set.get(&0).await.unwrap().credentials().await.unwrap().access_token(), "at-0");
}

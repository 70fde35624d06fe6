//! `peek` looks at what is held. `changed` waits for other credentials (R73).

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use reauth::store::MemoryStore;
use reauth::{Authenticator, Credentials, Error};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::clock::{StillClock, in_paused_time};
use crate::support::source::{Respond, Script, credentials};
use crate::tower_layer::api::{holding_first, nth};

fn held(auth: &Authenticator) -> Option<String> {
    auth.peek().map(|held| held.access_token().to_owned())
}

/// Returns what `changed` resolves to, or `None` while it waits.
fn changed_at_once(auth: &Authenticator, used: &Credentials) -> Option<Option<String>> {
    match pin!(auth.changed(used)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(next) => Some(next.map(|next| next.access_token().to_owned())),
        Poll::Pending => None,
    }
}

/// Waits for a change while `change` makes one. Nothing comes before it.
async fn changed_by(
    auth: &Authenticator,
    used: &Credentials,
    change: impl Future<Output = ()>,
) -> Option<String> {
    let mut changed = pin!(auth.changed(used));
    assert!(changed.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    change.await;
    let next = timeout(Duration::from_secs(60), changed).await.expect("it is woken");
    next.map(|next| next.access_token().to_owned())
}

#[tokio::test(start_paused = true)]
async fn r73_peek_shows_what_is_held_and_starts_nothing() {
    let script = Script::new().then_ok(credentials("at-1", Some("rt-1"), Some(60)));
    let clock = StillClock::default();
    let auth = Authenticator::builder(script.clone()).clock(clock.clone()).build();
    assert_eq!(held(&auth), None);
    assert_eq!(script.requests(), 0);
    auth.credentials().await.unwrap();
    assert_eq!(held(&auth).as_deref(), Some("at-1"));
    clock.advance(Duration::from_secs(3600));
    assert_eq!(held(&auth).as_deref(), Some("at-1"), "although it has expired");
    assert_eq!(auth.peek().unwrap().refresh_token(), Some("rt-1"));
    assert_eq!(script.requests(), 1);
    auth.log_out().await.unwrap();
    assert_eq!(held(&auth), None);
}

#[tokio::test(start_paused = true)]
async fn r73_peek_shows_a_rejected_token_too() {
    let script = holding_first();
    let auth = in_paused_time(script.clone()).build();
    let used = auth.credentials().await.unwrap();
    script.push(Respond::Now(Err(Error::login_required("revoked"))));
    script.push(Respond::Now(Err(Error::login_required("revoked"))));
    auth.reject(&used).await.unwrap_err();
    assert_eq!(held(&auth).as_deref(), Some("at-1"));
    assert_eq!(changed_at_once(&auth, &used), None, "there is no other one");
}

#[tokio::test(start_paused = true)]
async fn r73_each_cause_of_a_change_ends_the_wait() {
    let auth = in_paused_time(holding_first().then_ok(nth(2)).then_ok(nth(4))).build();
    let used = auth.credentials().await.unwrap();

    let next = changed_by(&auth, &used, async { drop(auth.refresh().await.unwrap()) }).await;
    assert_eq!(next.as_deref(), Some("at-2"), "a refresh");

    let used = auth.peek().unwrap();
    let next = changed_by(&auth, &used, async { auth.set_credentials(nth(3)).await.unwrap() }).await;
    assert_eq!(next.as_deref(), Some("at-3"), "credentials that the program sets");

    let used = auth.peek().unwrap();
    let next = changed_by(&auth, &used, async { auth.log_out().await.unwrap() }).await;
    assert_eq!(next, None, "a log-out");
    assert_eq!(changed_at_once(&auth, &used), Some(None), "and nothing is held since");

    auth.credentials().await.unwrap();
    assert_eq!(changed_at_once(&auth, &used), Some(Some("at-4".into())), "a log-in");
}

#[tokio::test(start_paused = true)]
async fn r73_what_another_process_has_stored_ends_the_wait() {
    let (store, script) = (MemoryStore::new(), holding_first().without_login());
    let auth = in_paused_time(script).store(store.clone()).build();
    let used = auth.credentials().await.unwrap();
    let other = in_paused_time(Script::new()).store(store).build();
    let elsewhere = async {
        other.set_credentials(nth(2)).await.unwrap();
        auth.reject(&used).await.unwrap();
    };
    assert_eq!(changed_by(&auth, &used, elsewhere).await.as_deref(), Some("at-2"));
}

#[tokio::test(start_paused = true)]
async fn r73_the_same_token_of_a_later_log_in_is_another_one() {
    let auth = in_paused_time(holding_first()).build();
    let used = auth.credentials().await.unwrap();
    auth.log_out().await.unwrap();
    auth.set_credentials(nth(1)).await.unwrap();
    assert_eq!(changed_at_once(&auth, &used), Some(Some("at-1".into())));
    // Credentials that no authenticator has handed out belong to no log-in.
    assert_eq!(changed_at_once(&auth, &nth(1)), None);
}

/// Counts how often a waiter is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn r73_what_changes_nothing_wakes_nobody() {
    let script = holding_first();
    let auth = in_paused_time(script.clone()).build();
    let used = auth.credentials().await.unwrap();
    let count = Arc::new(Count::default());
    let waker = count.clone().into();
    let mut changed = pin!(auth.changed(&used));
    let mut poll = || changed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending();
    assert!(poll());
    // Calls that find a good token, a failed refresh, a rejection whose renewal fails, a look.
    auth.credentials().await.unwrap();
    script.push(Respond::Now(Err(Error::misconfigured("the secret is wrong"))));
    auth.refresh().await.unwrap_err();
    tokio::time::advance(Duration::from_secs(60)).await;
    script.push(Respond::Now(Err(Error::misconfigured("the secret is wrong"))));
    auth.reject(&used).await.unwrap_err();
    auth.peek().unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    assert!(poll());
    auth.set_credentials(nth(2)).await.unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert!(!poll());
}

#[tokio::test(start_paused = true)]
async fn r73_a_provider_that_issues_the_same_token_again_ends_no_wait() {
    let auth = in_paused_time(holding_first().then_ok(nth(1))).build();
    let used = auth.credentials().await.unwrap();
    auth.refresh().await.unwrap();
    assert_eq!(changed_at_once(&auth, &used), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r73_many_waiters_miss_no_change() {
    const LAST: usize = 300;
    let auth = Authenticator::new(nth(1));
    let mut waiters = JoinSet::new();
    for _ in 0..50 {
        let auth = auth.clone();
        waiters.spawn(async move {
            let mut used = auth.credentials().await.unwrap();
            while used.access_token() != format!("at-{LAST}") {
                used = auth.changed(&used).await.expect("nobody logs out");
            }
        });
    }
    for n in 2..=LAST {
        auth.set_credentials(nth(n)).await.unwrap();
        if n % 3 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let all = async { while waiters.join_next().await.is_some_and(|waiter| waiter.is_ok()) {} };
    timeout(Duration::from_secs(60), all).await.expect("each waiter sees the last change");
    assert!(waiters.is_empty());
}

/// The first waiter of an authenticator comes at the same time as the change: it sees what is held, or is woken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r73_the_first_waiter_misses_no_change() {
    for _ in 0..500 {
        let auth = Authenticator::new(nth(1));
        let used = auth.credentials().await.unwrap();
        let waiter = tokio::spawn({
            let auth = auth.clone();
            async move { auth.changed(&used).await }
        });
        auth.set_credentials(nth(2)).await.unwrap();
        let next = timeout(Duration::from_secs(60), waiter).await.expect("it is woken").unwrap();
        assert_eq!(next.unwrap().access_token(), "at-2");
    }
}

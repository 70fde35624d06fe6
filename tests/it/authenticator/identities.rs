//! Credentials of different identities never meet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reauth::store::MemoryStore;
use reauth::{Authenticator, CredentialSource, Credentials, Error};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::advance;

use super::{exact, seconds, token, waiting};
use crate::support::source::{Script, credentials};

/// One user of a provider that many share: its tokens name the user, and only its own refresh tokens are good.
struct User {
    name: String,
    provider: Arc<AtomicU64>,
}

impl User {
    fn issue(&self) -> Credentials {
        let number = self.provider.fetch_add(1, Ordering::Relaxed);
        let (access, refresh) = (format!("{}.at.{number}", self.name), format!("{}.rt.{number}", self.name));
        credentials(&access, Some(&refresh), Some(300))
    }
}

impl CredentialSource for User {
    async fn login(&self) -> Result<Credentials, Error> {
        tokio::task::yield_now().await;
        Ok(self.issue())
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        tokio::task::yield_now().await;
        let own = format!("{}.rt.", self.name);
        assert!(held.refresh_token().unwrap().starts_with(&own), "a refresh token of somebody else");
        Ok(self.issue())
    }
}

#[tokio::test(start_paused = true)]
async fn f11_two_identities_in_parallel_have_a_flight_each_and_get_their_own() {
    let (a, b) = (Script::new(), Script::new());
    let (login_a, login_b) = (a.then_when(), b.then_when());
    let (auth_a, auth_b) = (exact(a.clone()), exact(b.clone()));
    let (caller_a, caller_b) = (waiting(&auth_a).await, waiting(&auth_b).await);
    // The responses come in the other order.
    login_b.send(Ok(credentials("b", None, Some(300)))).unwrap();
    assert_eq!(caller_b.await.unwrap().unwrap().access_token(), "b");
    login_a.send(Ok(credentials("a", None, Some(300)))).unwrap();
    assert_eq!(caller_a.await.unwrap().unwrap().access_token(), "a");
    assert_eq!((a.requests(), b.requests()), (1, 1));
    assert_eq!((token(&auth_a).await.unwrap(), token(&auth_b).await.unwrap()), ("a".into(), "b".into()));
}

#[tokio::test(start_paused = true)]
async fn r44_a_log_out_of_one_identity_leaves_the_other_alone() {
    let (a, b) = (exact(credentials("a", None, None)), exact(credentials("b", None, None)));
    a.log_out().await.unwrap();
    token(&a).await.unwrap_err();
    assert_eq!(token(&b).await.unwrap(), "b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f47_randomised_identities_in_parallel_each_get_their_own() {
    const USERS: usize = 60;
    let mut dice = fastrand::Rng::with_seed(0x5eed);
    let provider = Arc::new(AtomicU64::new(0));
    let users: Vec<_> = (0..USERS)
        .map(|n| {
            // Names that are almost the same, and names that begin with another name.
            let name = format!("u{}-{n}", "x".repeat(dice.usize(0..4)));
            let source = User { name: name.clone(), provider: provider.clone() };
            let auth = Authenticator::builder(source).store(MemoryStore::new()).build();
            (name, auth)
        })
        .collect();
    let tasks = 300;
    let barrier = Arc::new(Barrier::new(tasks));
    let mut callers = JoinSet::new();
    for _ in 0..tasks {
        let (users, barrier, mut dice) = (users.clone(), barrier.clone(), dice.fork());
        callers.spawn(async move {
            barrier.wait().await;
            for _ in 0..100 {
                let (name, auth) = &users[dice.usize(0..USERS)];
                let got = match dice.u8(0..10) {
                    0 => auth.refresh().await,
                    1 => auth.reject(&auth.credentials().await.unwrap()).await,
                    _ => auth.credentials().await,
                };
                // A rejection too soon after the last one gets an error, not a token.
                if let Ok(got) = got {
                    assert!(got.access_token().starts_with(&format!("{name}.at.")), "{name} got another's");
                    assert!(got.refresh_token().unwrap().starts_with(&format!("{name}.rt.")));
                }
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn r44_one_source_type_with_different_settings_shares_nothing() {
    let provider = Arc::new(AtomicU64::new(0));
    let user = |name: &str| exact(User { name: name.to_owned(), provider: provider.clone() });
    let (ada, bob) = (user("ada"), user("bob"));
    for _ in 0..5 {
        assert!(token(&ada).await.unwrap().starts_with("ada."));
        assert!(token(&bob).await.unwrap().starts_with("bob."));
        advance(seconds(300)).await;
    }
}

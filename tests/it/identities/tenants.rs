//! Ten thousand tenants at once. The server checks whose token each request carries.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use reauth::per_request::WithAuthenticator;
use reauth::store::MemoryStore;
use reauth::{AuthLayer, Authenticator, CredentialSource, Credentials, Error, Identities, Origins};
use tokio::task::JoinSet;
use tower::{Layer, ServiceExt, service_fn};

const TENANTS: usize = 10_000;

/// Single-use refresh tokens. A spent one ends the test.
#[derive(Default)]
struct Provider {
    /// The refresh token of each tenant that is good now.
    good: Mutex<HashMap<usize, String>>,
    issued: AtomicUsize,
    log_ins: AtomicUsize,
}

impl Provider {
    fn issue(&self, tenant: usize) -> Result<Credentials, Error> {
        let number = self.issued.fetch_add(1, Ordering::SeqCst);
        let refresh = format!("rt-{tenant}-{number}");
        self.good.lock().unwrap().insert(tenant, refresh.clone());
        let issued = Credentials::new(format!("at-{tenant}-{number}"))?.with_refresh_token(refresh)?;
        Ok(issued.with_lifetime(Duration::from_secs(300)))
    }
}

struct Tenant {
    number: usize,
    provider: Arc<Provider>,
}

impl CredentialSource for Tenant {
    async fn login(&self) -> Result<Credentials, Error> {
        tokio::task::yield_now().await;
        self.provider.log_ins.fetch_add(1, Ordering::SeqCst);
        self.provider.issue(self.number)
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        tokio::task::yield_now().await;
        let good = self.provider.good.lock().unwrap().get(&self.number).cloned();
        if held.refresh_token() != good.as_deref() {
            return Err(Error::misconfigured("a refresh token was spent twice, or is another tenant's"));
        }
        self.provider.issue(self.number)
    }
}

/// The tenant whose token a request carries.
fn tenant_of<B>(request: &Request<B>) -> usize {
    let header = request.headers()["authorization"].to_str().unwrap();
    header.strip_prefix("Bearer at-").unwrap().split('-').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f47_ten_thousand_tenants_at_once_each_send_their_own_token() {
    let mut dice = fastrand::Rng::with_seed(0x7e4a);
    let provider = Arc::new(Provider::default());
    // They outlive what is evicted.
    let stores: Arc<Vec<MemoryStore>> = Arc::new((0..TENANTS).map(|_| MemoryStore::new()).collect());
    let made = Arc::new(AtomicUsize::new(0));
    let set = Identities::builder({
        let (provider, stores, made) = (provider.clone(), stores.clone(), made.clone());
        move |number: usize| {
            made.fetch_add(1, Ordering::SeqCst);
            let tenant = Tenant { number, provider: provider.clone() };
            let made = Authenticator::builder(tenant).store(stores[number].clone()).build();
            async move {
                tokio::task::yield_now().await;
                Ok(made)
            }
        }
    });
    let set = set.capacity(TENANTS / 3).build();

    let checked = Arc::new(AtomicUsize::new(0));
    let server = service_fn({
        let checked = checked.clone();
        move |request: Request<String>| {
            let asked: usize = request.uri().path()[1..].parse().unwrap();
            assert_eq!(tenant_of(&request), asked, "the token of another tenant");
            let number = checked.fetch_add(1, Ordering::SeqCst);
            let status = if number % 50 == 7 { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
            async move { Ok::<_, Infallible>(Response::builder().status(status).body(String::new()).unwrap()) }
        }
    });
    let api = AuthLayer::per_request(Origins::new("https://api.example.com").unwrap()).layer(server);

    let mut callers = JoinSet::new();
    for caller in 0..100 {
        let (set, api, mut dice) = (set.clone(), api.clone(), dice.fork());
        callers.spawn(async move {
            // Each tenant is asked for at least once, and some of them often.
            for own in 0..TENANTS / 100 {
                for tenant in [caller * (TENANTS / 100) + own, dice.usize(0..TENANTS), dice.usize(0..100)] {
                    let authenticator = set.get(&tenant).await.unwrap();
                    if dice.u8(0..20) == 0 {
                        let _ = authenticator.refresh().await.unwrap();
                    }
                    let request = Request::get(format!("https://api.example.com/{tenant}"))
                        .extension(WithAuthenticator(authenticator))
                        .body(String::new())
                        .unwrap();
                    api.clone().oneshot(request).await.unwrap();
                }
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
    assert!(checked.load(Ordering::SeqCst) >= 3 * TENANTS);
    assert!(made.load(Ordering::SeqCst) > TENANTS, "nothing was evicted and made again");
    assert_eq!(provider.log_ins.load(Ordering::SeqCst), TENANTS, "who was evicted goes on from the store");
    assert!(set.len() <= TENANTS / 2, "{}", set.len());
}

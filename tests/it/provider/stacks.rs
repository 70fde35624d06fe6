//! reqwest, hyper-util and a tower stack, many tasks each, on one authenticator.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use reauth::{AuthLayer, Authenticator};
use tokio::task::JoinSet;
use tower::{Layer, ServiceBuilder, ServiceExt};

use super::*;
use crate::support::proxy::{Fault, Proxy};

const TASKS_OF_A_STACK: usize = 8;

/// R5: three adapters, many callers, four expiries. Every response is a 200; the password and each refresh token are sent
/// once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r05_three_stacks_go_through_expiries_on_one_authenticator() {
    let idp = Idp::spawn(Knobs { access_ttl: 2, ..Knobs::default() }).await;
    let traffic = Traffic::start(&idp.base_url, &idp.echo_url, &auth(password(&idp, &idp.user)));

    until("four refreshes", async || idp.count("token.refresh_token.200").await >= 4).await;
    traffic.stop().await;

    let stats = idp.stats().await;
    assert_eq!(stats["token.password.200"], 1);
    assert_eq!(stats["token.total"], 1 + stats["token.refresh_token.200"], "none failed");
    assert!(idp.reused_refresh_tokens().is_empty());
}

/// R24: amid the traffic, the API rejects all tokens. Each 401 is judged by the token that its request carried: one
/// refresh is enough for all of them, and no caller sees a 401.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r24_a_revocation_midway_costs_one_refresh_and_no_caller_sees_it() {
    let idp = Idp::spawn(Knobs::default()).await;
    // Calls of the API are delayed, so that some 401s arrive long after the token was replaced.
    let proxy = Proxy::start(&idp.base_url).await;
    proxy.set(|_| Fault::Delay(Duration::from_millis(fastrand::u64(..300))));
    let api = proxy.rewrite(&idp.echo_url);
    let traffic = Traffic::start(&proxy.url(), &api, &auth(password(&idp, &idp.user)));

    until("traffic", async || traffic.calls() >= 100).await;
    assert_eq!(idp.revoke_access_tokens().await, 1);
    let before = traffic.calls();
    until("traffic after it", async || traffic.calls() >= before + 200).await;
    traffic.stop().await;

    let stats = idp.stats().await;
    assert!(stats["echo.401"] >= 1);
    assert_eq!((stats["token.password.200"], stats["token.refresh_token.200"]), (1, 1));
    assert_eq!(stats["token.total"], 2);
}

/// Calls that go on until they are stopped. Each has to return a 200.
struct Traffic {
    tasks: JoinSet<()>,
    calls: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Traffic {
    fn start(origin: &str, url: &str, auth: &Authenticator) -> Self {
        let mut traffic = Self { tasks: JoinSet::new(), calls: Arc::default(), stop: Arc::default() };
        for stack in [reqwest_stack, hyper_stack, tower_stack] {
            let call = stack(origin, url, auth);
            for _ in 0..TASKS_OF_A_STACK {
                let (call, calls, stop) = (call.clone(), traffic.calls.clone(), traffic.stop.clone());
                traffic.tasks.spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        assert_eq!(call().await, 200);
                        calls.fetch_add(1, Ordering::Relaxed);
                        // Without a pause, 24 callers would test the provider and not the client.
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                });
            }
        }
        traffic
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Stops the calls. Panics if one of the tasks did.
    async fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(task) = self.tasks.join_next().await {
            task.unwrap();
        }
        assert!(self.calls() > 0);
    }
}

/// One call of the API: its status.
type Call = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = u16> + Send>> + Send + Sync>;

fn reqwest_stack(origin: &str, url: &str, auth: &Authenticator) -> Call {
    let Api { http, url } = Api::at(origin, url, auth);
    Arc::new(move || {
        let call = http.get(&url);
        Box::pin(async move { call.send().await.unwrap().status().as_u16() })
    })
}

fn hyper_stack(origin: &str, url: &str, auth: &Authenticator) -> Call {
    let api = AuthLayer::for_origin(origin, auth.clone()).unwrap().layer(hyper());
    let url = url.to_owned();
    Arc::new(move || {
        let (api, request) = (api.clone(), request(&url));
        Box::pin(async move { status(api.oneshot(request).await.unwrap()).await })
    })
}

fn tower_stack(origin: &str, url: &str, auth: &Authenticator) -> Call {
    // The limit is below the number of tasks: a replay finds the service unready, and waits its turn.
    let api = ServiceBuilder::new()
        .buffer(TASKS_OF_A_STACK)
        .timeout(Duration::from_secs(60))
        .layer(AuthLayer::for_origin(origin, auth.clone()).unwrap())
        .concurrency_limit(TASKS_OF_A_STACK / 2)
        .service(hyper());
    let url = url.to_owned();
    Arc::new(move || {
        let (api, request) = (api.clone(), request(&url));
        Box::pin(async move { status(api.oneshot(request).await.unwrap()).await })
    })
}

fn hyper() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

fn request(url: &str) -> Request<Full<Bytes>> {
    Request::post(url).body(Full::from("a body that can be sent twice")).unwrap()
}

async fn status(response: Response<Incoming>) -> u16 {
    let (head, body) = response.into_parts();
    body.collect().await.unwrap();
    head.status.as_u16()
}

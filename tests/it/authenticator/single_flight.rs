//! One token request is in the air, however many callers, clones and adapters share an authenticator.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;

use http::{Request, Response, header::AUTHORIZATION};
use reauth::{AuthLayer, AuthMiddleware, Authenticator};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::advance;
use tower::{Layer, ServiceExt, service_fn};

use super::family::Family;
use super::{Recorder, at_once, exact, seconds, token, until, waiting};
use crate::support::source::{Script, credentials};

const CALLERS: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f01_ten_thousand_callers_make_one_token_request() {
    let script = Script::new();
    let login = script.then_when();
    let recorder = Recorder::default();
    let auth = Authenticator::builder(script.clone()).observer(recorder.observer()).build();
    let (start, all_wait) = (Arc::new(Barrier::new(CALLERS)), Arc::new(Barrier::new(CALLERS + 1)));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (auth, start, all_wait) = (auth.clone(), start.clone(), all_wait.clone());
        callers.spawn(async move {
            let mut call = pin!(auth.credentials());
            start.wait().await;
            assert!(at_once(call.as_mut()).await.is_none());
            all_wait.wait().await;
            call.await.unwrap().access_token().to_owned()
        });
    }
    all_wait.wait().await;
    login.send(Ok(credentials("at-1", None, Some(300)))).unwrap();
    let got = callers.join_all().await;
    assert!(got.iter().all(|token| token == "at-1"));
    assert_eq!(script.requests(), 1);
    let landed = recorder.take().pop().unwrap();
    assert!(landed.ends_with("for 10000"), "all of them waited for the one flight: {landed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f01_ten_thousand_callers_at_expiry_make_one_token_request() {
    let script = Script::new();
    let refresh = script.then_when();
    // The source was built with a refresh token and an expired access token.
    let expired = credentials("at-1", Some("rt-1"), None).with_expires_at(std::time::SystemTime::UNIX_EPOCH);
    let auth = Authenticator::new(script.clone().holding(expired));
    let (start, all_wait) = (Arc::new(Barrier::new(CALLERS)), Arc::new(Barrier::new(CALLERS + 1)));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (auth, start, all_wait) = (auth.clone(), start.clone(), all_wait.clone());
        callers.spawn(async move {
            let mut call = pin!(auth.credentials());
            start.wait().await;
            assert!(at_once(call.as_mut()).await.is_none());
            all_wait.wait().await;
            call.await.unwrap().access_token().to_owned()
        });
    }
    all_wait.wait().await;
    refresh.send(Ok(credentials("at-2", Some("rt-2"), Some(300)))).unwrap();
    assert!(callers.join_all().await.iter().all(|token| token == "at-2"));
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r05_every_kind_of_call_joins_the_flight_in_the_air() {
    let script = Script::new().then_ok(credentials("at-1", Some("rt-1"), Some(300)));
    let refresh = script.then_when();
    let auth = exact(script.clone());
    let used = auth.credentials().await.unwrap();
    let (a, b, c) = (auth.clone(), auth.clone(), auth.clone());
    let mut refreshing = pin!(a.refresh());
    assert!(at_once(refreshing.as_mut()).await.is_none());
    let mut rejecting = pin!(b.reject(&used));
    assert!(at_once(rejecting.as_mut()).await.is_none());
    let mut getting = pin!(c.credentials());
    assert!(at_once(getting.as_mut()).await.is_none());
    until(|| script.requests() == 2).await;
    refresh.send(Ok(credentials("at-2", Some("rt-2"), Some(300)))).unwrap();
    assert_eq!(refreshing.await.unwrap().access_token(), "at-2");
    assert_eq!(rejecting.await.unwrap().access_token(), "at-2");
    assert_eq!(getting.await.unwrap().access_token(), "at-2");
    assert_eq!(script.requests(), 2);
}

/// The API, as the last middleware of a chain: it returns the header that it got.
struct Echo;

impl Middleware for Echo {
    fn handle<'middleware, 'extensions, 'next, 'call>(
        &'middleware self,
        request: reqwest::Request,
        _: &'extensions mut http::Extensions,
        _: Next<'next>,
    ) -> Pin<Box<dyn Future<Output = reqwest_middleware::Result<reqwest::Response>> + Send + 'call>>
    where
        'middleware: 'call,
        'extensions: 'call,
        'next: 'call,
        Self: 'call,
    {
        let header = request.headers()[AUTHORIZATION].to_str().unwrap().to_owned();
        Box::pin(async { Ok(Response::new(header).into()) })
    }
}

#[tokio::test(start_paused = true)]
async fn f02_clones_and_both_adapters_together_make_one_token_request() {
    let script = Script::new();
    let login = script.then_when();
    let auth = exact(script.clone());
    let mut callers = Vec::new();
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..20 {
        let layer = AuthLayer::for_origin("https://api.test", auth.clone()).unwrap();
        let tower = layer.layer(service_fn(|request: Request<String>| async move {
            let header = request.headers()[AUTHORIZATION].to_str().unwrap().to_owned();
            Ok::<_, Infallible>(Response::new(header))
        }));
        let begun_ = begun.clone();
        callers.push(tokio::spawn(async move {
            let mut call =
                pin!(tower.oneshot(Request::get("https://api.test/").body(String::new()).unwrap()));
            assert!(at_once(call.as_mut()).await.is_none());
            begun_.send(()).unwrap();
            call.await.unwrap().into_body()
        }));

        let client = ClientBuilder::new(reqwest::Client::new())
            .with(AuthMiddleware::for_origin("https://api.test", auth.clone()).unwrap())
            .with(Echo)
            .build();
        let begun_ = begun.clone();
        callers.push(tokio::spawn(async move {
            let mut call = pin!(client.get("https://api.test/").send());
            assert!(at_once(call.as_mut()).await.is_none());
            begun_.send(()).unwrap();
            call.await.unwrap().text().await.unwrap()
        }));

        let clone = auth.clone();
        let begun_ = begun.clone();
        callers.push(tokio::spawn(async move {
            let mut call = pin!(clone.credentials());
            assert!(at_once(call.as_mut()).await.is_none());
            begun_.send(()).unwrap();
            format!("Bearer {}", call.await.unwrap().access_token())
        }));
    }
    for _ in 0..callers.len() {
        has_begun.recv().await.unwrap();
    }
    login.send(Ok(credentials("at-1", None, Some(300)))).unwrap();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "Bearer at-1");
    }
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r05_two_authenticators_of_one_source_have_a_flight_each() {
    let script =
        Script::new().then_ok(credentials("at-1", None, None)).then_ok(credentials("at-2", None, None));
    let (a, b) = (exact(script.clone()), exact(script.clone()));
    assert_ne!(token(&a).await.unwrap(), token(&b).await.unwrap());
    assert_eq!(script.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn f04_single_use_refresh_tokens_survive_a_hundred_callers_and_fifty_rotations() {
    let provider = Family::new();
    let auth = exact(provider.clone());
    token(&auth).await.unwrap();
    for rotation in 1..=50 {
        // Alternately: expired, rejected by every caller at once, and refreshed by every caller at once.
        let used = auth.credentials().await.unwrap();
        if rotation % 3 == 0 {
            advance(seconds(300)).await;
        } else {
            advance(seconds(11)).await;
        }
        let mut callers = JoinSet::new();
        for _ in 0..100 {
            let (auth, used) = (auth.clone(), used.clone());
            callers.spawn(async move {
                let got = match rotation % 3 {
                    0 => auth.credentials().await,
                    1 => auth.reject(&used).await,
                    _ => auth.refresh().await,
                };
                got.unwrap().access_token().to_owned()
            });
        }
        let expected = format!("at-1-{rotation}");
        assert!(callers.join_all().await.iter().all(|token| *token == expected));
    }
    assert_eq!((provider.logins(), provider.rotations()), (1, 50), "no log-in but the first");
    assert!(!provider.is_revoked());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f04_the_losers_of_a_race_do_not_spend_the_winners_refresh_token() {
    let provider = Family::new();
    let auth = Authenticator::new(provider.clone());
    let barrier = Arc::new(Barrier::new(100));
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let (auth, barrier) = (auth.clone(), barrier.clone());
        callers.spawn(async move {
            for _ in 0..50 {
                barrier.wait().await;
                auth.refresh().await.unwrap();
            }
        });
    }
    callers.join_all().await;
    assert_eq!(provider.logins(), 1);
    assert!(!provider.is_revoked());
    assert!(provider.rotations() >= 49);
}

#[tokio::test(start_paused = true)]
async fn r05_a_caller_that_comes_while_the_flight_ends_is_served_by_it() {
    let script = Script::new();
    let login = script.then_when();
    let auth = exact(script.clone());
    let first = waiting(&auth).await;
    until(|| script.requests() == 1).await;
    login.send(Ok(credentials("at-1", None, Some(300)))).unwrap();
    // The response is there, and the flight has not been polled since.
    let mut second = pin!(auth.credentials());
    assert!(at_once(second.as_mut()).await.is_none());
    assert_eq!(second.await.unwrap().access_token(), "at-1");
    assert_eq!(first.await.unwrap().unwrap().access_token(), "at-1");
    assert_eq!(script.requests(), 1);
}

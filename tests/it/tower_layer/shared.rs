//! Many callers of one authenticator: which of them wait, and how many token requests there are.

use std::sync::Arc;

use http::StatusCode;
use reauth::{AuthLayer, AuthMiddleware, Authenticator};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tower::Layer;

use super::api::{Api, ORIGIN, get, holding_first, idle, layer, nth, send};
use crate::reqwest_middleware::in_memory;
use crate::support::source::{Asked, Script};

#[tokio::test(start_paused = true)]
async fn f10_no_request_goes_out_with_a_token_known_to_be_bad() {
    let script = holding_first();
    let refresh = script.then_when();
    let (layer, _auth) = layer(&script);
    let api = Api::taking(&["at-2"]);
    let service = layer.layer(api.clone());
    let mut calls = JoinSet::new();
    let call = |path: String| {
        let service = service.clone();
        async move { send(&service, get(&path)).await.unwrap() }
    };
    calls.spawn(call("/rejected".to_owned()));
    idle().await;
    assert_eq!(api.tokens(), ["at-1"]);
    for n in 0..50 {
        calls.spawn(call(format!("/{n}")));
    }
    idle().await;
    assert_eq!(api.tokens(), ["at-1"], "a request reached the API while the refresh was under way");
    refresh.send(Ok(nth(2))).ok().unwrap();
    for response in calls.join_all().await {
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!(api.tokens()[1..], ["at-2"; 51]);
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r25_nor_while_the_failed_refresh_is_retried() {
    let script = holding_first().then_err(reauth::Error::transient("503").not_processed());
    let refresh = script.then_when();
    let (layer, _auth) = layer(&script);
    let api = Api::taking(&["at-2"]);
    let service = layer.layer(api.clone());
    let mut calls = JoinSet::new();
    for n in 0..50 {
        let service = service.clone();
        calls.spawn(async move { send(&service, get(&format!("/{n}"))).await.unwrap() });
        if n == 0 {
            idle().await;
        }
    }
    // After the wait between the two attempts, the second is under way.
    tokio::time::sleep(reauth::Timing::RETRY_MAX).await;
    assert_eq!((api.tokens(), script.requests()), (vec!["at-1".to_owned()], 2));
    refresh.send(Ok(nth(2))).ok().unwrap();
    assert!(calls.join_all().await.iter().all(|response| response.status() == StatusCode::OK));
    assert_eq!(api.tokens()[1..], ["at-2"; 50]);
}

/// The token that a caller got, or that its request was sent with.
async fn token_by(way: usize, auth: Authenticator, api: Api) -> String {
    match way % 3 {
        0 => auth.credentials().await.unwrap().access_token().to_owned(),
        1 => {
            let layer = AuthLayer::for_origin(ORIGIN, auth).unwrap();
            send(&layer.layer(api), get("/tower")).await.unwrap().into_body()
        }
        _ => {
            let client = in_memory::client(AuthMiddleware::for_origin(ORIGIN, auth).unwrap(), api);
            client.get(format!("{ORIGIN}/reqwest")).send().await.unwrap().text().await.unwrap()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f02_clones_and_both_adapters_share_one_flight() {
    const CALLERS: usize = 300;
    let script = Script::new().then_ok(nth(1));
    let auth = Authenticator::new(script.clone());
    let api = Api::taking(&["at-1"]);
    let barrier = Arc::new(Barrier::new(CALLERS));
    let mut calls = JoinSet::new();
    for way in 0..CALLERS {
        // Each caller builds an adapter: only the authenticator is shared.
        let (auth, api, barrier) = (auth.clone(), api.clone(), barrier.clone());
        calls.spawn(async move {
            barrier.wait().await;
            token_by(way, auth, api).await
        });
    }
    assert!(calls.join_all().await.iter().all(|token| token == "at-1"));
    assert_eq!(api.seen().len(), CALLERS / 3 * 2);
    assert_eq!(script.asked(), [Asked::Login]);
}

#[tokio::test(start_paused = true)]
async fn f02_a_rejection_seen_by_one_adapter_counts_for_the_other() {
    let script = holding_first().then_ok(nth(2));
    let auth = Authenticator::new(script.clone());
    let api = Api::taking(&["at-2"]);
    let tower = AuthLayer::for_origin(ORIGIN, auth.clone()).unwrap().layer(api.clone());
    let reqwest = in_memory::client(AuthMiddleware::for_origin(ORIGIN, auth).unwrap(), api.clone());
    let first = reqwest.get(format!("{ORIGIN}/reqwest")).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(send(&tower, get("/tower")).await.unwrap().status(), StatusCode::OK);
    assert_eq!(api.tokens(), ["at-1", "at-2", "at-2"]);
    assert_eq!(script.requests(), 1);
}

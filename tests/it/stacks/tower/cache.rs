//! A cache outside of the layer, where the page on stacks allows it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use http::{Request, Response, StatusCode};
use reauth::AuthLayer;
use tower::{Layer, ServiceExt};

use crate::support::source::Script;
use crate::tower_layer::api::{Api, ORIGIN, authenticator, get, nth};

type Kept = Arc<Mutex<HashMap<String, String>>>;

/// Keeps each response of the API under the key of the request. Returns the body.
async fn cached(kept: &Kept, key: &str, layer: &AuthLayer, api: &Api, request: Request<String>) -> String {
    if let Some(body) = kept.lock().unwrap().get(key) {
        return body.clone();
    }
    let body = layer.layer(api.clone()).oneshot(request).await.unwrap().into_body();
    kept.lock().unwrap().insert(key.to_owned(), body.clone());
    body
}

/// Says whose token the request had.
fn api() -> Api {
    Api::new(|seen| {
        let body = format!("for {}", seen.token().unwrap_or("nobody"));
        Ok(Response::builder().status(StatusCode::OK).body(body).unwrap())
    })
}

#[tokio::test(start_paused = true)]
async fn f131_a_cache_with_the_identity_in_its_key_gives_nobody_the_response_of_another() {
    let (api, kept) = (api(), Kept::default());
    let layers: Vec<_> = [1, 2]
        .map(|user| AuthLayer::for_origin(ORIGIN, authenticator(&Script::new().holding(nth(user)))).unwrap())
        .into();
    for _ in 0..3 {
        for (user, layer) in layers.iter().enumerate() {
            let key = format!("user {user} /orders");
            let body = cached(&kept, &key, layer, &api, get("/orders")).await;
            assert_eq!(body, format!("for at-{}", user + 1));
        }
    }
    assert_eq!(api.tokens(), ["at-1", "at-2"], "the cache is of use");
}

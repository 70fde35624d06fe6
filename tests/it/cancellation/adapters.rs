//! A request through each of the adapters, dropped.

use reauth::AuthMiddleware;
use tower::Layer;

use super::drops::{Call, Company, EACH_COMPANY, drop_everywhere, drop_waiters_at_every_await};
use super::world::{EXPIRED, FRESH, World};
use crate::reqwest_middleware::in_memory;
use crate::tower_layer::api::{ORIGIN, get, send};

fn tower(world: &World) -> Call {
    let call = send(&world.layer().layer(world.api.clone()), get("/x"));
    Box::pin(async move { call.await.unwrap().into_body() })
}

fn reqwest(world: &World) -> Call {
    let middleware = AuthMiddleware::for_origin(ORIGIN, world.auth.clone()).unwrap();
    let client = in_memory::client(middleware, world.api.clone());
    Box::pin(async move { client.get(format!("{ORIGIN}/x")).send().await.unwrap().text().await.unwrap() })
}

/// A fresh token is sent and rejected. For an expired one the request waits.
#[tokio::test(start_paused = true)]
async fn r06_f06_a_tower_request_dropped_at_every_await() {
    for start in FRESH.into_iter().chain(EXPIRED) {
        for company in EACH_COMPANY {
            drop_everywhere(start, company, tower).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r06_f06_a_reqwest_request_dropped_at_every_await() {
    for start in FRESH.into_iter().chain(EXPIRED) {
        for company in EACH_COMPANY {
            drop_everywhere(start, company, reqwest).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f07_a_leading_request_dropped_at_every_await_and_a_hundred_followers() {
    drop_everywhere(FRESH[1], Company::Followers(100), tower).await;
    drop_everywhere(FRESH[1], Company::Followers(100), reqwest).await;
}

#[tokio::test(start_paused = true)]
async fn f08_requests_dropped_at_every_await_at_once() {
    for start in FRESH.into_iter().chain(EXPIRED) {
        drop_waiters_at_every_await(start, tower).await;
        drop_waiters_at_every_await(start, reqwest).await;
    }
}

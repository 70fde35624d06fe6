//! `credentials`, `reject` and `refresh` of an authenticator, dropped.

use super::drops::{Call, Company, EACH_COMPANY, drop_everywhere, drop_waiters_at_every_await};
use super::world::{ABOUT_TO_EXPIRE, EXPIRED, FRESH, World};
use crate::tower_layer::api::nth;

fn credentials(world: &World) -> Call {
    let auth = world.auth.clone();
    Box::pin(async move { auth.credentials().await.unwrap().access_token().to_owned() })
}

fn reject(world: &World) -> Call {
    let auth = world.auth.clone();
    Box::pin(async move { auth.reject(&nth(1)).await.unwrap().access_token().to_owned() })
}

fn refresh(world: &World) -> Call {
    let auth = world.auth.clone();
    Box::pin(async move { auth.refresh().await.unwrap().access_token().to_owned() })
}

#[tokio::test(start_paused = true)]
async fn r06_f06_credentials_dropped_at_every_await() {
    for start in EXPIRED.into_iter().chain(ABOUT_TO_EXPIRE) {
        for company in EACH_COMPANY {
            drop_everywhere(start, company, credentials).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r06_f06_reject_dropped_at_every_await() {
    for start in FRESH {
        for company in EACH_COMPANY {
            drop_everywhere(start, company, reject).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r06_f06_refresh_dropped_at_every_await() {
    for start in FRESH.into_iter().chain(EXPIRED) {
        for company in EACH_COMPANY {
            drop_everywhere(start, company, refresh).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f07_a_leader_dropped_at_every_await_and_a_hundred_followers() {
    drop_everywhere(EXPIRED[1], Company::Followers(100), credentials).await;
}

#[tokio::test(start_paused = true)]
async fn f08_waiters_dropped_at_every_await_at_once() {
    for start in EXPIRED {
        drop_waiters_at_every_await(start, credentials).await;
    }
    for start in FRESH {
        drop_waiters_at_every_await(start, reject).await;
        drop_waiters_at_every_await(start, refresh).await;
    }
}

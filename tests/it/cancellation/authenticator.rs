//! `credentials`, `reject` and `refresh` of an authenticator, dropped.

use tokio::task::JoinSet;

use super::drops::{
    Call, Company, EACH_COMPANY, Subject, drop_beside, drop_everywhere, drop_waiters_at_every_await,
    poll_times,
};
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
    // A second `refresh` would make a request of its own, because that of the first may have left before it.
    for (starts, other) in [(FRESH, reject as Subject), (EXPIRED, credentials)] {
        for start in starts {
            for company in [Company::Nobody, Company::Followers(5)] {
                drop_beside(start, company, refresh, other).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r06_refreshes_dropped_at_every_await_share_two_requests() {
    for start in FRESH {
        let world = World::new(start).await;
        let survivor = tokio::spawn(refresh(&world));
        let mut waiters = JoinSet::new();
        for polls in 0..40 {
            let mut call = refresh(&world);
            waiters.spawn(async move { poll_times(&mut call, polls, || {}).await });
        }
        assert_eq!(survivor.await.unwrap(), "at-2");
        waiters.join_all().await;
        world.auth.refresh().await.unwrap();
        let spent = world.ledger().spent.clone();
        assert!(spent.len() <= 3 && spent[..2] == ["rt-1", "rt-2"], "{spent:?}");
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
    }
}

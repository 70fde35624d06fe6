//! What a creation knows of the identities around it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reauth::{Authenticator, Credentials, Identities};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::let_others_go_on;

/// The memory of an identity that was removed may be that of a new one.
#[tokio::test(start_paused = true)]
async fn r77_a_creation_that_outlives_its_caller_may_wait_for_new_identities() {
    let (set_of_factory, go_on) = (Arc::new(OnceLock::<Identities<u32>>::new()), Arc::new(Notify::new()));
    let (holder, gate) = (set_of_factory.clone(), go_on.clone());
    let set = Identities::builder(move |key: u32| {
        let (holder, gate) = (holder.clone(), gate.clone());
        async move {
            let set = holder.get().unwrap();
            match key {
                // The caller of 1 goes on without it.
                0 => drop(timeout(Duration::from_secs(1), set.get(&1)).await.unwrap_err()),
                1 => {
                    gate.notified().await;
                    for key in 2..200 {
                        if let Ok(made) = timeout(Duration::from_millis(1), set.get(&key)).await {
                            made?;
                        }
                    }
                }
                _ => sleep(Duration::from_secs(10)).await,
            }
            Ok(Authenticator::new(Credentials::new("at")?))
        }
    });
    let set = set.build();
    set_of_factory.set(set.clone()).unwrap();
    set.get(&0).await.unwrap();
    set.remove(&0);
    let_others_go_on().await;
    let asking = |key: u32| {
        let set = set.clone();
        tokio::spawn(async move { set.get(&key).await })
    };
    let new: Vec<_> = (2..200).map(asking).collect();
    let_others_go_on().await;
    go_on.notify_one();
    asking(1).await.unwrap().unwrap();
    for made in new {
        made.await.unwrap().unwrap();
    }
}

//! A lease that lapses, is renewed, and is given back by compare.

use std::time::Duration;

use reauth::store::{CredentialStore, GuardError};

use crate::support::{
    Server, entry, entry_by, instead, is_yes, request, store, until, version, waiting, with_intent,
};

const SHORT: Duration = Duration::from_millis(900);

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f60_a_lease_is_renewed_for_as_long_as_the_guard_lives() {
    let server = Server::start();
    let (ours, theirs) = (store(&server).lease(SHORT), store(&server));
    let guard = ours.guard(&waiting(Duration::ZERO)).await.unwrap();
    // Three times its length.
    let result = theirs.guard(&waiting(3 * SHORT)).await;
    assert!(matches!(result, Err(GuardError::Held(_))), "{result:?}");
    assert!(guard.lease_left().unwrap() <= SHORT);
    until("it is certain to have the guard", async || (!guard.lease_left()?.is_zero()).then_some(())).await;
    drop(guard);
    theirs.guard(&waiting(Duration::from_secs(20))).await.unwrap();
}

/// Takes away what the first holder has, as if it had lapsed, and gives the guard to the second one.
async fn overtaken(server: &Server, next: &reauth::store::RedisStore) -> reauth::store::Guard {
    server.tell(&["DEL", &server.key("lease")]);
    next.guard(&waiting(Duration::ZERO)).await.unwrap()
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f61_the_first_holder_does_not_give_back_what_the_second_one_holds() {
    let server = Server::start();
    let [first, second, third] = [store(&server), store(&server), store(&server)];
    let guard = first.guard(&waiting(Duration::ZERO)).await.unwrap();
    let next = overtaken(&server, &second).await;
    let value: String = server.ask(&["GET", &server.key("lease")]);

    let calls = server.calls("evalsha");
    drop(guard);
    until("the first one tried to", async || (server.calls("evalsha") > calls).then_some(())).await;

    assert_eq!(server.ask::<String>(&["GET", &server.key("lease")]), value);
    assert!(matches!(third.guard(&waiting(Duration::ZERO)).await, Err(GuardError::Held(_))));
    drop(next);
    third.guard(&waiting(Duration::from_secs(20))).await.unwrap();
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f61_a_save_by_the_first_holder_leaves_the_guard_with_the_second_one() {
    let server = Server::start();
    let (first, second) = (store(&server), store(&server));
    first.save(&entry(1)).await.unwrap();
    let _guard = first.guard(&request(1, 7)).await.unwrap();
    let _next = overtaken(&server, &second).await;
    assert!(is_yes(&first.replace(Some(&version(1)), &entry(2)).await.unwrap()));
    assert!(server.ask::<bool>(&["EXISTS", &server.key("lease")]));
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r52_a_save_after_the_lease_lapsed_succeeds_exactly_if_nobody_has_written() {
    let server = Server::start();
    let (first, second) = (store(&server), store(&server));
    first.save(&entry(1)).await.unwrap();
    let _guard = first.guard(&request(1, 7)).await.unwrap();
    drop(overtaken(&server, &second).await);
    assert!(is_yes(&first.replace(Some(&version(1)), &entry(2)).await.unwrap()));

    let _guard = first.guard(&request(2, 7)).await.unwrap();
    let _next = overtaken(&server, &second).await;
    assert!(is_yes(&second.replace(Some(&version(2)), &entry_by(3, 9)).await.unwrap()));
    let found = instead(first.replace(Some(&version(2)), &entry(3)).await.unwrap()).unwrap();
    assert_eq!(found.version(), entry_by(3, 9).version());
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f107_a_lapsed_lease_that_nobody_took_goes_on() {
    let server = Server::start();
    let store = store(&server).lease(SHORT);
    store.save(&entry(1)).await.unwrap();
    let guard = store.guard(&request(1, 7)).await.unwrap();
    server.tell(&["DEL", &server.key("lease")]);
    until("it is taken again", async || server.ask::<bool>(&["EXISTS", &server.key("lease")]).then_some(()))
        .await;
    until("it is certain", async || (!guard.lease_left()?.is_zero()).then_some(())).await;
    assert!(is_yes(&store.replace(Some(&version(1)), &entry(2)).await.unwrap()));
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f107_a_lapsed_lease_that_another_has_used_is_lost() {
    let server = Server::start();
    for other in [entry(2), with_intent(&entry(1), 8)] {
        let (first, second) = (store(&server).lease(SHORT), store(&server));
        first.save(&entry(1)).await.unwrap();
        let guard = first.guard(&request(1, 7)).await.unwrap();
        let next = overtaken(&server, &second).await;
        second.save(&other).await.unwrap();
        drop(next);
        until("it is not taken again", async || guard.lease_left()?.is_zero().then_some(())).await;
        until("the other has given it back", async || {
            (!server.ask::<bool>(&["EXISTS", &server.key("lease")])).then_some(())
        })
        .await;
        drop(guard);
    }
}

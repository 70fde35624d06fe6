//! What another process does is seen; what the store does holds nobody up.

use std::time::{Duration, Instant};

use crate::protocol::{Act, Order, Reply, Step};
use crate::support::{Kind, PATIENCE, Stage, together, until};

const ONE: Order = Order::Credentials { callers: 1 };

/// F113: a login ends, which is remembered, until another process logs in.
async fn log_in_elsewhere(stage: Stage) {
    let run = stage.run("log-in-elsewhere");
    let [first, other] = run.workers::<2>().await;
    // The process that has just got the new tokens is killed, so that the old ones are spent.
    let victim = run.worker();
    victim.ask(ONE).await.token();
    victim.arm(Step::BeforeSave, Act::Kill).await;
    drop(victim.ask(Order::Refresh));
    victim.ends().await;
    assert_eq!(first.ask(Order::NewToken).await.failure().kind, "LoginRequired");
    let before = run.ledger().requests();
    assert_eq!(first.ask(ONE).await.failure().kind, "LoginRequired");
    assert_eq!(run.ledger().requests(), before);
    let newer = other.ask(Order::LogIn).await.token();
    assert_eq!(first.ask(ONE).await.token(), newer);
}

/// F58, F59: the provider has committed, and for three seconds nothing is saved.
async fn a_slow_response(stage: Stage) {
    let run = stage.run("slow-response");
    let [first, other] = run.workers::<2>().await;
    first.ask(ONE).await.token();
    first.ask(Order::Expiry).await.done();
    run.hold().await;
    let refreshed = first.ask(ONE);
    until("the provider has committed", async || (run.ledger().refreshes() > 0).then_some(())).await;
    let adopted = other.ask(ONE);
    tokio::time::sleep(Duration::from_secs(3)).await;
    run.release().await;
    assert_eq!(refreshed.await.token(), adopted.await.token());
    assert_eq!(run.ledger().refreshes(), 1);
    run.ledger().assert_clean();
}

/// F114: a call of the API that has its response does not wait for the save of a refresh in the background.
async fn a_slow_save(stage: Stage) {
    let run = stage.run("slow-save");
    let [worker] = run.workers::<1>().await;
    worker.arm(Step::BeforeSave, Act::Hold).await;
    let began = Instant::now();
    let mut calls = 0;
    // The last quarter of the lifetime begins sometime.
    while worker.events("RefreshStarted") == 0 {
        assert!(began.elapsed() < PATIENCE);
        assert!(matches!(worker.ask(Order::Call).await, Reply::Status(200)));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    worker.comes_to(Step::BeforeSave).await;
    for _ in 0..20 {
        assert!(matches!(worker.ask(Order::Call).await, Reply::Status(200)));
        calls += 1;
    }
    assert_eq!((calls, worker.events("RefreshSucceeded")), (20, 0), "the save is still held");
    worker.ask(Order::Go).await.done();
    worker.sees("RefreshSucceeded").await;
    run.ledger().assert_clean();
}

/// R61: a store that hangs under the guard costs a flight its limit. It does not keep the process.
async fn a_store_that_hangs(stage: Stage) {
    let run = stage.run("hangs").deadline(Duration::from_secs(2)).call_limit(Duration::from_millis(500));
    let [worker] = run.workers::<1>().await;
    for step in [Step::BeforeGuard, Step::AfterGuard] {
        worker.arm(step, Act::Hold).await;
        assert_eq!(worker.ask(Order::Refresh).await.failure().kind, "Transient", "{step:?}");
        worker.ask(ONE).await.token();
        until("the next flight may begin", async || {
            matches!(worker.ask(Order::Refresh).await, Reply::Token { .. }).then_some(())
        })
        .await;
    }
    worker.arm(Step::BeforeSave, Act::Hold).await;
    let refresh = worker.ask(Order::Refresh);
    worker.comes_to(Step::BeforeSave).await;
    refresh.await.token();
    worker.arm(Step::BeforeGuard, Act::Hold).await;
    drop(worker.ask(Order::Refresh));
    worker.comes_to(Step::BeforeGuard).await;
    let began = Instant::now();
    worker.ask(Order::End).await.done();
    assert_eq!(worker.ends().await, Some(0));
    println!("{:?}: the process ended {:?} after it was told", stage.kind, began.elapsed());
    // It would be for ever.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    run.ledger().assert_clean();
}

async fn others(kind: Kind) {
    let short = Stage::new(kind, 2).await;
    let middle = Stage::new(kind, 8).await;
    let long = Stage::new(kind, 24).await;
    let cases: [std::pin::Pin<Box<dyn Future<Output = ()>>>; 4] = [
        Box::pin(log_in_elsewhere(short)),
        Box::pin(a_slow_response(middle)),
        Box::pin(a_slow_save(long.clone())),
        Box::pin(a_store_that_hangs(long)),
    ];
    together(cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider; scripts/test runs it"]
async fn f58_f59_f113_f114_processes_on_a_file_see_each_other_and_wait_for_no_store() {
    others(Kind::Files).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn f58_f59_f113_f114_processes_on_redis_see_each_other_and_wait_for_no_store() {
    others(Kind::Redis).await;
}

//! The process that refreshes stands still, at each step, past its lease and past the expiry of the token, and then goes on.

use std::time::Duration;

use crate::protocol::{Order, Step};
use crate::support::{Kind, Run, Stage, Worker, together, until};

/// Where it has the guard.
const UNDER_THE_GUARD: [Step; 4] =
    [Step::AfterGuard, Step::BeforeExchange, Step::AfterExchange, Step::BeforeSave];

const ONE: Order = Order::Credentials { callers: 1 };

/// Has a worker begin something, and stops it at a step of the refresh that this needs.
async fn stop_at(run: &Run, first: &Worker, step: Step, order: Order) {
    if step == Step::AfterExchange {
        // The response arrives while it stands still.
        run.hold().await;
        drop(first.ask(order));
        until("the provider has committed", async || (run.ledger().refreshes() > 0).then_some(())).await;
        first.stops().await;
        run.release().await;
    } else {
        first.stops_at(step, order).await;
    }
}

/// Nobody writes meanwhile: what it brings is saved.
async fn goes_on_past_expiry(stage: Stage, step: Step) {
    // It stands still for longer than all limits of its own.
    let run = stage.run(&format!("stop-{step:?}")).deadline(Duration::from_secs(1));
    let run = run.call_limit(Duration::from_millis(300));
    let [first, other] = run.workers::<2>().await;
    stop_at(&run, &first, step, Order::Refresh).await;
    // The token is used while it is valid, also by who would like another one.
    let error = other.ask(Order::Refresh).await.failure();
    assert_eq!(error.holder.as_ref().map(|holder| holder.0), Some(first.id()), "{error:?}");
    other.ask(Order::Credentials { callers: 5 }).await.token();
    other.ask(Order::Expiry).await.done();
    let error = until("an error names it", async || {
        // The one before may have said that a refresh was too recent.
        let error = other.ask(Order::Credentials { callers: 5 }).await.failure();
        assert_eq!(error.kind, "Transient", "{error:?}");
        error.holder.is_some().then_some(error)
    })
    .await;
    let (id, host) = error.holder.unwrap();
    assert_eq!((id, host.is_empty()), (first.id(), false));
    lapsed(&stage, &run).await;
    assert_eq!(run.ledger().refreshes(), usize::from(step.is_unsaved()), "{step:?}");

    first.goes_on().await;
    other.ask(Order::NewToken).await.token();
    first.ask(Order::NewToken).await.token();
    println!("{:?} {step:?}: {} refreshes", stage.kind, run.ledger().refreshes());
    run.ledger().assert_clean();
}

/// Waits until the stopped process has no lease any more. A file has none.
async fn lapsed(stage: &Stage, run: &Run) {
    if let crate::support::place::Place::Redis(server) = &*stage.place {
        let lease = format!("{{reauth:{}}}:lease", run.name());
        until("the lease lapses", async || (!server.ask::<bool>(&["EXISTS", &lease])).then_some(())).await;
    }
}

/// Somebody logs in meanwhile: that is what it adopts.
async fn finds_a_login(stage: Stage, step: Step) {
    let run = stage.run(&format!("stop-login-{step:?}"));
    let [first, other] = run.workers::<2>().await;
    expire(&first).await;
    stop_at(&run, &first, step, ONE).await;
    lapsed(&stage, &run).await;
    let newer = other.ask(Order::LogIn).await.token();
    first.goes_on().await;
    assert_eq!(first.ask(ONE).await.token(), newer);
    assert_eq!((run.ledger().refused(), run.ledger().sent_twice()), (0, 0), "{:#?}", run.ledger());
    assert!(run.ledger().refreshes() <= 1, "{step:?}");
}

async fn expire(worker: &Worker) {
    worker.ask(ONE).await.token();
    worker.ask(Order::Expiry).await.done();
}

/// Another process refreshes meanwhile, because the one that stands still has not taken the guard yet.
async fn finds_a_refresh(stage: Stage) {
    let run = stage.run("stop-refresh");
    let [first, other] = run.workers::<2>().await;
    expire(&first).await;
    stop_at(&run, &first, Step::BeforeGuard, ONE).await;
    let newer = other.ask(ONE).await.token();
    first.goes_on().await;
    assert_eq!(first.ask(ONE).await.token(), newer);
    assert_eq!(run.ledger().refreshes(), 1);
    run.ledger().assert_clean();
}

async fn stops(kind: Kind) {
    let stage = Stage::new(kind, 4).await;
    together(UNDER_THE_GUARD.map(|step| goes_on_past_expiry(stage.clone(), step))).await;
    together(UNDER_THE_GUARD.map(|step| finds_a_login(stage.clone(), step))).await;
    finds_a_refresh(stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider; scripts/test runs it"]
async fn f68_r65_a_process_that_stands_still_with_the_guard_of_a_file_is_named_and_loses_nothing() {
    stops(Kind::Files).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn f68_r65_a_process_that_stands_still_past_its_lease_in_redis_is_named_and_loses_nothing() {
    stops(Kind::Redis).await;
}

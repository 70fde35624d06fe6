//! One process logs out, or in, while another one is at some step of a refresh.

use crate::protocol::{Act, Order, Reply, Step};
use crate::support::{Kind, Run, Stage, Worker, together, until};

const ONE: Order = Order::Credentials { callers: 1 };

/// Has a worker begin something that needs a refresh, and keeps it at a step.
async fn begin(run: &Run, first: &Worker, step: Step, order: Order) {
    if step == Step::AfterExchange {
        // The provider has committed, and its response is on the way.
        run.hold().await;
        drop(first.ask(order));
        until("the provider has committed", async || (run.ledger().refreshes() > 0).then_some(())).await;
        return;
    }
    first.arm(step, Act::Hold).await;
    drop(first.ask(order));
    first.comes_to(step).await;
}

async fn end(run: &Run, first: &Worker, step: Step) {
    match step {
        Step::AfterExchange => run.release().await,
        _ => first.ask(Order::Go).await.done(),
    }
}

/// The one that logs out does not revoke anything, so that only the other one can have revoked what it brings.
async fn log_out_at(stage: Stage, step: Step) {
    let run = stage.run(&format!("log-out-{step:?}"));
    let [other, ..] = run.workers::<1>().await;
    let run = run.revokes();
    let first = run.worker();
    first.ask(ONE).await.token();
    begin(&run, &first, step, Order::Refresh).await;
    other.ask(Order::LogOut).await.done();
    end(&run, &first, step).await;

    until("the first one has heard of it", async || {
        match first.ask(ONE).await {
            Reply::Failed(failure) => {
                assert_eq!(failure.kind, "LoginRequired", "{failure:?}");
                Some(())
            }
            // It has a good token, and learns of the log-out at its next refresh (R59).
            _ => {
                first.ask(Order::Refresh).await;
                None
            }
        }
    })
    .await;
    // It stays so.
    for worker in [&first, &other, &run.worker()] {
        assert_eq!(worker.ask(ONE).await.failure().kind, "LoginRequired");
    }
    if step != Step::AfterSave {
        until("what it brought is revoked", async || {
            let Reply::Alive(alive) = first.ask(Order::Alive).await else { panic!() };
            alive.iter().all(|tokens| *tokens == (false, false)).then_some(())
        })
        .await;
    }
    run.ledger().assert_clean();
}

async fn log_in_at(stage: Stage, step: Step) {
    let run = stage.run(&format!("log-in-{step:?}"));
    let [other, ..] = run.workers::<1>().await;
    let first = run.worker();
    first.ask(ONE).await.token();
    first.ask(Order::Expiry).await.done();
    begin(&run, &first, step, ONE).await;
    let newer = other.ask(Order::LogIn).await.token();
    end(&run, &first, step).await;
    // Whoever comes later has the newer login, and so does the one that has refreshed the older one.
    assert_eq!(run.worker().ask(ONE).await.token(), newer);
    first.ask(Order::Refresh).await.token();
    let latest = first.ask(ONE).await.token();
    assert_eq!(run.worker().ask(ONE).await.token(), latest);
    other.ask(Order::LogOut).await.done();
    until("they had one login", async || {
        first.ask(Order::Refresh).await;
        matches!(first.ask(ONE).await, Reply::Failed(failure) if failure.kind == "LoginRequired")
            .then_some(())
    })
    .await;
    let ledger = run.ledger();
    assert_eq!((ledger.refused(), ledger.sent_twice(), ledger.logins()), (0, 0, 2), "{ledger:#?}");
}

/// In the process itself: its flight ends, and its request goes on.
async fn log_out_of_its_own(stage: Stage) {
    let run = stage.run("log-out-own").revokes();
    let [first, other] = run.workers::<2>().await;
    begin(&run, &first, Step::AfterExchange, Order::Refresh).await;
    let caller = first.ask(Order::Refresh);
    let log_out = first.ask(Order::LogOut);
    assert_eq!(caller.await.failure().kind, "LoginRequired");
    run.release().await;
    log_out.await.done();
    until("what it brought is revoked", async || {
        let Reply::Alive(alive) = first.ask(Order::Alive).await else { panic!() };
        // The first one is of the log-in.
        (alive.len() == 2 && alive[1] == (false, false)).then_some(())
    })
    .await;
    other.ask(Order::Refresh).await.failure();
    assert_eq!(other.ask(ONE).await.failure().kind, "LoginRequired");
}

async fn orders(kind: Kind) {
    let stage = Stage::new(kind, 60).await;
    together(Step::ALL.map(|step| log_out_at(stage.clone(), step))).await;
    log_out_of_its_own(stage).await;
    let stage = Stage::new(kind, 6).await;
    together(Step::ALL.map(|step| log_in_at(stage.clone(), step))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider; scripts/test runs it"]
async fn f86_f87_a_log_out_or_log_in_elsewhere_wins_over_a_refresh_of_a_process_with_the_same_file() {
    orders(Kind::Files).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn f86_f87_a_log_out_or_log_in_elsewhere_wins_over_a_refresh_of_a_process_with_the_same_redis() {
    orders(Kind::Redis).await;
}

//! A hundred processes that have the same token, and so the same expiry.

use crate::protocol::{Order, Reply};
use crate::support::{Kind, Stage, Worker};

const CROWD: usize = 100;
/// The refresh is due in the last quarter of it, ±10 % of that: at some time within 0.8 s.
const LIFETIME: u32 = 16;

async fn a_hundred_processes(kind: Kind) {
    let stage = Stage::new(kind, LIFETIME).await;
    let run = stage.run("crowd");
    let workers: Vec<Worker> = (0..CROWD).map(|_| run.worker()).collect();
    workers[0].ask(Order::LogIn).await.token();
    let first = workers[0].ask(Order::Credentials { callers: 1 }).await.token();
    let adopting: Vec<_> =
        workers.iter().map(|worker| worker.ask(Order::Credentials { callers: 1 })).collect();
    for reply in adopting {
        assert_eq!(reply.await.token(), first);
    }
    // Flights of the adoption do not count.
    let before: Vec<_> = workers.iter().map(|worker| worker.events("RefreshStarted")).collect();
    let waiting: Vec<_> = workers.iter().map(|worker| worker.ask(Order::NewToken)).collect();
    let mut tokens = Vec::new();
    for reply in waiting {
        tokens.push(reply.await);
    }
    let starts = workers.iter().zip(before).flat_map(|(worker, before)| {
        let mut times = worker.event_times("RefreshStarted");
        times.split_off(before)
    });
    let mut starts: Vec<_> = starts.collect();
    starts.sort_unstable();
    let spread = starts.last().unwrap() - starts[0];
    let busiest =
        starts.iter().map(|start| starts.iter().filter(|s| (*start..start + 100).contains(s)).count());
    let busiest = busiest.max().unwrap();
    println!(
        "{kind:?}: {} of {CROWD} processes began a flight, over {spread} ms, at most {busiest} of them within 100 ms; {} requests",
        starts.len(),
        run.ledger().refreshes()
    );
    assert!(tokens.iter().all(|reply| matches!(reply, Reply::Token { token, .. } if *token != first)));
    assert_eq!(run.ledger().refreshes(), 1, "{:#?}", run.ledger());
    run.ledger().assert_clean();
    // Without the jitter they would all begin within one look at the token, which is 50 ms.
    assert!(busiest <= CROWD * 3 / 4, "{busiest}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider; scripts/test runs it"]
async fn f111_a_hundred_processes_with_one_token_in_a_file_refresh_it_once() {
    a_hundred_processes(Kind::Files).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn f111_a_hundred_processes_with_one_token_in_redis_refresh_it_once() {
    a_hundred_processes(Kind::Redis).await;
}

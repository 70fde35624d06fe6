//! Redis goes away, stands still, forgets, is full or read-only, and comes back.

use std::time::Duration;

use crate::protocol::{Act, Order, Reply, Step, StoreAt};
use crate::support::place::Place;
use crate::support::proxy::Proxy;
use crate::support::server::Server;
use crate::support::{Kind, Run, Stage, Worker, until};

const ONE: Order = Order::Credentials { callers: 1 };

/// A worker with a token that lives for four seconds, in a Redis that the test may break.
async fn with_server(options: &[&str]) -> (Run, Server, Worker) {
    let server = Server::with(options);
    let (run, worker) = at(&server.url()).await;
    (run, server, worker)
}

async fn at(url: &str) -> (Run, Worker) {
    let stage = Stage::new(Kind::Files, 4).await;
    let store = StoreAt::Redis { url: url.into(), profile: "default".into(), timeout_ms: 700 };
    let run = stage.run_at("outage", store).deadline(Duration::from_secs(3));
    let [worker, ..] = run.workers::<1>().await;
    worker.ask(ONE).await.token();
    (run, worker)
}

/// The store can't be used: a valid token is, and after its expiry callers get a `Transient` error. Nothing is sent.
async fn uses_what_it_has(run: &Run, worker: &Worker) {
    assert_eq!(worker.ask(Order::Refresh).await.failure().kind, "Transient");
    assert!(worker.events("StoreFailed") > 0);
    worker.ask(Order::Credentials { callers: 5 }).await.token();
    worker.ask(Order::Expiry).await.done();
    let error = worker.ask(Order::Credentials { callers: 5 }).await.failure();
    assert_eq!((error.kind.as_str(), error.holder), ("Transient", None), "{}", error.text);
    assert_eq!(run.ledger().refreshes(), 0);
}

/// The store can be used again: there is a new token, and another process gets it.
async fn goes_on(run: &Run, worker: &Worker) {
    worker.ask(Order::NewToken).await.token();
    let token = worker.ask(ONE).await.token();
    assert_eq!(run.worker().ask(ONE).await.token(), token);
    run.ledger().assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn f64_r56_while_redis_is_down_a_valid_token_is_used_and_nothing_is_sent() {
    let (run, mut server, worker) = with_server(&[]).await;
    server.stop();
    uses_what_it_has(&run, &worker).await;
    // It has forgotten everything (R64).
    server.start_again();
    goes_on(&run, &worker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn f64_r56_while_redis_stands_still_a_valid_token_is_used_and_nothing_is_sent() {
    let (run, server, worker) = with_server(&[]).await;
    server.signal("STOP");
    uses_what_it_has(&run, &worker).await;
    // A process that begins now has nothing, but nobody has to log in again. It ends when it is told to (R61).
    let other = run.worker();
    assert_eq!(other.ask(ONE).await.failure().kind, "Store");
    other.ask(Order::End).await.done();
    assert_eq!(other.ends().await, Some(0));
    server.signal("CONT");
    goes_on(&run, &worker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn f105_r53_a_full_redis_is_noticed_before_anything_is_sent() {
    let (run, server, worker) = with_server(&[]).await;
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    uses_what_it_has(&run, &worker).await;
    server.tell(&["CONFIG", "SET", "maxmemory", "0"]);
    goes_on(&run, &worker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn f105_r53_a_redis_that_is_full_after_the_proof_saves_what_the_refresh_brings() {
    let (run, server, worker) = with_server(&[]).await;
    worker.arm(Step::BeforeExchange, Act::Hold).await;
    let refresh = worker.ask(Order::Refresh);
    worker.comes_to(Step::BeforeExchange).await;
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    worker.ask(Order::Go).await.done();
    let token = refresh.await.token();
    assert_eq!((worker.events("RotationUnsaved"), worker.events("StoreFailed")), (0, 0));
    assert_eq!(run.worker().ask(ONE).await.token(), token);
    run.ledger().assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn f76_r54_what_could_not_be_saved_is_used_and_saved_when_redis_is_back() {
    let (run, mut server, worker) = with_server(&[]).await;
    worker.arm(Step::AfterExchange, Act::Hold).await;
    let refresh = worker.ask(Order::Refresh);
    worker.comes_to(Step::AfterExchange).await;
    server.stop();
    worker.ask(Order::Go).await.done();
    worker.sees("RotationUnsaved").await;
    // Its callers get it at the deadline of the flight.
    let token = refresh.await.token();
    assert_eq!(worker.events("RotationSaved"), 0);
    assert_eq!(worker.ask(ONE).await.token(), token);
    server.start_again();
    worker.sees("RotationSaved").await;
    run.worker().ask(ONE).await.token();
    worker.ask(Order::NewToken).await.token();
    run.ledger().assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn r64_what_redis_has_forgotten_is_written_again() {
    let (run, server, worker) = with_server(&[]).await;
    server.tell(&["FLUSHALL"]);
    worker.ask(Order::Refresh).await.token();
    // In the middle of a refresh, too.
    worker.arm(Step::AfterExchange, Act::Hold).await;
    let refresh = worker.ask(Order::Refresh);
    worker.comes_to(Step::AfterExchange).await;
    server.tell(&["FLUSHALL"]);
    worker.ask(Order::Go).await.done();
    refresh.await.token();
    assert_eq!(worker.events("RotationUnsaved"), 0);
    goes_on(&run, &worker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn f65_r56_a_replica_is_read_and_nothing_is_sent() {
    let primary = Server::start();
    let replica = Server::with(&["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    let name = Proxy::before(&primary).await;
    let (run, worker) = at(&name.url()).await;
    replicated(&primary, &replica).await;
    // The replica stays one. Only its name leads to it now.
    name.lead_to(&replica);
    for kind in ["normal", "pubsub"] {
        primary.tell(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]);
    }
    uses_what_it_has(&run, &worker).await;
    replica.tell(&["REPLICAOF", "NO", "ONE"]);
    goes_on(&run, &worker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn r64_a_save_that_a_failover_lost_is_written_back_by_the_process_that_made_it() {
    let mut primary = Server::start();
    let replica = Server::with(&["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    let name = Proxy::before(&primary).await;
    let (run, worker) = at(&name.url()).await;
    replicated(&primary, &replica).await;
    replica.tell(&["REPLICAOF", "NO", "ONE"]);
    // It is acknowledged, and lost.
    worker.ask(Order::Refresh).await.token();
    name.lead_to(&replica);
    primary.stop();
    goes_on(&run, &worker).await;
}

/// Waits until the replica has what the primary has.
async fn replicated(primary: &Server, replica: &Server) {
    let version = |server: &Server| -> Option<String> {
        server.try_to_ask(&["HGET", &server.key("entry"), "version"]).ok().flatten()
    };
    until("the replica has it", async || {
        let of_the_primary = version(primary);
        (of_the_primary.is_some() && of_the_primary == version(replica)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn r64_a_backup_that_is_restored_under_load_costs_no_token() {
    let stage = Stage::new(Kind::Redis, 6).await;
    let run = stage.run("default");
    let workers = run.workers::<4>().await;
    let Place::Redis(server) = &*stage.place else { panic!("not Redis") };
    let key = server.key("entry");
    let loads = workers.each_ref().map(|worker| worker.ask(Order::Load { tasks: 10, seconds: 15 }));
    for restored in 1..=2 {
        let backup: Vec<u8> = server.ask(&["DUMP", &key]);
        let before = run.ledger().refreshes();
        let old = workers[0].ask(ONE).await.token();
        until("it is older", async || (run.ledger().refreshes() > before).then_some(())).await;
        // A process that still had what is in the backup could not know that it is spent.
        until("all have what is newer", async || {
            let mut tokens = Vec::new();
            for worker in &workers {
                tokens.push(worker.ask(ONE).await.token());
            }
            tokens.dedup();
            (tokens.len() == 1 && tokens[0] != old && run.ledger().refreshes() == before + 1).then_some(())
        })
        .await;
        restore(server, &key, &backup);
        println!("restored {restored} times, after {} refreshes", run.ledger().refreshes());
    }
    for load in loads {
        let Reply::Load(load) = load.await else { panic!("no load") };
        assert!(load.errors.is_empty(), "{:#?}", load.errors);
    }
    // They have gone on with what they had.
    workers[0].ask(Order::NewToken).await.token();
    run.ledger().assert_clean();
}

fn restore(server: &Server, key: &str, backup: &[u8]) {
    let client = redis::Client::open(server.url()).unwrap();
    let mut command = redis::cmd("RESTORE");
    command.arg(key).arg(0).arg(backup).arg("REPLACE");
    command.exec(&mut client.get_connection().unwrap()).unwrap();
}

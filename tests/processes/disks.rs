//! A disk that becomes full, or read-only, under a running process. It is a real one.

use std::time::Duration;

use crate::protocol::{Act, Order, Reply, Step, StoreAt};
use crate::support::place::Place;
use crate::support::{Kind, Run, Stage, Worker};

const ONE: Order = Order::Credentials { callers: 1 };

const FILL: &str = "cat /dev/zero > filling; echo x > probe && exit 1; exit 0";
const EMPTY: &str = "rm filling probe";

/// A worker whose file is on a small disk of its own. `None` if this machine has none for it.
async fn on_a_disk() -> Option<(Run, Worker)> {
    if !rustix::process::geteuid().is_root() || !cfg!(target_os = "linux") {
        println!("left out: only root can mount a disk, and only on Linux");
        return None;
    }
    let stage = Stage::new(Kind::Files, 4).await;
    let Place::Files(directory) = &*stage.place else { panic!("no files") };
    let directory = directory.clone();
    let run = stage.run_at("disk", StoreAt::File(directory.join("entry.json")));
    let run = run.deadline(Duration::from_secs(3));
    let script = r#"mount -t tmpfs -o size=128k,mode=700 reauth "$0" && exec "$@""#;
    let worker = Worker::scripted(script, directory.to_str().unwrap(), &run.settings);
    worker.ask(Order::LogIn).await.token();
    worker.ask(ONE).await.token();
    Some((run, worker))
}

async fn shell(worker: &Worker, command: &str) -> u16 {
    match worker.ask(Order::Shell(command.into())).await {
        Reply::Status(code) => code,
        other => panic!("{other:?}"),
    }
}

async fn nothing_is_sent(run: &Run, worker: &Worker) {
    let before = run.ledger().refreshes();
    assert_eq!(worker.ask(Order::Refresh).await.failure().kind, "Transient");
    assert!(worker.events("StoreFailed") > 0);
    worker.ask(ONE).await.token();
    worker.ask(Order::Expiry).await.done();
    let error = worker.ask(ONE).await.failure();
    assert_eq!((error.kind.as_str(), error.holder), ("Transient", None), "{}", error.text);
    assert_eq!(run.ledger().refreshes(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider; scripts/test runs it"]
async fn f77_r53_on_a_full_disk_nothing_is_sent_and_a_save_has_its_room() {
    let Some((run, worker)) = on_a_disk().await else { return };
    // It becomes full after the proof.
    worker.arm(Step::BeforeExchange, Act::Hold).await;
    let refresh = worker.ask(Order::Refresh);
    worker.comes_to(Step::BeforeExchange).await;
    assert_eq!(shell(&worker, FILL).await, 0);
    worker.ask(Order::Go).await.done();
    refresh.await.token();
    assert_eq!((worker.events("RotationUnsaved"), worker.events("StoreFailed")), (0, 0));
    worker.ask(ONE).await.token();
    // It is full before the proof.
    shell(&worker, FILL).await;
    nothing_is_sent(&run, &worker).await;
    assert_eq!(shell(&worker, EMPTY).await, 0);
    worker.ask(Order::NewToken).await.token();
    run.ledger().assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider; scripts/test runs it"]
async fn f77_r53_on_a_disk_that_becomes_read_only_nothing_is_sent() {
    let Some((run, worker)) = on_a_disk().await else { return };
    assert_eq!(shell(&worker, "mount -o remount,ro \"$PWD\"").await, 0);
    nothing_is_sent(&run, &worker).await;
    assert_eq!(shell(&worker, "mount -o remount,rw \"$PWD\"").await, 0);
    worker.ask(Order::NewToken).await.token();
    run.ledger().assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider; scripts/test runs it"]
async fn f76_r54_what_a_disk_could_not_save_is_used_and_saved_later() {
    let Some((run, worker)) = on_a_disk().await else { return };
    worker.arm(Step::AfterExchange, Act::Hold).await;
    let refresh = worker.ask(Order::Refresh);
    worker.comes_to(Step::AfterExchange).await;
    // Room does not help here: the name is taken.
    assert_eq!(shell(&worker, "mount --bind entry.json entry.json").await, 0);
    worker.ask(Order::Go).await.done();
    worker.sees("RotationUnsaved").await;
    let token = refresh.await.token();
    assert_eq!(worker.ask(ONE).await.token(), token);
    assert_eq!(worker.events("RotationSaved"), 0);
    assert_eq!(shell(&worker, "umount \"$PWD/entry.json\"").await, 0);
    worker.sees("RotationSaved").await;
    worker.ask(Order::NewToken).await.token();
    run.ledger().assert_clean();
}

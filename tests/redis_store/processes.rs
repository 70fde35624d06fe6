//! Processes that are killed and stopped while they have the guard. The test program runs itself again for that.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reauth::store::{CredentialStore, GuardError, RedisStore, Replaced};

use crate::support::server::signal_process;
use crate::support::{
    Server, entry, entry_by, found, is_yes, request, store, stored, until, version, waiting,
};

const URL: &str = "REAUTH_TEST_REDIS";
const LEASE: Duration = Duration::from_millis(1_500);

/// A process that has the guard, and an exchange open as the authenticator 7.
struct Holder(Child);

impl Holder {
    fn start(server: &Server) -> Self {
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::holder", "--include-ignored", "--nocapture"])
            .env(URL, server.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut holder = Self(process);
        assert_eq!(holder.says("guard"), "true");
        holder
    }

    /// Waits for a line such as `guard: true`.
    fn says(&mut self, what: &str) -> String {
        // Not through a buffer that ends with this call: the lines come one at a time, when they are asked for.
        let lines = BufReader::with_capacity(1, self.0.stdout.as_mut().unwrap()).lines();
        let mut found = lines.filter_map(|line| {
            line.unwrap().split_once(&format!("{what}: ")).map(|(_, value)| value.to_owned())
        });
        found.next().expect("the process has ended")
    }

    /// Has it save what its exchange brought. Returns what came of it.
    fn save(&mut self) -> String {
        self.0.stdin.as_mut().unwrap().write_all(b"save\n").unwrap();
        self.says("saved")
    }

    fn signal(&self, signal: &str) {
        signal_process(self.0.id(), signal);
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What that process does. Without the variable it is no test.
#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn holder() {
    let Ok(url) = std::env::var(URL) else { return };
    let store = RedisStore::new(&url).unwrap().lease(LEASE);
    let guard = store.guard(&request(1, 7)).await.unwrap();
    println!("guard: {}", guard.is_written());
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    assert_eq!(line.await.unwrap().unwrap(), "save\n");
    let replaced = store.replace(Some(&version(1)), &entry(2)).await.unwrap();
    println!("saved: {}", matches!(replaced, Replaced::Yes));
}

async fn with_holder() -> (Server, RedisStore, Holder) {
    let server = Server::start();
    let store = store(&server);
    store.save(&entry(1)).await.unwrap();
    let holder = Holder::start(&server);
    let Err(GuardError::Held(Some(named))) = store.guard(&waiting(Duration::ZERO)).await else {
        panic!("the other process has the guard")
    };
    assert_eq!(named.pid(), holder.0.id());
    (server, store, holder)
}

async fn lapsed(server: &Server) {
    until("the lease lapses", async || {
        (!server.ask::<bool>(&["EXISTS", &server.key("lease")])).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f66_a_holder_that_was_killed_shuts_nobody_out() {
    let (_server, store, holder) = with_holder().await;
    holder.signal("KILL");
    let guard = store.guard(&request(1, 8)).await.unwrap();
    // Its exchange is still open: nobody knows how far it came.
    assert!(!guard.is_written());
    assert!(found(&guard).unwrap().open_exchange().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f68_a_holder_that_was_stopped_past_its_lease_saves_if_nobody_has_written() {
    let (server, store, mut holder) = with_holder().await;
    holder.signal("STOP");
    lapsed(&server).await;
    // Somebody was here, and has only looked.
    drop(store.guard(&waiting(Duration::ZERO)).await.unwrap());
    holder.signal("CONT");
    assert_eq!(holder.save(), "true");
    assert_eq!(stored(&store).await, Some(version(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f68_a_holder_that_was_stopped_past_its_lease_does_not_overwrite_a_save() {
    let (server, store, mut holder) = with_holder().await;
    holder.signal("STOP");
    lapsed(&server).await;
    let _guard = store.guard(&waiting(Duration::ZERO)).await.unwrap();
    assert!(is_yes(&store.replace(Some(&version(1)), &entry_by(2, 9)).await.unwrap()));
    holder.signal("CONT");
    assert_eq!(holder.save(), "false");
    assert_eq!(stored(&store).await.as_ref(), Some(entry_by(2, 9).version()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f68_a_holder_that_was_stopped_past_its_lease_does_not_free_that_of_the_next() {
    let (server, store, mut holder) = with_holder().await;
    holder.signal("STOP");
    lapsed(&server).await;
    let _guard = store.guard(&waiting(Duration::ZERO)).await.unwrap();
    holder.signal("CONT");
    assert_eq!(holder.save(), "true");
    assert!(holder.0.wait().unwrap().success());
    let third = crate::support::store(&server).guard(&waiting(Duration::ZERO)).await;
    assert!(matches!(third, Err(GuardError::Held(_))), "{third:?}");
}

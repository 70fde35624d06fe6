//! Whose clock counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use reauth::clock::{Clock, Reading, SystemClock};
use reauth::store::{CredentialStore, Entry, GuardError};

use crate::support::{Server, entry, is_yes, store, version, waiting, with_intent, with_member};

/// A clock that is wrong by some seconds.
#[derive(Clone, Default)]
struct Wrong(Arc<AtomicI64>);

impl Wrong {
    fn by(seconds: i64) -> Self {
        Self(Arc::new(AtomicI64::new(seconds)))
    }

    fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::Relaxed);
    }

    /// How long an entry is still valid by this clock.
    fn remaining(&self, entry: &Entry) -> Duration {
        let at = entry.credentials().unwrap().expires_at().unwrap();
        at.duration_since(self.now().wall).unwrap()
    }
}

impl Clock for Wrong {
    fn now(&self) -> Reading {
        let Reading { monotonic, wall } = SystemClock::new().now();
        let seconds = self.0.load(Ordering::Relaxed);
        let by = Duration::from_secs(seconds.unsigned_abs());
        Reading { monotonic, wall: if seconds < 0 { wall - by } else { wall + by } }
    }
}

fn expiring(generation: u64, at: SystemTime) -> Entry {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    with_member(&entry(generation), "expires_at", &seconds.to_string())
}

/// Within what clocks and a busy machine add.
fn is_about_an_hour(lifetime: Duration) -> bool {
    (3_540..3_610).contains(&lifetime.as_secs())
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f106_two_workers_whose_clocks_differ_by_ten_minutes_see_the_same_lifetime() {
    let server = Server::start();
    let (fast, slow, right) = (Wrong::by(300), Wrong::by(-300), Wrong::by(0));
    let clocks = [&fast, &slow, &right];
    let stores = clocks.map(|clock| store(&server).clock(clock.clone()));
    let hour = Duration::from_secs(3_600);
    let mut expected = None;
    for (generation, (clock, writer)) in (1..).zip(clocks.iter().zip(&stores)) {
        let new = expiring(generation, clock.now().wall + hour);
        assert!(is_yes(&writer.replace(expected.as_ref(), &new).await.unwrap()));
        expected = Some(*new.version());
        for (clock, reader) in clocks.iter().zip(&stores) {
            let seen = reader.load().await.unwrap().unwrap();
            assert!(is_about_an_hour(clock.remaining(&seen)), "{:?}", clock.remaining(&seen));
        }
    }
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f106_times_do_not_creep_when_an_entry_is_read_and_written_back() {
    let server = Server::start();
    let clock = Wrong::by(-300);
    let store = store(&server).clock(clock.clone());
    let first = with_intent(&expiring(1, clock.now().wall + Duration::from_secs(3_600)), 7);
    store.save(&first).await.unwrap();
    let raw: String = server.ask(&["HGET", &server.key("entry"), "text"]);
    assert_ne!(raw, *first.expose_text());
    for _ in 0..20 {
        let read = store.load().await.unwrap().unwrap();
        assert_eq!(read.expose_text(), first.expose_text());
        assert!(is_yes(&store.replace(Some(&version(1)), &read).await.unwrap()));
        let request = waiting(Duration::from_secs(20)).with_entry(Some(version(1)), read);
        assert!(store.guard(&request).await.unwrap().is_written());
    }
    assert_eq!(server.ask::<String>(&["HGET", &server.key("entry"), "text"]), raw);
    // The exchange was opened at 1000 by a clock that is 300 s behind.
    assert!(raw.contains(r#""since":1300"#), "{raw}");
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f106_a_clock_that_is_set_while_the_program_runs_is_noticed_before_anything_is_written() {
    let server = Server::start();
    let clock = Wrong::by(0);
    let ours = store(&server).clock(clock.clone());
    ours.save(&expiring(1, SystemTime::now() + Duration::from_secs(3_600))).await.unwrap();
    for (generation, seconds) in [(2, 300), (3, -300), (4, 0)] {
        clock.set(seconds);
        let new = expiring(generation, clock.now().wall + Duration::from_secs(3_600));
        assert!(is_yes(&ours.replace(Some(&version(generation - 1)), &new).await.unwrap()));
        let right = Wrong::by(0);
        let seen = store(&server).clock(right.clone()).load().await.unwrap().unwrap();
        assert!(is_about_an_hour(right.remaining(&seen)), "{seconds} {:?}", right.remaining(&seen));
    }
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn r65_the_holder_has_the_guard_since_the_same_time_for_everyone() {
    let server = Server::start();
    let (ours, theirs) = (Wrong::by(0), Wrong::by(-3_600));
    let ours = store(&server).clock(ours);
    // They know the time of Redis from a call before.
    let theirs = store(&server).clock(theirs);
    theirs.load().await.unwrap();
    let _guard = ours.guard(&waiting(Duration::ZERO)).await.unwrap();
    let Err(GuardError::Held(Some(holder))) = theirs.guard(&waiting(Duration::ZERO)).await else { panic!() };
    let ago = (SystemTime::now() - Duration::from_secs(3_600)).duration_since(holder.since());
    assert!(ago.unwrap_or_default().as_secs() < 60, "{holder}");
}

//! The lease: the guard's key in Redis, which lapses by itself when its holder dies.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use super::backend::{Backend, intent};
use super::delays::Delays;
use super::found::Found;
use super::moment::Moment;
use super::script::{Argument, RELEASE, RENEW, argument};
use crate::store::{Entry, Guard, Holder};

/// One attempt to have the guard. Its value in Redis is new for each one, so that none can be taken for another.
pub(super) struct Lease {
    value: String,
    length: Duration,
    state: Mutex<State>,
    /// The caller of `guard` has it.
    is_delivered: AtomicBool,
}

#[derive(Default)]
struct State {
    /// Since when it lasts. `None` before it is taken, and when it is lost or was given back.
    since: Option<Moment>,
    is_over: bool,
    /// What the holder has left in the store: the version and the id of the open exchange.
    left: (String, String),
    /// What to undo if nobody gets the guard: the text that was written, and what it replaced.
    undo: Option<(Argument, Found)>,
}

impl Lease {
    pub(super) fn new(holder: &Holder, seconds: i64, length: Duration) -> Self {
        let token = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        let Holder { pid, host, since } = holder;
        let value = format!("{token} {pid} {} {host}", since.saturating_add_signed(seconds));
        Self { value, length, state: Mutex::default(), is_delivered: AtomicBool::new(false) }
    }

    /// Reads the holder in the value of a lease.
    pub(super) fn holder(value: &str, seconds: i64) -> Option<Holder> {
        let mut parts = value.splitn(4, ' ').skip(1);
        let (pid, since, host) = (parts.next()?, parts.next()?, parts.next()?);
        let since: u64 = since.parse().ok()?;
        let since = since.saturating_add_signed(seconds.saturating_neg());
        Some(Holder { pid: pid.parse().ok()?, host: host.to_owned(), since })
    }

    pub(super) fn value(&self) -> &str {
        &self.value
    }

    /// Notes that it was taken or renewed by something that was sent at this time.
    pub(super) fn lasts_since(&self, sent: Moment) {
        let mut state = self.lock();
        if !state.is_over {
            state.since = Some(sent);
        }
    }

    pub(super) fn leaves(&self, version: &str, intent: &str) {
        self.lock().left = (version.to_owned(), intent.to_owned());
    }

    pub(super) fn leaves_entry(&self, entry: &Entry) {
        self.leaves(&entry.version().to_string(), &intent(entry));
    }

    pub(super) fn would_undo(&self, written: Argument, replaced: Found) {
        self.lock().undo = Some((written, replaced));
    }

    pub(super) fn is_delivered(&self) {
        self.is_delivered.store(true, Ordering::Relaxed);
    }

    /// Ends it. Returns whether it had not ended yet.
    pub(super) fn end(&self) -> bool {
        let mut state = self.lock();
        state.since = None;
        !std::mem::replace(&mut state.is_over, true)
    }

    fn remaining(&self) -> Duration {
        let since = self.lock().since;
        since.map_or(Duration::ZERO, |since| self.length.saturating_sub(since.elapsed()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Renews a lease for as long as the guard lives, and gives it back when that is dropped.
pub(super) fn guard_with(guard: Guard, lease: Arc<Lease>, backend: Arc<Backend>, runtime: Handle) -> Guard {
    let renewal = runtime.spawn(renew(lease.clone(), backend.clone()));
    let left = lease.clone();
    guard.with_lease(move || left.remaining()).on_release(move || {
        renewal.abort();
        if lease.end() {
            runtime.spawn(async move { release(&lease, &backend).await });
        }
    })
}

async fn renew(lease: Arc<Lease>, backend: Arc<Backend>) {
    // The timer does not count the time in which the machine sleeps, so it is asked more often than there is to do.
    let tick = (lease.length / 30).max(Duration::from_millis(10));
    loop {
        sleep(tick).await;
        if lease.remaining() > lease.length * 2 / 3 {
            continue;
        }
        let sent = Moment::now();
        let keys = [backend.keys.entry.as_str(), &backend.keys.lease];
        let result = backend
            .send_in_time(&RENEW, &keys, || {
                let (version, intent) = lease.lock().left.clone();
                let length = argument(lease.length.as_millis());
                vec![argument(&lease.value), length, argument(version), argument(intent)]
            })
            .await;
        match result {
            Ok(reply) if reply.word == "lost" => {
                lease.lock().since = None;
                return;
            }
            Ok(_) => lease.lasts_since(sent),
            Err(_) => {}
        }
    }
}

/// Gives back what this attempt may have taken, and undoes what it may have written if nobody has got the guard.
pub(super) async fn release(lease: &Lease, backend: &Backend) {
    let undo = match lease.is_delivered.load(Ordering::Relaxed) {
        true => None,
        false => lease.lock().undo.take(),
    };
    let (written, text, intent) = match undo {
        Some((written, Found { text, intent, .. })) => (written, text, intent),
        None => (argument(""), None, None),
    };
    let arguments = [
        argument(""),
        argument(&lease.value),
        argument(&backend.keys.changed),
        written,
        text.unwrap_or_default(),
        argument(intent.unwrap_or_default()),
    ];
    let keys = [backend.keys.entry.as_str(), &backend.keys.lease];
    let start = Moment::now();
    for delay in Delays::new() {
        // After that it has lapsed by itself.
        if backend.send(&RELEASE, &keys, &arguments).await.is_ok() || start.elapsed() > lease.length {
            return;
        }
        sleep(delay).await;
    }
}

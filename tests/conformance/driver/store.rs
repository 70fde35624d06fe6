//! The store: each call is one that the runner answers. The runner has the content, and knows nothing of its form.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reauth::Error;
use reauth::store::{CredentialStore, Entry, Guard, GuardError, GuardRequest, Replaced, Version};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::calls::Calls;
use super::tokens::{credentials_of, tokens_of};

/// More than any request takes.
const LEASE: Duration = Duration::from_secs(3600);

#[derive(Clone)]
pub struct Store {
    calls: Calls,
    guard_lapses: bool,
    own: Arc<Own>,
}

#[derive(Default)]
struct Own {
    /// The guard that is held was lost.
    has_lapsed: Mutex<Arc<AtomicBool>>,
    /// A call for the guard is under way. The client may read the store meanwhile, as often as it wants.
    is_waited_for: AtomicBool,
    /// The version that the store has, as the runner said last.
    version: Mutex<Option<String>>,
    changed: Notify,
}

impl Store {
    pub fn new(calls: Calls, setup: &Value) -> Self {
        let guard_lapses = setup["guard_lapses"] == true;
        Self { calls, guard_lapses, own: Arc::default() }
    }

    /// The runner says what the store has now.
    pub fn has_changed(&self, message: &Value) {
        *self.own.version.lock().unwrap() = message["version"].as_str().map(str::to_owned);
        self.own.changed.notify_waiters();
    }

    pub fn lose_guard(&self) {
        self.own.has_lapsed.lock().unwrap().store(true, Ordering::Relaxed);
    }

    fn read(&self, result: &Value) -> Result<Option<Entry>, Error> {
        *self.own.version.lock().unwrap() = result["version"].as_str().map(str::to_owned);
        result["entry"].as_str().map(Entry::from_text).transpose()
    }

    async fn write(
        &self,
        over: Option<Option<&Version>>,
        entry: &Entry,
        is_quiet: bool,
    ) -> Result<Replaced, Error> {
        let shows = match entry.credentials() {
            None => json!("clear"),
            Some(_) if over == Some(Some(entry.version())) => json!("note"),
            Some(credentials) => json!({ "save": tokens_of(credentials) }),
        };
        let mut fields = json!({
            "entry": entry.expose_text().as_str(), "version": entry.version().to_string(), "shows": shows, "quiet": is_quiet,
        });
        if let Some(over) = over {
            fields["over"] = json!(over.map(Version::to_string));
        }
        let result = checked(self.calls.call("write", fields).answer().await)?;
        match result.get("changed") {
            None => Ok(Replaced::Yes),
            Some(changed) => Ok(Replaced::No(self.read(changed)?)),
        }
    }
}

/// An error, if the runner says that the store fails.
fn checked(result: Value) -> Result<Value, Error> {
    match result["error"].as_str() {
        None => Ok(result),
        Some("panic") => panic!("the store panics"),
        Some(_) => Err(Error::store("the store fails")),
    }
}

impl CredentialStore for Store {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        let is_quiet = self.own.is_waited_for.load(Ordering::Relaxed);
        let result = checked(self.calls.call("load", json!({ "quiet": is_quiet })).answer().await)?;
        self.read(&result)
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        self.write(None, entry, false).await.map(drop)
    }

    async fn replace(&self, expected: Option<&Version>, entry: &Entry) -> Result<Replaced, Error> {
        self.write(Some(expected), entry, false).await
    }

    async fn guard(&self, request: &GuardRequest) -> Result<Guard, GuardError> {
        self.own.is_waited_for.store(true, Ordering::Relaxed);
        let waiting = Waiting(&self.own);
        let mut call = self.calls.call("guard", json!({ "queues": true }));
        let first = timeout(request.call_limit(), call.next()).await;
        let first = first.map_err(|_| GuardError::Unreachable(Error::store("the store hangs")))?;
        let result = match first["queued"] == true {
            true => timeout(request.limit(), call.next()).await.map_err(|_| GuardError::Held(None))?,
            false => first,
        };
        drop(call);
        match result["error"].as_str() {
            Some("held") => return Err(GuardError::Held(None)),
            Some("read_only") => return Err(GuardError::NotWritable(Error::store("the store is read-only"))),
            _ => {}
        }
        let result = checked(result).map_err(GuardError::Unreachable)?;
        // From here on the guard is held.
        let release = Release(self.calls.clone());
        let has_lapsed = Arc::<AtomicBool>::default();
        *self.own.has_lapsed.lock().unwrap() = has_lapsed.clone();
        let found = self.read(&result).map_err(GuardError::Unreachable)?;
        let note = request.entry_to_write(found.as_ref());
        if let Some(note) = &note {
            let over = found.as_ref().map(Entry::version);
            self.write(Some(over), note, true).await.map_err(GuardError::Unreachable)?;
        }
        drop(waiting);
        let guard = Guard::new(Ok(found));
        let guard = if note.is_some() { guard.written() } else { guard };
        let guard = match self.guard_lapses {
            true => guard.with_lease(move || match has_lapsed.load(Ordering::Relaxed) {
                true => Duration::ZERO,
                false => LEASE,
            }),
            false => guard.cannot_lapse(),
        };
        Ok(guard.on_release(move || drop(release)))
    }

    async fn changed(&self, seen: Option<&Version>) {
        let seen = seen.map(Version::to_string);
        loop {
            let mut changed = std::pin::pin!(self.own.changed.notified());
            changed.as_mut().enable();
            if *self.own.version.lock().unwrap() != seen {
                return;
            }
            changed.await;
        }
    }
}

/// Gives the guard back when it is dropped.
struct Release(Calls);

impl Drop for Release {
    fn drop(&mut self) {
        self.0.tell("release", json!({}));
    }
}

struct Waiting<'a>(&'a Own);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.is_waited_for.store(false, Ordering::Relaxed);
    }
}

/// What another process writes over what is there: its next refresh, or its log-in.
pub fn entry_of_another_process(message: &Value) -> Result<Value, String> {
    let credentials = credentials_of(&message["tokens"])?;
    let over = message["over"]["version"].as_str().unwrap_or("0-0-0-0");
    let parts: Vec<&str> = over.split('-').collect();
    let number = |index: usize| parts.get(index).and_then(|part| part.parse::<u64>().ok()).unwrap_or(0);
    let hash = credentials.access_token().bytes();
    let hash = hash.fold(1u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    let text = if message["first"] == true {
        Entry::new(credentials.clone()).expose_text().to_string()
    } else {
        let version = match number(0) {
            0 => format!("1-77-0-{hash:x}"),
            sequence => format!("{sequence}-{}-{}-{hash:x}", parts[1], number(2) + 1),
        };
        format!("{},\"version\":\"{version}\"}}", credentials.expose_json().trim_end_matches('}'))
    };
    let entry = Entry::from_text(&text).map_err(|error| error.to_string())?;
    Ok(json!({ "entry": text, "version": entry.version().to_string() }))
}

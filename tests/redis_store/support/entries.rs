//! Entries, as an authenticator writes them, and requests for the guard.

use std::time::Duration;

use reauth::store::{CredentialStore, Entry, Guard, GuardRequest, RedisStore, Replaced, Version};

/// The entry of this generation. `write` tells apart what different writers wrote.
pub fn entry_by(generation: u64, write: u64) -> Entry {
    let text = format!(
        r#"{{"access_token":"at-{generation}-{write}","refresh_token":"rt-{generation}","version":"{}"}}"#,
        version_text(generation, write)
    );
    Entry::from_text(&text).unwrap()
}

pub fn entry(generation: u64) -> Entry {
    entry_by(generation, 1)
}

pub fn version(generation: u64) -> Version {
    *entry(generation).version()
}

fn version_text(generation: u64, write: u64) -> String {
    format!("1-00000000000000aa-{generation}-{write:016x}")
}

/// The same with a member that this crate writes: an open exchange of this authenticator.
pub fn with_intent(entry: &Entry, id: u64) -> Entry {
    let intent = format!(r#"{{"id":"{id:016x}","pid":4711,"host":"web-3","since":1000}}"#);
    with_member(entry, "intent", &intent)
}

pub fn with_member(entry: &Entry, name: &str, json: &str) -> Entry {
    let text = entry.expose_text();
    let text = format!(r#"{},"{name}":{json}}}"#, text.strip_suffix('}').unwrap());
    Entry::from_text(&text).unwrap()
}

/// Reads a member of the text.
pub fn member(entry: &Entry, name: &str) -> Option<serde_json::Value> {
    let text: serde_json::Value = serde_json::from_str(&entry.expose_text()).unwrap();
    text.get(name).cloned()
}

/// Asks for the guard, and that this generation gets the note of an open exchange of the authenticator `id`.
pub fn request(generation: u64, id: u64) -> GuardRequest {
    waiting(Duration::from_secs(20))
        .with_entry(Some(version(generation)), with_intent(&entry(generation), id))
}

pub fn waiting(limit: Duration) -> GuardRequest {
    GuardRequest::new(limit)
}

pub fn found(guard: &Guard) -> Option<Entry> {
    guard.found().unwrap().cloned()
}

/// The version that is stored.
pub async fn stored(store: &RedisStore) -> Option<Version> {
    store.load().await.unwrap().map(|entry| *entry.version())
}

pub fn is_yes(replaced: &Replaced) -> bool {
    matches!(replaced, Replaced::Yes)
}

/// What was there instead.
pub fn instead(replaced: Replaced) -> Option<Entry> {
    match replaced {
        Replaced::Yes => panic!("it was stored"),
        Replaced::No(found) => found,
    }
}

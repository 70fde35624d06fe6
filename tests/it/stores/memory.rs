//! The store that lives as long as the process.

use reauth::store::{CredentialStore, Entry, MemoryStore};

use super::{kept, tokens};
use crate::support::source::credentials;

fn entry(access: &str, refresh: &str) -> Entry {
    Entry::new(credentials(access, Some(refresh), None))
}

#[tokio::test]
async fn a_memory_store_keeps_and_replaces() {
    let store = MemoryStore::new();
    assert_eq!(kept(&store).await, None);
    store.save(&entry("at-1", "rt-1")).await.unwrap();
    assert_eq!(kept(&store).await, tokens("at-1", "rt-1"));
    store.save(&entry("at-2", "rt-2")).await.unwrap();
    assert_eq!(kept(&store).await, tokens("at-2", "rt-2"));
}

#[tokio::test]
async fn clones_of_a_memory_store_share_what_it_keeps() {
    let store = MemoryStore::default();
    store.clone().save(&entry("at-1", "rt-1")).await.unwrap();
    assert_eq!(kept(&store).await, tokens("at-1", "rt-1"));
}

#[tokio::test]
async fn r40_a_memory_store_shows_no_token() {
    let store = MemoryStore::new();
    store.save(&entry("secret-at", "secret-rt")).await.unwrap();
    let shown = format!("{store:?}");
    assert!(shown.contains("[redacted]") && !shown.contains("secret"), "{shown}");
}

//! The store that lives as long as the process.

use reauth::store::{CredentialStore, MemoryStore};

use super::{kept, tokens};
use crate::support::source::credentials;

#[tokio::test]
async fn a_memory_store_keeps_replaces_and_forgets() {
    let store = MemoryStore::new();
    assert_eq!(kept(&store).await, None);
    store.save(&credentials("at-1", Some("rt-1"), None)).await.unwrap();
    assert_eq!(kept(&store).await, tokens("at-1", "rt-1"));
    store.save(&credentials("at-2", Some("rt-2"), None)).await.unwrap();
    assert_eq!(kept(&store).await, tokens("at-2", "rt-2"));
    store.clear().await.unwrap();
    assert_eq!(kept(&store).await, None);
}

#[tokio::test]
async fn clones_of_a_memory_store_share_what_it_keeps() {
    let store = MemoryStore::default();
    store.clone().save(&credentials("at-1", Some("rt-1"), None)).await.unwrap();
    assert_eq!(kept(&store).await, tokens("at-1", "rt-1"));
}

#[tokio::test]
async fn r40_a_memory_store_shows_no_token() {
    let store = MemoryStore::new();
    store.save(&credentials("secret-at", Some("secret-rt"), None)).await.unwrap();
    let shown = format!("{store:?}");
    assert!(shown.contains("[redacted]") && !shown.contains("secret"), "{shown}");
}

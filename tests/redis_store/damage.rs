//! Entries that can't be read.

use std::time::Duration;

use reauth::ErrorKind;
use reauth::store::{CredentialStore, RedisStore};

use crate::support::{Server, entry, is_yes, store, stored, version, waiting};

const DAMAGED: &str = r#"{"access_token":"#;

fn damage(server: &Server) -> RedisStore {
    server.tell(&["HSET", &server.key("entry"), "version", "1", "text", DAMAGED]);
    store(server)
}

fn aside(server: &Server) -> Option<String> {
    server.ask(&["HGET", &server.key("damaged"), "text"])
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f75_a_damaged_entry_is_an_error_and_set_aside_under_the_guard() {
    let server = Server::start();
    let store = damage(&server);
    assert_eq!(store.load().await.unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(aside(&server), None);

    let guard = store.guard(&waiting(Duration::ZERO)).await.unwrap();
    assert_eq!(guard.found().as_ref().unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(aside(&server).unwrap(), DAMAGED);

    // Then something whole takes its place.
    assert!(is_yes(&store.replace(None, &entry(1)).await.unwrap()));
    assert_eq!(stored(&store).await, Some(version(1)));
    assert_eq!(aside(&server).unwrap(), DAMAGED);
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f75_a_damaged_entry_is_written_over_only_as_if_there_were_none() {
    let server = Server::start();
    let store = damage(&server);
    assert_eq!(store.replace(Some(&version(1)), &entry(2)).await.unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(server.ask::<String>(&["HGET", &server.key("entry"), "text"]), DAMAGED);
    assert!(is_yes(&store.replace(None, &entry(2)).await.unwrap()));
    assert_eq!(aside(&server).unwrap(), DAMAGED);
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f90_a_damaged_entry_does_not_keep_anyone_from_logging_out() {
    let server = Server::start();
    let store = damage(&server);
    store.save(&entry(1)).await.unwrap();
    assert_eq!(stored(&store).await, Some(version(1)));
}

#[tokio::test]
#[ignore = "needs redis-server; scripts/test runs it"]
async fn f75_bytes_that_are_no_text_are_an_error() {
    let server = Server::start();
    let store = store(&server);
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let command = redis::cmd("HSET").arg(server.key("entry")).arg("text").arg(&b"\xff\x00"[..]).clone();
    command.exec(&mut connection).unwrap();
    assert_eq!(store.load().await.unwrap_err().kind(), ErrorKind::Store);
}

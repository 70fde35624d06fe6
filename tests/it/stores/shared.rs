//! Several authenticators with one store, as processes have it: guard, adoption, log-out and log-in elsewhere.

use std::pin::pin;

use reauth::store::{CredentialStore, Entry, Guard, GuardError, GuardRequest, MemoryStore};
use reauth::{Authenticator, Credentials, Error, ErrorKind};
use tokio::time::{Instant, advance, sleep};

use super::{kept, tokens, with_store};
use crate::authenticator::{at_once, millis, quiet, seconds, token, until, waiting};
use crate::support::revoker::{Revoker, next as next_of};
use crate::support::source::{Asked, Respond, Script, credentials};

fn expired(n: u32) -> Credentials {
    good(n).with_expires_at(std::time::SystemTime::UNIX_EPOCH)
}

fn good(n: u32) -> Credentials {
    credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300))
}

/// A store in which a token has expired.
async fn store() -> MemoryStore {
    let store = MemoryStore::new();
    store.save(&Entry::new(expired(1))).await.unwrap();
    store
}

fn process(script: &Script, store: &MemoryStore) -> Authenticator {
    with_store(script.clone(), store.clone()).0
}

#[tokio::test(start_paused = true)]
async fn r50_f56_f63_twenty_processes_refresh_once_and_all_are_served_at_once() {
    let store = store().await;
    let script = Script::new().without_login();
    script.push(Respond::After(millis(300), Ok(good(2))));
    let processes: Vec<_> = (0..20).map(|_| process(&script, &store)).collect();
    let begun = Instant::now();
    let mut callers = Vec::new();
    for auth in &processes {
        callers.push(waiting(auth).await);
    }
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-2");
    }
    assert_eq!(script.requests(), 1);
    assert!(begun.elapsed() < millis(1300), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn r50_f57_f59_f62_nobody_sends_while_another_process_has_the_guard() {
    let store = store().await;
    let (first, second) = (Script::new().without_login(), Script::new().without_login());
    first.push(Respond::After(seconds(25), Ok(good(2))));
    let (one, other) = (process(&first, &store), process(&second, &store));
    let leading = waiting(&one).await;
    until(|| first.requests() == 1).await;
    let following = waiting(&other).await;
    assert_eq!(following.await.unwrap().unwrap().access_token(), "at-2");
    assert_eq!(leading.await.unwrap().unwrap().access_token(), "at-2");
    assert_eq!(second.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn f80_what_another_process_has_rotated_meanwhile_is_read_under_the_guard() {
    let store = MemoryStore::new();
    let (first, second) = (Script::new(), Script::new().without_login());
    let (one, other) = (process(&first, &store), process(&second, &store));
    first.push(Respond::Now(Ok(good(1))));
    token(&one).await.unwrap();
    assert_eq!(token(&other).await.unwrap(), "at-1");
    first.push(Respond::Now(Ok(good(2))));
    assert_eq!(one.refresh().await.unwrap().access_token(), "at-2");
    // The other one holds at-1, and asks for a refresh. It sends what is stored.
    second.push(Respond::Now(Ok(good(3))));
    assert_eq!(other.refresh().await.unwrap().access_token(), "at-3");
    assert_eq!(second.asked(), [Asked::Refresh("rt-2".into())]);
}

#[tokio::test(start_paused = true)]
async fn r17_f86_a_log_out_elsewhere_during_a_refresh_is_not_undone_and_what_that_brings_is_revoked() {
    let store = store().await;
    let script = Script::new().without_login();
    let response = script.then_when();
    let (revoker, mut revoked) = Revoker::new(script.clone());
    let (one, _) = with_store(revoker, store.clone());
    let other = process(&Script::new(), &store);
    let caller = waiting(&one).await;
    until(|| script.requests() == 1).await;
    // It does not wait for the refresh.
    at_once(pin!(other.log_out())).await.expect("at once").unwrap();
    response.send(Ok(good(2))).unwrap();
    assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    next_of(&mut revoked, "rt-2").await.done();
    assert_eq!(kept(&store).await, None);
    assert_eq!(token(&one).await.unwrap_err().kind(), ErrorKind::LoginRequired);
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r52_f87_a_log_in_elsewhere_during_a_refresh_wins() {
    let store = store().await;
    let script = Script::new().without_login();
    let response = script.then_when();
    let (one, other) = (process(&script, &store), process(&Script::new(), &store));
    let caller = waiting(&one).await;
    until(|| script.requests() == 1).await;
    at_once(pin!(other.set_credentials(good(7)))).await.expect("at once").unwrap();
    response.send(Ok(good(2))).unwrap();
    assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-7");
    assert_eq!(kept(&store).await, tokens("at-7", "rt-7"));
}

#[tokio::test(start_paused = true)]
async fn r58_f113_a_remembered_error_ends_when_another_process_has_logged_in() {
    let store = store().await;
    let script = Script::new().without_login().then_err(Error::login_required("revoked"));
    let (one, other) = (process(&script, &store), process(&Script::new(), &store));
    token(&one).await.unwrap_err();
    assert_eq!(token(&one).await.unwrap_err().kind(), ErrorKind::LoginRequired);
    other.set_credentials(good(7)).await.unwrap();
    assert_eq!(token(&one).await.unwrap(), "at-7");
    assert_eq!(script.requests(), 1, "the refused token was not sent again");
}

#[tokio::test(start_paused = true)]
async fn r55_what_one_process_saw_refused_no_other_process_sends() {
    let store = store().await;
    let (first, second) = (Script::new().without_login(), Script::new().without_login());
    first.push(Respond::Now(Err(Error::login_required("revoked"))));
    let (one, other) = (process(&first, &store), process(&second, &store));
    token(&one).await.unwrap_err();
    quiet().await;
    assert_eq!(kept(&store).await, tokens("at-1", "rt-1"), "a refusal deletes nothing");
    assert_eq!(token(&other).await.unwrap_err().kind(), ErrorKind::LoginRequired);
    assert_eq!(second.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn r55_the_note_of_a_refusal_is_not_written_over_by_a_process_that_holds_the_same_token() {
    let store = store().await;
    let (first, second) = (Script::new().without_login(), Script::new().without_login());
    let response = first.then_when();
    let (one, other) = (process(&first, &store), process(&second, &store));
    let caller = waiting(&one).await;
    until(|| first.requests() == 1).await;
    // It has read the same entry, and waits for the guard.
    let next = waiting(&other).await;
    response.send(Err(Error::login_required("revoked"))).unwrap();
    assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    assert_eq!(next.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    assert_eq!(second.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn f88_a_process_that_has_never_refreshed_never_writes() {
    let store = MemoryStore::new();
    store.save(&Entry::new(good(1).with_expires_at(soon()))).await.unwrap();
    let before = store.load().await.unwrap().unwrap().expose_text();
    let auth = process(&Script::new(), &store);
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    quiet().await;
    assert_eq!(*store.load().await.unwrap().unwrap().expose_text(), *before);
}

fn soon() -> std::time::SystemTime {
    crate::support::clock::TestClock::new().wall() + seconds(300)
}

#[tokio::test(start_paused = true)]
async fn r64_a_store_that_was_set_back_is_mended() {
    let store = MemoryStore::new();
    let script = Script::new().then_ok(good(1));
    let auth = process(&script, &store);
    token(&auth).await.unwrap();
    let backup = store.load().await.unwrap().unwrap();
    script.push(Respond::Now(Ok(good(2))));
    auth.refresh().await.unwrap();
    store.save(&backup).await.unwrap();
    script.push(Respond::Now(Ok(good(3))));
    auth.refresh().await.unwrap();
    assert_eq!(script.asked()[2], Asked::Refresh("rt-2".into()), "not the spent one of the backup");
    assert_eq!(kept(&store).await, tokens("at-3", "rt-3"));
}

#[tokio::test(start_paused = true)]
async fn r51_an_open_exchange_of_another_process_is_waited_for_and_then_taken_over() {
    let store = MemoryStore::new();
    // Another process was killed after it had sent the refresh token.
    let since = soon().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() - 300;
    let text = Entry::new(good(1).with_expires_at(soon() - seconds(240))).expose_text();
    let intent = format!(r#","intent":{{"id":"ff","pid":4711,"host":"web-3","since":{since}}}}}"#);
    let entry = Entry::from_text(&(text.trim_end_matches('}').to_owned() + &intent)).unwrap();
    assert_eq!(entry.open_exchange().map(|holder| (holder.pid(), holder.host())), Some((4711, "web-3")));
    store.save(&entry).await.unwrap();
    let script = Script::new().without_login().then_ok(good(2));
    // Its guard may lapse: nobody knows whether the other process still runs.
    let (auth, _) = with_store(script.clone(), Simple(store.clone()));
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    advance(seconds(50)).await;
    // The token is used while it is valid, and the error names the process.
    assert_eq!(token(&auth).await.unwrap(), "at-1");
    let error = auth.refresh().await.unwrap_err();
    let holder = error.holder().unwrap();
    assert_eq!((holder.pid(), holder.host(), holder.since()), (4711, "web-3", soon() - seconds(300)));
    assert!(error.kind() == ErrorKind::Transient && error.to_string().contains("4711 on web-3"), "{error}");
    assert_eq!(script.requests(), 0);
    // Ten seconds after the expiry it counts as lost.
    sleep(seconds(10)).await;
    let begun = Instant::now();
    assert_eq!(token(&auth).await.unwrap(), "at-2");
    assert!(begun.elapsed() >= seconds(9) && begun.elapsed() < seconds(11), "{:?}", begun.elapsed());
    assert_eq!(kept(&store).await, tokens("at-2", "rt-2"));
}

#[tokio::test(start_paused = true)]
async fn r51_f66_the_exchange_of_a_process_that_has_ended_is_taken_over_at_once_if_the_guard_can_not_lapse() {
    let entry = Entry::new(expired(1)).expose_text();
    let intent = r#","intent":{"id":"ff","pid":4711,"host":"web-3","since":2000000000}}"#;
    let entry = Entry::from_text(&(entry.trim_end_matches('}').to_owned() + intent)).unwrap();
    for (response, outcome) in [
        (Err(Error::login_required("spent")), Err(ErrorKind::LoginRequired)),
        (Ok(good(2)), Ok("at-2".to_owned())),
    ] {
        // Nobody is left whose result could be waited for.
        let script = Script::new().without_login();
        script.push(Respond::Now(response));
        let store = MemoryStore::new();
        store.save(&entry).await.unwrap();
        let (auth, _) = with_store(script.clone(), Exclusive(store));
        let begun = Instant::now();
        assert_eq!(token(&auth).await.map_err(|error| error.kind()), outcome);
        assert!(begun.elapsed().is_zero());
    }
}

/// A store whose guard no other process can have.
struct Exclusive(MemoryStore);

impl CredentialStore for Exclusive {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.0.load().await
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        self.0.save(entry).await
    }

    async fn guard(&self, request: &GuardRequest) -> Result<Guard, GuardError> {
        let found = self.load().await;
        assert!(
            request.entry_to_write(found.as_ref().unwrap().as_ref()).is_none(),
            "another exchange is open"
        );
        Ok(Guard::new(found).cannot_lapse())
    }
}

/// A store of two methods.
struct Simple(MemoryStore);

impl CredentialStore for Simple {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.0.load().await
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        self.0.save(entry).await
    }
}

#[tokio::test(start_paused = true)]
async fn r50_f108_ten_processes_without_credentials_ask_the_user_once() {
    let store = MemoryStore::new();
    let script = Script::new();
    script.push(Respond::After(seconds(20), Ok(good(1))));
    let processes: Vec<_> = (0..10).map(|_| process(&script, &store)).collect();
    let mut callers = Vec::new();
    for auth in &processes {
        callers.push(waiting(auth).await);
    }
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-1");
    }
    assert_eq!(script.asked(), [Asked::Login]);
}

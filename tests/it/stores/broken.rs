//! Stores that are held, unreachable, read-only, or can tell at once what other processes write.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reauth::store::{
    CredentialStore, Entry, Guard, GuardError, GuardRequest, MemoryStore, Replaced, Version,
};
use reauth::{Authenticator, Credentials, Error, ErrorKind};
use tokio::time::advance;

use super::{kept, tokens, with_store};
use crate::authenticator::{Recorder, millis, quiet, seconds, token, token_at_once};
use crate::support::source::{Asked, Respond, Script, credentials};

fn good(n: u32) -> Credentials {
    credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Works,
    Held,
    Unreachable,
    ReadOnly,
    /// The guard is given and the proof is written. Then nothing can be written any more.
    FullAfterTheProof,
}

#[derive(Clone)]
struct Faulty {
    kept: MemoryStore,
    mode: Arc<Mutex<Mode>>,
    /// What was asked for.
    requests: Arc<Mutex<Vec<GuardRequest>>>,
}

impl Faulty {
    fn new() -> Self {
        Self { kept: MemoryStore::new(), mode: Arc::new(Mutex::new(Mode::Works)), requests: Arc::default() }
    }

    fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    fn mode(&self) -> Mode {
        *self.mode.lock().unwrap()
    }
}

fn failed() -> Error {
    Error::store("the test says no")
}

impl CredentialStore for Faulty {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        if self.mode() == Mode::Unreachable { Err(failed()) } else { self.kept.load().await }
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        if self.mode() == Mode::Works { self.kept.save(entry).await } else { Err(failed()) }
    }

    async fn replace(&self, expected: Option<&Version>, entry: &Entry) -> Result<Replaced, Error> {
        match self.mode() {
            Mode::Works | Mode::Held => self.kept.replace(expected, entry).await,
            _ => Err(failed()),
        }
    }

    async fn guard(&self, request: &GuardRequest) -> Result<Guard, GuardError> {
        self.requests.lock().unwrap().push(request.clone());
        match self.mode() {
            Mode::Works | Mode::FullAfterTheProof => self.kept.guard(request).await,
            Mode::Held => {
                tokio::time::sleep(request.limit()).await;
                Err(GuardError::Held(Some(request.holder().clone())))
            }
            Mode::Unreachable => Err(GuardError::Unreachable(failed())),
            Mode::ReadOnly => Err(GuardError::NotWritable(failed())),
        }
    }
}

/// An authenticator that has `at-1`, and its store.
async fn holding(script: &Script) -> (Authenticator, Recorder, Faulty) {
    let store = Faulty::new();
    script.push(Respond::Now(Ok(good(1))));
    let (auth, recorder) = with_store(script.clone(), store.clone());
    token(&auth).await.unwrap();
    recorder.take();
    (auth, recorder, store)
}

#[tokio::test(start_paused = true)]
async fn r53_r56_f64_f65_f77_nothing_is_spent_that_can_not_be_stored() {
    for mode in [Mode::Held, Mode::Unreachable, Mode::ReadOnly] {
        let script = Script::new();
        let (auth, _, store) = holding(&script).await;
        store.set(mode);
        advance(seconds(240)).await;
        assert_eq!(token_at_once(&auth).await.unwrap(), "at-1", "{mode:?}: a valid token is used");
        quiet().await;
        tokio::time::sleep(seconds(100)).await;
        let error = token(&auth).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transient, "{mode:?}: {error}");
        assert_eq!(error.holder().is_some(), mode == Mode::Held, "{mode:?}");
        assert_eq!(script.requests(), 1, "{mode:?}");
        // It works again as soon as the store does.
        store.set(Mode::Works);
        script.push(Respond::Now(Ok(good(2))));
        tokio::time::sleep(seconds(6)).await;
        assert_eq!(token(&auth).await.unwrap(), "at-2", "{mode:?}");
        assert_eq!(kept(&store.kept).await, tokens("at-2", "rt-2"));
    }
}

#[tokio::test(start_paused = true)]
async fn r56_f104_what_spends_nothing_goes_on_without_the_store() {
    let script = Script::new();
    let store = Faulty::new();
    store.set(Mode::Unreachable);
    let (auth, recorder) = with_store(script.clone(), store.clone());
    let bare = |n: u32| credentials(&format!("at-{n}"), None, Some(300));
    for n in 1..=3 {
        script.push(Respond::Now(Ok(bare(n))));
        assert_eq!(token(&auth).await.unwrap(), format!("at-{n}"));
        assert!(recorder.take().iter().any(|line| line.starts_with("store failed")));
        advance(seconds(301)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn r56_a_program_may_ask_to_refresh_without_its_store() {
    let script = Script::new().then_ok(good(1)).then_ok(good(2)).then_ok(good(3));
    let store = Faulty::new();
    let auth = crate::support::clock::in_paused_time(script.clone())
        .store(store.clone())
        .refresh_without_store()
        .build();
    token(&auth).await.unwrap();
    store.set(Mode::ReadOnly);
    for n in 2..=3 {
        tokio::time::sleep(seconds(301)).await;
        let caller = crate::authenticator::waiting(&auth).await;
        assert_eq!(caller.await.unwrap().unwrap().access_token(), format!("at-{n}"));
    }
    store.set(Mode::Works);
    tokio::time::sleep(seconds(10)).await;
    assert_eq!(kept(&store.kept).await, tokens("at-3", "rt-3"));
}

#[tokio::test(start_paused = true)]
async fn r54_f76_a_rotation_that_can_not_be_saved_is_tried_again_until_it_is() {
    let script = Script::new();
    let (auth, recorder, store) = holding(&script).await;
    let other = with_store(Script::new().without_login(), store.clone()).0;
    store.set(Mode::FullAfterTheProof);
    script.push(Respond::Now(Ok(good(2))));
    tokio::time::sleep(seconds(301)).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(token(&auth).await.unwrap(), "at-2", "it is used all the same");
    assert!(begun.elapsed() <= seconds(30), "{:?}", begun.elapsed());
    let lines = recorder.take();
    assert!(lines.iter().any(|line| line == "rotation 2 unsaved: the test says no"), "{lines:?}");
    // The guard is kept: no other process sends the spent token.
    let error = token(&other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient, "{error}");
    store.set(Mode::Works);
    tokio::time::sleep(seconds(6)).await;
    assert_eq!(recorder.take(), ["rotation 2 saved"]);
    assert_eq!(kept(&store.kept).await, tokens("at-2", "rt-2"));
    assert_eq!(token(&other).await.unwrap(), "at-2");
}

#[tokio::test(start_paused = true)]
async fn r53_while_a_rotation_is_unsaved_no_other_is_made() {
    let script = Script::new();
    let (auth, _, store) = holding(&script).await;
    store.set(Mode::FullAfterTheProof);
    script.push(Respond::Now(Ok(credentials("at-2", Some("rt-2"), Some(60)))));
    tokio::time::sleep(seconds(301)).await;
    assert_eq!(token(&auth).await.unwrap(), "at-2");
    tokio::time::sleep(seconds(61)).await;
    let error = token(&auth).await.unwrap_err();
    assert_eq!((error.kind(), script.requests()), (ErrorKind::Transient, 2));
    let why = std::error::Error::source(&error).expect("the error of the store");
    assert_eq!(why.downcast_ref::<Error>().map(Error::kind), Some(ErrorKind::Store), "{why}");
}

#[tokio::test(start_paused = true)]
async fn r50_a_request_for_the_guard_says_how_long_it_waits_and_who_asks() {
    let script = Script::new();
    let (auth, _, store) = holding(&script).await;
    script.push(Respond::Now(Ok(good(2))));
    auth.refresh().await.unwrap();
    let requests = store.requests.lock().unwrap();
    assert_eq!(requests.len(), 2, "a log-in and a refresh");
    for request in requests.iter() {
        assert_eq!(request.limit(), Duration::from_secs(30));
        assert_eq!(request.call_limit(), Duration::from_secs(5));
        assert_eq!(request.holder().pid(), std::process::id());
        assert!(!request.holder().host().is_empty());
    }
    assert!(requests[0].entry_to_write(None).is_none(), "a log-in spends nothing");
    assert!(requests[1].entry_to_write(None).is_none(), "the store holds something else");
}

/// A store whose lease is always about to lapse, and that counts what is given back.
#[derive(Clone)]
struct Lapsing(MemoryStore, Arc<Mutex<(u32, u32)>>);

impl CredentialStore for Lapsing {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.0.load().await
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        self.0.save(entry).await
    }

    async fn guard(&self, request: &GuardRequest) -> Result<Guard, GuardError> {
        let found = self.0.load().await.map_err(GuardError::Unreachable)?;
        let guard = Guard::new(Ok(found.clone()));
        let guard = match request.entry_to_write(found.as_ref()) {
            Some(entry) => {
                self.0.save(&entry).await.map_err(GuardError::NotWritable)?;
                guard.written()
            }
            None => guard,
        };
        let counts = self.1.clone();
        let taken = {
            let (taken, _) = &mut *counts.lock().unwrap();
            *taken += 1;
            *taken
        };
        // The one of the log-in, and the first two of the refresh, are soon short of time.
        let looks = Mutex::new(0);
        let left = move || {
            let looks = &mut *looks.lock().unwrap();
            *looks += 1;
            if taken < 4 && *looks > 1 { seconds(11) } else { seconds(30) }
        };
        Ok(guard.with_lease(left).on_release(move || counts.lock().unwrap().1 += 1))
    }
}

#[tokio::test(start_paused = true)]
async fn f60_a_lease_that_may_lapse_before_the_response_is_taken_anew_before_anything_is_sent() {
    let store = Lapsing(MemoryStore::new(), Arc::default());
    let script = Script::new().then_ok(good(1)).then_ok(good(2));
    let (auth, _) = with_store(script.clone(), store.clone());
    token(&auth).await.unwrap();
    auth.refresh().await.unwrap();
    assert_eq!(script.asked(), [Asked::Login, Asked::Refresh("rt-1".into())]);
    quiet().await;
    // One for the log-in, three for the refresh, and each was given back.
    assert_eq!(*store.1.lock().unwrap(), (4, 4));
}

/// A store that can tell at once what other processes write.
#[derive(Clone)]
struct Notifying(MemoryStore);

impl CredentialStore for Notifying {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.0.load().await
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        self.0.save(entry).await
    }

    async fn changed(&self, seen: Option<&Version>) {
        self.0.changed(seen).await;
    }

    fn notifies(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn r59_a_log_in_and_a_log_out_elsewhere_are_seen_at_once_if_the_store_can_tell() {
    let store = MemoryStore::new();
    let script = Script::new().then_ok(good(1));
    let (one, recorder) = with_store(script.clone(), Notifying(store.clone()));
    let (other, _) = with_store(Script::new(), store.clone());
    assert_eq!(token(&one).await.unwrap(), "at-1");
    recorder.take();
    other.set_credentials(good(7)).await.unwrap();
    tokio::time::sleep(millis(300)).await;
    assert_eq!(recorder.take(), ["adopted 2"]);
    assert_eq!(token_at_once(&one).await.unwrap(), "at-7");
    other.log_out().await.unwrap();
    tokio::time::sleep(millis(300)).await;
    assert_eq!(recorder.take(), ["cleared"]);
    assert_eq!(token_at_once(&one).await, None);
}

//! A store or a source calls the authenticator back. It gets a result or an error, and there is never a deadlock.

use std::sync::{Arc, OnceLock};

use reauth::store::{
    CredentialStore, Entry, Guard, GuardError, GuardRequest, MemoryStore, Replaced, Version,
};
use reauth::{Authenticator, CredentialSource, Credentials, Error, ErrorKind};
use tokio::sync::Mutex;
use tokio::time::{Instant, advance};

use super::{kept, tokens, with_store};
use crate::authenticator::{exact, millis, quiet, seconds, token, token_at_once};
use crate::support::source::{Respond, Script, credentials};

/// What a hook does with the authenticator that called it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hook {
    Nothing,
    Credentials,
    Refresh,
    Clear,
    Set,
}

/// A store that calls back, in `load` and in `save`.
#[derive(Clone)]
struct CallsBack {
    kept: MemoryStore,
    auth: Arc<OnceLock<Authenticator>>,
    on_load: Hook,
    on_save: Hook,
    /// The results of the calls.
    said: Arc<Mutex<Vec<String>>>,
}

impl CallsBack {
    fn new(on_load: Hook, on_save: Hook) -> Self {
        let (kept, auth, said) = (MemoryStore::new(), Arc::default(), Arc::default());
        Self { kept, auth, on_load, on_save, said }
    }

    async fn call_back(&self, hook: Hook) {
        let auth = self.auth.get().unwrap();
        let access = |got: Result<Credentials, Error>| match got {
            Ok(got) => got.access_token().to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        };
        let said = match hook {
            Hook::Nothing => return,
            Hook::Credentials => access(auth.credentials().await),
            Hook::Refresh => access(auth.refresh().await),
            Hook::Clear => format!("{:?}", auth.log_out().await.is_ok()),
            Hook::Set => format!("{:?}", auth.set_credentials(credentials("set", None, None)).await.is_ok()),
        };
        self.said.lock().await.push(said);
    }
}

impl CredentialStore for CallsBack {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.call_back(self.on_load).await;
        self.kept.load().await
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        self.kept.save(entry).await
    }

    async fn replace(&self, expected: Option<&Version>, entry: &Entry) -> Result<Replaced, Error> {
        if entry.credentials().is_some() && expected != Some(entry.version()) {
            self.call_back(self.on_save).await;
        }
        self.kept.replace(expected, entry).await
    }

    async fn guard(&self, request: &GuardRequest) -> Result<Guard, GuardError> {
        self.kept.guard(request).await
    }
}

fn series() -> Script {
    let script = Script::new();
    for n in 1..=20 {
        script.push(Respond::Now(Ok(credentials(&format!("at-{n}"), Some(&format!("rt-{n}")), Some(300)))));
    }
    script
}

#[tokio::test(start_paused = true)]
async fn f15_a_store_that_asks_for_the_token_in_hand_gets_it() {
    let store = CallsBack::new(Hook::Nothing, Hook::Credentials);
    let (auth, _) = with_store(series(), store.clone());
    store.auth.set(auth.clone()).unwrap();
    token(&auth).await.unwrap();
    store.said.lock().await.clear();
    advance(seconds(225)).await;
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-1");
    let begun = Instant::now();
    quiet().await;
    assert_eq!(*store.said.lock().await, ["at-1"]);
    assert_eq!(kept(&store.kept).await, tokens("at-2", "rt-2"));
    assert_eq!(token_at_once(&auth).await.unwrap(), "at-2");
    assert!(begun.elapsed().is_zero());
}

#[tokio::test(start_paused = true)]
async fn f15_a_store_that_asks_for_what_its_own_flight_is_to_bring_is_told_so_at_once() {
    for (on_load, on_save, calls) in [
        (Hook::Nothing, Hook::Credentials, 1),
        (Hook::Nothing, Hook::Refresh, 1),
        (Hook::Credentials, Hook::Nothing, 1),
        (Hook::Credentials, Hook::Refresh, 2),
    ] {
        let store = CallsBack::new(on_load, on_save);
        let (auth, recorder) = with_store(series(), store.clone());
        store.auth.set(auth.clone()).unwrap();
        let begun = Instant::now();
        assert_eq!(token(&auth).await.unwrap(), "at-1");
        assert!(begun.elapsed() < millis(20), "{:?}", begun.elapsed());
        assert_eq!(*store.said.lock().await, vec!["Misconfigured"; calls]);
        assert_eq!(kept(&store.kept).await, tokens("at-1", "rt-1"));
        assert!(recorder.take().iter().all(|line| !line.contains("failed")));
    }
}

#[tokio::test(start_paused = true)]
async fn f15_a_store_that_logs_out_wins_over_the_flight() {
    let store = CallsBack::new(Hook::Nothing, Hook::Clear);
    let (auth, _) = with_store(series(), store.clone());
    store.auth.set(auth.clone()).unwrap();
    let begun = Instant::now();
    assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::LoginRequired);
    quiet().await;
    assert_eq!(kept(&store.kept).await, None);
    assert!(begun.elapsed() < millis(20));
}

#[tokio::test(start_paused = true)]
async fn f15_a_store_that_sets_credentials_wins_over_the_flight() {
    let store = CallsBack::new(Hook::Set, Hook::Nothing);
    let (auth, _) = with_store(series(), store.clone());
    store.auth.set(auth.clone()).unwrap();
    let begun = Instant::now();
    assert_eq!(token(&auth).await.unwrap(), "set");
    assert!(begun.elapsed() < millis(20));
}

/// A source that asks its own authenticator, and reports its error as it is, or hides it in one of its own.
#[derive(Clone, Default)]
struct Itself {
    auth: Arc<OnceLock<Authenticator>>,
    hides: bool,
    initial: Option<Credentials>,
}

impl CredentialSource for Itself {
    async fn login(&self) -> Result<Credentials, Error> {
        let response = self.auth.get().unwrap().credentials().await;
        response.map_err(|error| if self.hides { Error::transient("the connection broke") } else { error })
    }

    async fn refresh(&self, _: &Credentials) -> Result<Credentials, Error> {
        self.login().await
    }

    fn initial(&self) -> Option<Credentials> {
        self.initial.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn f15_a_source_that_asks_its_own_authenticator_is_misconfigured_at_once() {
    let expiring = || credentials("at-0", Some("rt-0"), Some(1));
    for hides in [false, true] {
        for initial in [None, Some(expiring())] {
            let source = Itself { hides, initial, ..Itself::default() };
            let auth = exact(source.clone());
            source.auth.set(auth.clone()).unwrap();
            advance(seconds(2)).await;
            let begun = Instant::now();
            let error = token(&auth).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(error.to_string().contains("asks its own authenticator"), "{error}");
            assert!(begun.elapsed() < millis(20), "{:?}", begun.elapsed());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f15_what_a_store_asked_is_not_held_against_the_source() {
    let store = CallsBack::new(Hook::Credentials, Hook::Nothing);
    let script = Script::new().then_err(Error::login_required("the password is wrong"));
    let (auth, _) = with_store(script, store.clone());
    store.auth.set(auth.clone()).unwrap();
    assert_eq!(token(&auth).await.unwrap_err().kind(), ErrorKind::LoginRequired);
}

/// A source that gets its credentials from another authenticator, as for a token exchange.
#[tokio::test(start_paused = true)]
async fn f15_a_source_may_ask_another_authenticator() {
    let inner = exact(Script::new().then_ok(credentials("inner", None, Some(60))));
    let outer = exact(reauth::source_fn(move || {
        let inner = inner.clone();
        async move { inner.credentials().await }
    }));
    assert_eq!(token(&outer).await.unwrap(), "inner");
}

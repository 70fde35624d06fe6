//! The key in a keychain: created once, read once, and never replaced by something else.

use std::error::Error as _;
use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Wake};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keyring_core::api::CredentialApi as _;
use keyring_core::{Entry, Error as KeyringError, mock};
use reauth::ErrorKind;
use reauth::store::{Key, Keychain, Keys, MemoryStore, Sealed};

use crate::fake::Fake;

/// The name of the item. A program that was updated finds its key by it.
const NAME: &str = "reauth sealing key";
const TEXT: &str = "keychain-1.00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn locked() -> KeyringError {
    KeyringError::NoStorageAccess("the collection is locked".into())
}

#[tokio::test]
async fn r63_the_key_is_created_once_and_then_found() {
    let fake = Fake::default();
    let key = Keychain::in_store(fake.store(), "app").key().await.unwrap();
    assert_eq!((fake.written(), fake.found()), (1, 1), "it is read back");
    assert_eq!(fake.text().unwrap(), format!("{}.{}", key.id(), *key.expose_text()));
    // Another process.
    let again = Keychain::in_store(fake.store(), "app").key().await.unwrap();
    assert_eq!((again.id(), again.expose_text()), (key.id(), key.expose_text()));
    assert_eq!((fake.written(), fake.found()), (1, 2));
}

#[tokio::test]
async fn f101_clones_read_the_keychain_once_at_the_same_time_and_later() {
    let fake = Fake::holding(TEXT);
    let keychain = Keychain::in_store(fake.store(), "app");
    let other = keychain.clone();
    let (one, two) = tokio::join!(keychain.key(), other.key());
    assert_eq!((one.unwrap().id(), two.unwrap().id()), ("keychain-1", "keychain-1"));
    keychain.key().await.unwrap();
    assert_eq!((fake.written(), fake.found()), (0, 1));
}

#[tokio::test]
async fn f83_a_locked_keychain_is_not_an_empty_one() {
    let store = mock::Store::new().unwrap();
    let keychain = Keychain::in_store(store.clone(), "app");
    let store: Arc<keyring_core::CredentialStore> = store;
    let entry = Entry::new_in_store(&store, "app", NAME).unwrap();
    let item: &mock::Cred = entry.as_any().downcast_ref().unwrap();

    item.set_error(locked());
    let error = keychain.key().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_string().contains("unlock it"), "{error}");
    assert_eq!(error.source().unwrap().to_string(), "the collection is locked");
    assert!(matches!(entry.get_secret(), Err(KeyringError::NoEntry)), "nothing was created");

    // Unlocked, it is asked again.
    let key = keychain.key().await.unwrap();
    assert!(entry.get_password().unwrap().starts_with(key.id()));
}

#[tokio::test]
async fn f82_a_key_that_could_not_be_kept_is_not_used() {
    let fake = Fake::default().before_write(|| Err(locked()));
    let keychain = Keychain::in_store(fake.store(), "app");
    for _ in 0..2 {
        assert_eq!(keychain.key().await.unwrap_err().kind(), ErrorKind::Store);
    }
    assert_eq!((fake.written(), fake.text()), (0, None));
    // One that says that it has written the key, and has not.
    let fake = Fake::default().before_read(|| Err(KeyringError::NoEntry));
    let error = Keychain::in_store(fake.store(), "app").key().await.unwrap_err();
    assert!(error.to_string().contains("does not keep"), "{error}");
}

#[tokio::test]
async fn r63_of_two_processes_that_create_the_key_both_use_the_one_that_is_there() {
    let fake = Fake::default().overwritten_by(TEXT);
    let key = Keychain::in_store(fake.store(), "app").key().await.unwrap();
    assert_eq!(key.id(), "keychain-1");

    // Of two in one process, one waits for the other.
    let fake = Fake::default();
    let [one, two] = [(); 2].map(|()| Keychain::in_store(fake.store(), "app"));
    let (one, two) = tokio::join!(one.key(), two.key());
    assert_eq!(one.unwrap().expose_text(), two.unwrap().expose_text());
    assert_eq!(fake.written(), 1);
}

#[tokio::test]
async fn r63_a_key_that_is_new_is_read_again_because_another_process_may_write_over_it() {
    let created_in = |seconds: u64| {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(seconds);
        TEXT.replacen('1', &format!("{}-0", time.as_millis()), 1)
    };
    let (fake, mut reads) = (Fake::default(), 0);
    let other = fake.clone();
    let fake = fake.before_read(move || {
        reads += 1;
        other.set_secret(if reads == 1 { created_in(0) } else { TEXT.to_owned() }.as_bytes())
    });
    assert_eq!(Keychain::in_store(fake.store(), "app").key().await.unwrap().id(), "keychain-1");
    // One of the future is used as it is: a clock was set back.
    let fake = Fake::holding(&created_in(3600));
    Keychain::in_store(fake.store(), "app").key().await.unwrap();
    assert_eq!(fake.found(), 1);
}

#[tokio::test]
async fn r63_what_is_not_a_key_is_kept_and_is_not_shown() {
    for text in ["hunter2", "keychain-1.hunter2", "hunter 2.00", &TEXT[..TEXT.len() - 2]] {
        let fake = Fake::holding(text);
        let error = Keychain::in_store(fake.store(), "app").key().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("`app`") && !shown.contains("hunter") && !shown.contains("0011"), "{shown}");
        assert_eq!((fake.text().as_deref(), fake.written()), (Some(text), 0));
    }
    // Nor is what `keyring-core` passes on.
    let fake = Fake::default().before_read(|| Err(KeyringError::BadEncoding(b"hunter2".to_vec())));
    let error = Keychain::in_store(fake.store(), "app").key().await.unwrap_err();
    assert!(!format!("{error:?}").contains("104"), "{error:?}");
}

#[tokio::test]
async fn r63_without_a_default_store_the_error_says_how_to_set_one() {
    let error = Keychain::new("app").key().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("set_default_store"), "{error}");
    keyring_core::set_default_store(Fake::holding(TEXT).store());
    assert_eq!(Keychain::new("app").key().await.unwrap().id(), "keychain-1");
}

/// Without Tokio there is no timer.
#[test]
fn r63_the_key_comes_without_a_runtime_too() {
    struct Unpark(std::thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Arc::new(Unpark(std::thread::current())).into();
    let keychain = Keychain::in_store(Fake::holding(TEXT).store(), "app");
    let mut key = pin!(keychain.key());
    let key = loop {
        match key.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(key) => break key,
            Poll::Pending => std::thread::park(),
        }
    };
    assert_eq!(key.unwrap().id(), "keychain-1");
}

#[test]
fn all_types_are_send_sync_and_debug_and_show_no_key() {
    fn check(value: impl Send + Sync + Debug) -> String {
        format!("{value:?}")
    }
    let keychain = Keychain::in_store(Fake::default().store(), "app");
    let (_, key) = TEXT.split_once('.').unwrap();
    let key = Key::from_text("2026", key).unwrap();
    let shown = [
        check(keychain.clone()),
        check(key.clone()),
        check(Keys::new(key.clone()).with_older(key.clone())),
        check(Sealed::new(MemoryStore::new(), key)),
    ];
    assert!(shown.iter().all(|shown| !shown.contains("0011") && !shown.contains("[0, 17")), "{shown:?}");
    fn is_send(_: impl Send) {}
    is_send(keychain.key());
}

#[tokio::test]
async fn f98_a_keychain_may_run_a_runtime_of_its_own() {
    let fake = Fake::holding(TEXT).before_read(|| {
        // Inside of a runtime, this panics.
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {});
        Ok(())
    });
    assert!(Keychain::in_store(fake.store(), "app").key().await.is_ok());
}

#[tokio::test]
async fn f98_a_keychain_that_panics_is_an_error_and_is_asked_again() {
    let mut is_first = true;
    let fake = Fake::holding(TEXT).before_read(move || {
        assert!(!std::mem::take(&mut is_first), "the keychain of this test panics");
        Ok(())
    });
    let keychain = Keychain::in_store(fake.store(), "app");
    let error = keychain.key().await.unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    // The hook is gone with its panic.
    assert!(keychain.key().await.is_ok());
}

/// The runtime ends while the call hangs. On a thread of its blocking pool, that would never return.
#[test]
fn f97_a_keychain_that_hangs_keeps_neither_the_caller_nor_the_runtime() {
    let (resume, resumed) = channel::<()>();
    let fake = Fake::holding(TEXT).before_read(move || {
        let _ = resumed.recv();
        Ok(())
    });
    let keychain = Keychain::in_store(fake.store(), "app").timeout(Duration::from_secs(5));
    let start = || {
        // The clock moves on when nothing else is left to do.
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
    };
    for _ in 0..2 {
        let error = start().block_on(keychain.key()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
        assert!(error.to_string().contains("in time"), "{error}");
    }
    drop(resume);
    // It was asked once, and its late response is used.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert_eq!(runtime.block_on(keychain.key()).unwrap().id(), "keychain-1");
    assert_eq!(fake.found(), 1);
}

//! No copy of a token is left in memory that was freed (R41). The allocator of this program searches each block for
//! the tokens before it frees it.

#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]
#![allow(unsafe_code, reason = "an allocator can't be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

#[cfg(all(feature = "file", unix))]
use reauth::store::FileStore;
use reauth::store::{CredentialStore, Entry, MemoryStore};
#[cfg(feature = "seal")]
use reauth::store::{Key, Sealed};
use reauth::{Authenticator, CredentialSource, Credentials, Error};
use zeroize::Zeroizing;

/// A part of each token that no escape changes: a copy is found in whatever form it is.
const MARKS: [&str; 4] = ["the-access-token", "the-refresh-token", "a key of 32 byt", "61206b6579206f66"];
const ACCESS: &str = "1/the-access-token";
/// With everything that is written or read as an escape.
const REFRESH: &str = "\"\\ /ü😀 the-refresh-token \"\\ /ü😀";

/// The text of a key: its bytes begin with the third mark, and itself with the fourth.
#[cfg(feature = "seal")]
const KEY: &str = "61206b6579206f662033322062797465732c20616c6c206f66207468656d2e2e";

fn credentials() -> Credentials {
    let expires_at = SystemTime::now() + Duration::from_secs(3600);
    let credentials = Credentials::new(ACCESS).unwrap().with_refresh_token(REFRESH).unwrap();
    credentials.with_expires_at(expires_at).with_field("id_token", REFRESH)
}

#[test]
fn r41_the_search_finds_what_was_not_overwritten() {
    for token in [ACCESS, REFRESH] {
        assert_eq!(copies_left_by(|| drop(String::from(token))), 1);
        assert_eq!(copies_left_by(|| drop(Zeroizing::new(String::from(token)))), 0);
        // What grows leaves what was before: the buffer can't be overwritten after that.
        let grow = |mut text: Zeroizing<String>| text.reserve(1 << 10);
        assert_eq!(copies_left_by(|| grow(Zeroizing::new(String::from(token)))), 1);
    }
    assert_eq!(copies_left_by(|| drop([ACCESS, REFRESH, ACCESS].concat())), 3);
}

#[test]
fn r41_credentials_leave_no_copy() {
    assert_eq!(copies_left_by(|| drop(credentials())), 0);
    // A text that has room to grow is a block of another size than its tokens.
    let roomy = |token: &str| {
        let mut text = String::with_capacity(1000);
        text.push_str(token);
        text
    };
    let from_roomy = || Credentials::new(roomy(ACCESS)).unwrap().with_refresh_token(roomy(REFRESH)).unwrap();
    assert_eq!(copies_left_by(|| drop(from_roomy())), 0);
    let refused = || {
        (
            Credentials::new(roomy("the-access-token ?")),
            credentials().with_refresh_token("the-refresh-token\n"),
        )
    };
    assert_eq!(copies_left_by(|| assert!(matches!(refused(), (Err(_), Err(_))))), 0);
}

#[test]
fn r41_the_json_of_a_store_leaves_no_copy_when_it_is_written_and_read() {
    let round_trip = || {
        let written = credentials();
        let read = Credentials::from_json(&written.expose_json()).unwrap();
        assert_eq!((read.access_token(), read.refresh_token()), (ACCESS, Some(REFRESH)));
        assert_eq!(read.field("id_token"), Some(REFRESH));
    };
    assert_eq!(copies_left_by(round_trip), 0);
}

#[test]
fn r41_json_that_another_program_wrote_leaves_no_copy() {
    let escaped =
        r#"{"access_token":"1\/the-access-token","refresh_token":"\u00fc\ud83d\ude00 the-refresh-token"}"#;
    let read = || {
        let read = Credentials::from_json(escaped).unwrap();
        assert_eq!((read.access_token(), read.refresh_token()), (ACCESS, Some("ü😀 the-refresh-token")));
    };
    assert_eq!(copies_left_by(read), 0);
    for unusable in [
        r#"{"access_token":"the-access-token","refresh_token":"the-refresh-token\n"}"#,
        r#"{"access_token":"the-access-token\ud83d","refresh_token":"the-refresh-token"}"#,
        r#"{"access_token":"the-access-token","refresh_token":"the-refresh-token","expires_at":"soon"}"#,
        r#"{"refresh_token":"\"the-refresh-token","access_token":"the-access-token""#,
    ] {
        assert_eq!(copies_left_by(|| assert!(Credentials::from_json(unusable).is_err())), 0, "{unusable}");
    }
}

#[test]
fn r41_a_store_in_memory_leaves_no_copy() {
    assert_eq!(copies_left_by(|| runs_with(MemoryStore::new())), 0);
}

#[test]
fn r41_a_store_that_keeps_the_json_leaves_no_copy() {
    assert_eq!(copies_left_by(|| runs_with(TextStore::default())), 0);
}

#[cfg(feature = "seal")]
#[test]
fn r41_a_store_that_is_sealed_leaves_no_copy_and_neither_does_its_key() {
    let sealed = || runs_with(Sealed::new(TextStore::default(), Key::from_text("k", KEY).unwrap()));
    assert_eq!(copies_left_by(sealed), 0);
    // Members that the crate does not know are secrets, too.
    // A constant: what this test freed outside of its turn would count in the turn of another one.
    const TEXT: &str = r#"{"access_token":"1/the-access-token","note":"the-refresh-token"}"#;
    let with_a_note = || {
        let store = Sealed::new(TextStore::default(), Key::from_text("k", KEY).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let entry = Entry::from_text(TEXT).unwrap();
            store.save(&entry).await.unwrap();
            assert_eq!(*store.load().await.unwrap().unwrap().expose_text(), *entry.expose_text());
        });
    };
    assert_eq!(copies_left_by(with_a_note), 0);
    assert_eq!(copies_left_by(|| drop(Key::from_text("k", KEY).unwrap().expose_text())), 0);
}

#[cfg(all(feature = "file", unix))]
#[test]
fn r41_a_store_in_a_file_leaves_no_copy() {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("freed-memory");
    let of = || FileStore::in_directory(&directory).unwrap();
    assert_eq!(copies_left_by(|| runs_with(of())), 0);
    // What is there is read again, and written over.
    assert_eq!(copies_left_by(|| runs_with(of())), 0);
    std::fs::remove_dir_all(&directory).unwrap();
}

/// A first run of a program logs in and refreshes; a second finds the tokens in the store; then it logs out.
fn runs_with(store: impl CredentialStore + Clone) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let start = || Authenticator::builder(Provider).store(store.clone()).build();
    runtime.block_on(async {
        let auth = start();
        assert_eq!(auth.credentials().await.unwrap().refresh_token(), Some(REFRESH));
        auth.refresh().await.unwrap();
        drop(auth);
        let auth = start();
        assert_eq!(auth.credentials().await.unwrap().access_token(), ACCESS);
        auth.log_out().await.unwrap();
    });
}

struct Provider;

impl CredentialSource for Provider {
    async fn login(&self) -> Result<Credentials, Error> {
        Ok(credentials())
    }

    async fn refresh(&self, _: &Credentials) -> Result<Credentials, Error> {
        Ok(credentials())
    }
}

#[derive(Clone, Default)]
struct TextStore(Arc<Mutex<Option<Zeroizing<String>>>>);

impl CredentialStore for TextStore {
    async fn load(&self) -> Result<Option<Entry>, Error> {
        self.0.lock().unwrap().as_deref().map(|text| Entry::from_text(text)).transpose()
    }

    async fn save(&self, entry: &Entry) -> Result<(), Error> {
        *self.0.lock().unwrap() = Some(entry.expose_text());
        Ok(())
    }
}

/// How many copies of the tokens were in the memory that was freed meanwhile.
fn copies_left_by(run: impl FnOnce()) -> usize {
    // One at a time: the allocator counts for the whole program.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = COPIES.load(SeqCst);
    run();
    COPIES.load(SeqCst) - before
}

static COPIES: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Searching = Searching;

struct Searching;

// SAFETY: each block is one of the system's allocator, with the layout that was asked for.
unsafe impl GlobalAlloc for Searching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the same contract. Zeroed, so that each block can be read when it is freed, and
        // has nothing of what was there before.
        unsafe { System.alloc_zeroed(layout) }
    }

    // `realloc` is the trait's own: it makes a new block and frees the old one here.
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is still the caller's, and has the size that the layout says.
        let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
        let copies =
            MARKS.map(|mark| bytes.windows(mark.len()).filter(|part| *part == mark.as_bytes()).count());
        COPIES.fetch_add(copies.iter().sum(), SeqCst);
        // SAFETY: the block is of this allocator, and so of the system's.
        unsafe { System.dealloc(block, layout) }
    }
}

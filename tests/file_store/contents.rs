//! What is in the file: whole, unknown, damaged.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use reauth::ErrorKind;
use reauth::store::{CredentialStore as _, Entry, Replaced};

use crate::support::{LONG, Process, Scratch, block_on, entry, open, proof, request, same, text};

#[test]
fn f75_no_beginning_of_a_file_is_used_as_a_token() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let whole = text(1);
    block_on(async {
        for length in 0..whole.len() {
            fs::write(scratch.file(), &whole[..length]).unwrap();
            let error = store.load().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Store);
            assert!(error.to_string().ends_with("; log in again"), "{error}");
            assert!(!format!("{error:?}").contains("at-1"), "{error:?}");
            // It is kept, and it is an error once.
            assert!(store.load().await.unwrap().is_none());
            let kept = fs::read(scratch.path().join(format!("entry.json.damaged-{}", (length + 1).min(9))));
            assert_eq!(kept.unwrap(), &whole.as_bytes()[..length]);
        }
    });
}

#[test]
fn f75_other_formats_are_no_token_either() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let long = text(1).replace("at-1", &"x".repeat(2 << 20));
    let others: [&[u8]; 6] =
        [b"at-1\n", b"[\"at-1\"]", b"\xff\xfe{}", b"access_token=at-1", &[0; 4096], long.as_bytes()];
    for other in others {
        fs::write(scratch.file(), other).unwrap();
        let guard = block_on(store.guard(&proof(1))).unwrap();
        assert!(guard.found().is_err() && !guard.is_written());
        assert!(!scratch.file().exists());
        drop(guard);
        fs::write(scratch.file(), other).unwrap();
        let replaced = block_on(store.replace(Some(entry(1).version()), &entry(2))).unwrap();
        assert!(matches!(replaced, Replaced::No(None)));
        assert!(!scratch.file().exists());
        fs::write(scratch.file(), other).unwrap();
        assert!(matches!(block_on(store.replace(None, &entry(2))).unwrap(), Replaced::Yes));
        assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(2)));
    }
}

#[test]
fn f89_members_that_this_version_does_not_know_are_kept() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let unknown = r#","issuer":"https://id.example.com/ü","later":{"b":[1.50, 2e3 ,null],"a":"\u0041"}"#;
    fs::write(scratch.file(), text(1).replace('}', &format!("{unknown}}}"))).unwrap();

    let found = block_on(store.load()).unwrap().unwrap();
    let noted =
        Entry::from_text(&found.expose_text().replace(unknown, &format!(",\"refused\":true{unknown}")))
            .unwrap();
    block_on(store.replace(Some(found.version()), &noted)).unwrap();

    assert!(fs::read_to_string(scratch.file()).unwrap().ends_with(&format!("{unknown}}}")));
}

#[test]
fn f90_a_log_out_needs_to_read_nothing() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let logged_out = Entry::from_text(r#"{"logged_out":true,"version":"2-1-0-1"}"#).unwrap();
    for other in [&b"{\"format\":\"of last year\"}"[..], b"", b"\0\0\0"] {
        fs::write(scratch.file(), other).unwrap();
        block_on(store.save(&logged_out)).unwrap();
        assert!(block_on(store.load()).unwrap().unwrap().is_logged_out());
    }
    assert_eq!(scratch.names(), ["entry.json", "entry.json.lock"]);
}

#[test]
fn f74_who_reads_without_a_lock_finds_a_whole_file() {
    let scratch = Scratch::new();
    let store = scratch.store();
    block_on(store.save(&entry(1))).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scratch.store();
        let is_over = &is_over;
        scope.spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                block_on(reader.load()).unwrap().unwrap();
            }
        });
        for generation in 1..200 {
            block_on(store.save(&entry(generation))).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn f74_a_process_that_is_killed_at_any_time_leaves_a_whole_file() {
    let scratch = Scratch::new();
    let store = scratch.store();
    block_on(store.save(&entry(1))).unwrap();
    for _ in 0..40 {
        let mut process = Process::start("refresh for ever", &scratch.file());
        assert!(process.says("running"));
        std::thread::sleep(std::time::Duration::from_micros(fastrand::u64(0..15_000)));
        process.kill();
        let left = block_on(store.load()).unwrap();
        assert!([entry(1), open(1), entry(2)].iter().any(|entry| same(left.as_ref(), entry)), "{left:?}");
        block_on(store.guard(&request(LONG))).unwrap();
        block_on(store.load()).unwrap();
        assert_eq!(scratch.names(), ["entry.json", "entry.json.guard", "entry.json.lock"]);
    }
}

/// On Windows a reader would hold a rename up. A write waits for it, and never writes over the file in place.
#[test]
fn f95_a_file_that_somebody_has_open_is_replaced_and_not_overwritten() {
    let scratch = Scratch::new();
    let store = scratch.store();
    block_on(store.save(&entry(1))).unwrap();
    let reader = fs::File::open(scratch.file()).unwrap();
    block_on(store.save(&entry(2))).unwrap();
    assert_eq!(std::io::read_to_string(reader).unwrap(), text(1));
    assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(2)));
}

#[test]
fn f98_every_call_works_inside_and_outside_of_a_runtime() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let calls = async {
        store.save(&entry(1)).await.unwrap();
        let guard = store.guard(&proof(1)).await.unwrap();
        store.replace(Some(entry(1).version()), &entry(2)).await.unwrap();
        drop(guard);
        assert!(same(store.load().await.unwrap().as_ref(), &entry(2)));
    };
    block_on(calls);
    let without_a_runtime = async {
        store.save(&entry(3)).await.unwrap();
        drop(store.guard(&request(LONG)).await.unwrap());
        assert!(same(store.load().await.unwrap().as_ref(), &entry(3)));
    };
    poll_until_ready(without_a_runtime);
}

fn poll_until_ready<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
            std::task::Poll::Ready(value) => return value,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn r40_no_secret_is_shown() {
    let scratch = Scratch::new();
    let store = scratch.store();
    block_on(store.save(&entry(1))).unwrap();
    let guard = block_on(store.guard(&proof(1))).unwrap();
    let shown = format!("{store:?} {guard:?}");
    assert!(shown.contains("entry.json") && !shown.contains("at-1") && !shown.contains("rt-1"), "{shown}");
}

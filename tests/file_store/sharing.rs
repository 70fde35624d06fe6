//! Several processes at once, and several ways to one file.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use reauth::store::{CredentialStore as _, Entry, FileStore, GuardError, Replaced};

use crate::support::{
    LONG, Process, SHORT, Scratch, block_on, entry, hear, names, open, proof, request, same, say, text,
};

const TURNS: u64 = 60;

#[test]
fn f69_two_processes_are_never_inside_at_once() {
    let scratch = Scratch::new();
    let store = scratch.store();
    block_on(store.save(&entry(0))).unwrap();
    let mut processes: Vec<_> = (0..3).map(|_| Process::start("take turns", &scratch.file())).collect();
    for process in &mut processes {
        assert!(process.says("ready"));
    }
    processes.iter_mut().for_each(|process| process.tell("go"));
    for process in processes {
        assert_eq!(process.code(), Some(0));
    }
    // Each turn has written the successor of what it found.
    assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(3 * TURNS)));
    assert_eq!(scratch.names(), ["entry.json", "entry.json.guard", "entry.json.lock"]);
}

pub fn take_turns(store: &FileStore, file: &Path) {
    let inside = file.with_extension("inside");
    say("ready");
    hear();
    for _ in 0..TURNS {
        block_on(async {
            let guard = store.guard(&request(LONG)).await.unwrap();
            // If another one was inside, the file would be there.
            fs::File::create_new(&inside).unwrap();
            let found = guard.found().unwrap().unwrap();
            let next = entry(generation(found) + 1);
            let replaced = store.replace(Some(found.version()), &next).await.unwrap();
            assert!(matches!(replaced, Replaced::Yes));
            fs::remove_file(&inside).unwrap();
        });
    }
}

#[test]
fn f70_every_spelling_of_a_path_has_the_same_guard() {
    let scratch = Scratch::new();
    let real = scratch.path().join("real");
    fs::create_dir(&real).unwrap();
    symlink(&real, scratch.path().join("directory")).unwrap();
    symlink("real/entry.json", scratch.path().join("file.json")).unwrap();
    symlink("file.json", scratch.path().join("twice.json")).unwrap();
    let spellings =
        ["real/entry.json", "real/../real/./entry.json", "directory/entry.json", "file.json", "twice.json"];
    let stores = spellings.map(|path| FileStore::at(scratch.path().join(path)).unwrap());
    block_on(async {
        for holder in &stores {
            let _guard = holder.guard(&request(LONG)).await.unwrap();
            for store in stores.iter().filter(|store| !std::ptr::eq(*store, holder)) {
                assert!(matches!(store.guard(&request(SHORT / 10)).await, Err(GuardError::Held(_))));
            }
        }
        for (generation, store) in (1..).zip(&stores) {
            store.save(&entry(generation)).await.unwrap();
            for store in &stores {
                assert!(same(store.load().await.unwrap().as_ref(), &entry(generation)));
            }
        }
    });
    // The links are still links, and the locks lie beside the file that they lead to.
    assert_eq!(scratch.names(), ["directory", "file.json", "real", "twice.json"]);
    assert!(fs::symlink_metadata(scratch.path().join("file.json")).unwrap().is_symlink());
}

#[test]
fn f70_a_link_that_is_changed_under_the_guard_does_not_lead_the_write_elsewhere() {
    let scratch = Scratch::new();
    let [first, second] = ["first", "second"].map(|name| scratch.path().join(name));
    [&first, &second].iter().for_each(|directory| fs::create_dir(directory).unwrap());
    let current = scratch.path().join("current");
    symlink(&first, &current).unwrap();
    let store = FileStore::at(current.join("entry.json")).unwrap();
    block_on(store.save(&entry(1))).unwrap();
    let guard = block_on(store.guard(&proof(1))).unwrap();
    fs::remove_file(&current).unwrap();
    symlink(&second, &current).unwrap();
    assert!(matches!(block_on(store.replace(Some(entry(1).version()), &entry(2))).unwrap(), Replaced::Yes));
    drop(guard);
    assert_eq!(fs::read_to_string(first.join("entry.json")).unwrap(), *entry(2).expose_text());
    assert!(names(&second).is_empty());
}

#[test]
fn f73_two_parts_of_one_program_that_share_a_file_share_its_guard() {
    let scratch = Scratch::new();
    let stores = [
        FileStore::in_directory(scratch.path()).unwrap(),
        FileStore::in_directory(scratch.path()).unwrap().profile("default").unwrap(),
        FileStore::at(scratch.path().join("default.json")).unwrap(),
    ];
    let other = FileStore::in_directory(scratch.path()).unwrap().profile("other").unwrap();
    block_on(async {
        let guard = stores[0].guard(&request(LONG)).await.unwrap();
        for store in stores.iter().chain([&stores[0].clone()]) {
            let Err(GuardError::Held(Some(by))) = store.guard(&request(SHORT / 10)).await else {
                panic!("two have the guard of one file")
            };
            assert_eq!(by.pid(), std::process::id());
        }
        drop(other.guard(&request(LONG)).await.unwrap());
        drop(guard);
        drop(stores[2].guard(&request(LONG)).await.unwrap());
    });
}

#[test]
fn r52_a_write_names_what_it_replaces() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let replace = |expected: Option<u64>, new: u64| {
        let expected = expected.map(|expected| *entry(expected).version());
        match block_on(store.replace(expected.as_ref(), &entry(new))).unwrap() {
            Replaced::Yes => Ok(()),
            Replaced::No(found) => Err(found.map(|found| found.version().to_string())),
        }
    };
    let version = |generation| Some(entry(generation).version().to_string());
    assert_eq!(replace(Some(1), 2), Err(None));
    assert_eq!(replace(None, 1), Ok(()));
    assert_eq!(replace(None, 2), Err(version(1)));
    assert_eq!(replace(Some(7), 2), Err(version(1)));
    assert_eq!(replace(Some(1), 2), Ok(()));
    // It was reported as failed and is repeated. What others have noted since then stays.
    fs::write(scratch.file(), open(2).expose_text().as_bytes()).unwrap();
    assert_eq!(replace(Some(1), 2), Ok(()));
    assert!(same(block_on(store.load()).unwrap().as_ref(), &open(2)));
}

#[test]
fn r52_writers_without_the_guard_overwrite_nothing_unseen() {
    const WRITES: u64 = 40;
    let scratch = Scratch::new();
    block_on(scratch.store().save(&entry(0))).unwrap();
    std::thread::scope(|scope| {
        for store in [scratch.store(), scratch.store(), scratch.store()] {
            scope.spawn(move || {
                let mut written = 0;
                let mut known = entry(0);
                while written < WRITES {
                    // The last part of a version is random: two writers never write the same one.
                    let write = format!("{:016x}\"", fastrand::u64(..));
                    let next = text(generation(&known) + 1);
                    let next =
                        Entry::from_text(&(next[..next.len() - 18].to_owned() + &write + "}")).unwrap();
                    match block_on(store.replace(Some(known.version()), &next)).unwrap() {
                        Replaced::Yes => (written, known) = (written + 1, next),
                        Replaced::No(found) => known = found.unwrap(),
                    }
                }
            });
        }
    });
    let last = block_on(scratch.store().load()).unwrap().unwrap();
    assert_eq!(generation(&last), 3 * WRITES);
}

fn generation(entry: &Entry) -> u64 {
    entry.version().to_string().split('-').nth(2).unwrap().parse().unwrap()
}

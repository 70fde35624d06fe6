//! Where the file lies.

use std::fs;

use reauth::ErrorKind;
use reauth::store::{CredentialStore as _, FileStore};

use crate::support::{Process, Scratch, block_on, entry, names, same, with_mounts};

#[test]
fn f71_every_profile_has_a_file_of_its_own_inside_the_directory() {
    let scratch = Scratch::new();
    let directory = scratch.path().join("in/here");
    let profiles =
        ["default", ".", "..", "a/b", "../../x", "«c", "઼", "A", "a", "con", "%", "x\0y", " ", "\n"];
    let stores = profiles.map(|name| FileStore::in_directory(&directory).unwrap().profile(name).unwrap());
    for (generation, store) in (1..).zip(&stores) {
        block_on(store.save(&entry(generation))).unwrap();
    }
    for (generation, store) in (1..).zip(&stores) {
        assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(generation)), "{generation}");
    }
    let files = names(&directory);
    assert_eq!(files.iter().filter(|name| name.ends_with(".json")).count(), profiles.len(), "{files:?}");
    assert_eq!(files.iter().filter(|name| name.ends_with(".lock")).count(), profiles.len(), "{files:?}");
    assert_eq!(scratch.names(), ["in"]);
    assert_eq!(names(&scratch.path().join("in")), ["here"]);
}

#[test]
fn f71_a_name_that_names_nothing_is_refused_with_a_remedy() {
    let of = |name: &str| FileStore::in_directory("x").unwrap().profile(name);
    let refusals = [
        of(""),
        of(&"ü".repeat(50)),
        FileStore::new("a/b"),
        FileStore::new(""),
        FileStore::at(""),
        FileStore::at("/"),
        FileStore::at(".."),
        FileStore::in_directory(""),
        FileStore::at("x.json").unwrap().profile("work"),
    ];
    for refusal in refusals {
        let error = refusal.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains(';'), "{error}");
    }
}

#[test]
fn a_program_can_ask_where_the_file_is() {
    let scratch = Scratch::new();
    let store = FileStore::in_directory(scratch.path()).unwrap().profile("a/b").unwrap();
    assert_eq!(store.path().unwrap(), scratch.path().join("a%2fb.json"));
    block_on(store.save(&entry(1))).unwrap();
    assert!(store.path().unwrap().exists());
}

#[test]
fn f72_only_the_directory_of_the_file_is_written() {
    let scratch = Scratch::new();
    let directory = scratch.path().join("writable");
    fs::create_dir(&directory).unwrap();
    // Everything else is read-only for that process.
    let script = r#"mount --bind "$0" "$0" && mount -o remount,bind,ro / && ! touch "$0/../x""#;
    with_mounts(script, "only one directory", &directory.join("entry.json"));
    let files = names(&directory);
    assert!(files.is_empty() || files == ["entry.json", "entry.json.guard", "entry.json.lock"], "{files:?}");
}

#[test]
fn f72_making_a_store_and_reading_it_creates_nothing() {
    let scratch = Scratch::new();
    let store = FileStore::in_directory(scratch.path().join("a/b")).unwrap();
    assert!(block_on(store.load()).unwrap().is_none());
    assert!(scratch.names().is_empty());
    block_on(store.save(&entry(1))).unwrap();
    assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(1)));
}

#[test]
fn f72_a_directory_that_was_deleted_is_created_again() {
    let scratch = Scratch::new();
    let directory = scratch.path().join("a");
    let store = FileStore::in_directory(&directory).unwrap();
    block_on(store.save(&entry(1))).unwrap();
    fs::remove_dir_all(&directory).unwrap();
    assert!(block_on(store.load()).unwrap().is_none());
    block_on(store.save(&entry(2))).unwrap();
    assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(2)));
}

#[cfg(target_os = "linux")]
#[test]
fn f72_an_application_has_its_file_in_the_directory_for_state() {
    let scratch = Scratch::new();
    for (variable, below) in [("XDG_STATE_HOME", ""), ("HOME", ".local/state")] {
        let home = scratch.path().join(variable);
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.env_remove("XDG_STATE_HOME").env(variable, &home);
        assert_eq!(Process::of(command, "application", &scratch.file()).code(), Some(0));
        let directory = home.join(below).join("some-tool/credentials");
        assert_eq!(names(&directory), ["default.json", "default.json.lock"]);
    }
}

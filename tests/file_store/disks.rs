//! Disks that are full, read-only, or mounted in the wrong place. They are real ones.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use reauth::store::{CredentialStore as _, FileStore, GuardError, Replaced};

use crate::support::{LONG, Scratch, block_on, entry, names, open, proof, request, same, with_mounts};

const SMALL_DISK: &str = r#"mount -t tmpfs -o size=128k,mode=700 reauth "$0""#;

const EXT4_DISK: &str = r#"
    truncate -s 1M "$0/image" && mkfs.ext4 -q -m 0 -O ^has_journal "$0/image" &&
    mount -o loop "$0/image" "$0" && rmdir "$0/lost+found""#;

fn not_writable(store: &FileStore, remedy: &str) {
    let Err(GuardError::NotWritable(error)) = block_on(store.guard(&proof(1))) else {
        panic!("the disk can't be written, and nobody has noticed")
    };
    assert!(error.to_string().contains(remedy), "{error}");
}

/// Fills the disk to the last byte.
fn fill(file: &Path) {
    let filling = file.with_file_name("filling");
    let mut filling = File::options().append(true).create(true).open(filling).unwrap();
    for length in [4096, 1] {
        while filling.write_all(&vec![0; length]).is_ok() {}
    }
}

#[test]
fn f74_a_full_disk_is_found_out_before_the_exchange_and_does_not_lose_what_it_brings() {
    with_mounts(SMALL_DISK, "full disk", &Scratch::new().file());
    with_mounts(EXT4_DISK, "full disk", &Scratch::new().file());
}

pub fn full(file: &Path) {
    let store = FileStore::at(file).unwrap();
    block_on(store.save(&entry(1))).unwrap();
    // It becomes full after the proof.
    let guard = block_on(store.guard(&proof(1))).unwrap();
    assert!(guard.is_written());
    fill(file);
    File::create(file.with_file_name("probe")).unwrap().write_all(b"x").unwrap_err();
    let replaced = block_on(store.replace(Some(entry(1).version()), &entry(2))).unwrap();
    assert!(matches!(replaced, Replaced::Yes));
    drop(guard);
    assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(2)));

    // It is full before the proof: the file stays as it was, and the guard is free.
    fill(file);
    block_on(store.save(&entry(1))).unwrap_err();
    let request = reauth::store::GuardRequest::new(LONG).with_entry(Some(*entry(2).version()), open(2));
    for _ in 0..2 {
        let Err(GuardError::NotWritable(error)) = block_on(store.guard(&request)) else {
            panic!("nobody has noticed that the disk is full")
        };
        assert!(error.to_string().contains("free some space"), "{error}");
    }
    assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(2)));
    let expected = ["entry.json", "entry.json.guard", "entry.json.lock", "filling", "probe"];
    assert_eq!(names(file.parent().unwrap()), expected);

    fs::remove_file(file.with_file_name("filling")).unwrap();
    assert!(block_on(store.guard(&request)).unwrap().is_written());
}

#[test]
fn f74_a_disk_without_inodes_is_found_out_before_the_exchange() {
    let script = r#"mount -t tmpfs -o nr_inodes=6,mode=700 reauth "$0""#;
    with_mounts(script, "no inodes", &Scratch::new().file());
}

pub fn no_inodes(file: &Path) {
    let store = FileStore::at(file).unwrap();
    block_on(store.save(&entry(1))).unwrap();
    drop(block_on(store.guard(&request(LONG))).unwrap());
    // The directory, three files, and one of the two that a refresh needs.
    File::create(file.with_file_name("other")).unwrap();
    not_writable(&store, "free some space");
    assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(1)));
}

#[test]
fn f77_a_read_only_disk_is_found_out_before_the_exchange() {
    let scratch = Scratch::new();
    block_on(scratch.store().save(&entry(1))).unwrap();
    let script = r#"mount --bind "$0" "$0" && mount -o remount,bind,ro "$0""#;
    with_mounts(script, "read-only disk", &scratch.file());
    with_mounts(script, "read-only disk", &scratch.file());
}

pub fn read_only(file: &Path) {
    let store = FileStore::at(file).unwrap();
    not_writable(&store, "make its file system writable");
    block_on(store.save(&entry(2))).unwrap_err();
    // A token that is there can be used.
    assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(1)));
}

#[test]
fn f77_a_disk_that_has_become_read_only_is_found_out_and_none_becomes_so_under_the_guard() {
    let script = r#"mount -t tmpfs -o mode=700 reauth "$0""#;
    with_mounts(script, "disk that becomes read-only", &Scratch::new().file());
}

pub fn becomes_read_only(file: &Path) {
    let directory = file.parent().unwrap();
    let remount = |options: &str| mount(&["-o", &format!("remount,{options}")], directory);
    let store = FileStore::at(file).unwrap();
    block_on(store.save(&entry(1))).unwrap();
    drop(block_on(store.guard(&request(LONG))).unwrap());
    // It is given back by the thread that reads.
    block_on(store.load()).unwrap();
    assert!(remount("ro"));
    not_writable(&store, "make its file system writable");
    assert!(remount("rw"));
    let guard = block_on(store.guard(&proof(1))).unwrap();
    // The room that is kept is an open file.
    assert!(!remount("ro"));
    assert!(matches!(block_on(store.replace(Some(entry(1).version()), &entry(2))).unwrap(), Replaced::Yes));
    drop(guard);
    assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(2)));
}

fn mount(options: &[&str], target: &Path) -> bool {
    Command::new("mount").args(options).arg(target).stderr(Stdio::null()).status().unwrap().success()
}

#[test]
fn f74_a_write_that_failed_is_tried_again_in_the_room_that_was_kept() {
    with_mounts(SMALL_DISK, "second attempt", &Scratch::new().file());
}

pub fn second_attempt(file: &Path) {
    let store = FileStore::at(file).unwrap();
    block_on(store.save(&entry(1))).unwrap();
    let guard = block_on(store.guard(&proof(1))).unwrap();
    fill(file);
    assert!(mount(&["--bind", file.to_str().unwrap()], file));
    for _ in 0..2 {
        block_on(store.replace(Some(entry(1).version()), &entry(2))).unwrap_err();
        // If the room was given up meanwhile, others have it now.
        fill(file);
    }
    assert!(Command::new("umount").arg(file).status().unwrap().success());
    assert!(matches!(block_on(store.replace(Some(entry(1).version()), &entry(2))).unwrap(), Replaced::Yes));
    drop(guard);
    assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(2)));
}

#[test]
fn f94_a_mounted_file_is_refused_and_the_error_says_to_mount_the_directory() {
    let scratch = Scratch::new();
    block_on(scratch.store().save(&entry(1))).unwrap();
    let script = r#"mount --bind "$0/entry.json" "$0/entry.json""#;
    with_mounts(script, "mounted file", &scratch.file());
    assert!(same(block_on(scratch.store().load()).unwrap().as_ref(), &entry(1)));
}

pub fn mounted_file(file: &Path) {
    let store = FileStore::at(file).unwrap();
    not_writable(&store, "mount the directory, not the file");
    block_on(store.save(&entry(2))).unwrap_err();
    block_on(store.replace(Some(entry(1).version()), &entry(2))).unwrap_err();
    // It is not written in place, either.
    assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(1)));
}

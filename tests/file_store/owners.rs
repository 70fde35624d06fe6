//! Who may read and write the files, and whose they may be.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::Command;

use reauth::store::{CredentialStore as _, FileStore, GuardError};
use reauth::{Error, ErrorKind};

use crate::support::{LONG, Process, Scratch, block_on, entry, names, proof, request, same};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn f92_no_umask_makes_a_file_readable_by_others_or_unreadable() {
    for umask in ["0", "022", "0277", "0777"] {
        let scratch = Scratch::new();
        let file = scratch.path().join("new/directory/entry.json");
        let mut command = Command::new("sh");
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        command.args(["-c", &script]).arg(std::env::current_exe().unwrap());
        assert_eq!(Process::of(command, "umask", &file).code(), Some(0), "{umask}");
        let directory = file.parent().unwrap();
        assert_eq!(names(directory), ["entry.json", "entry.json.guard", "entry.json.lock"]);
        for name in names(directory) {
            assert_eq!(mode(&directory.join(name)), 0o600, "{umask}");
        }
        assert_eq!([mode(directory), mode(directory.parent().unwrap())], [0o700; 2], "{umask}");
    }
}

/// With a umask, everything is written and read twice, also from the room that was kept.
pub fn umask(file: &Path) {
    let store = FileStore::at(file).unwrap();
    for _ in 0..2 {
        crate::processes::refresh(&store);
        assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(2)));
    }
    let guard = block_on(store.guard(&proof(2))).unwrap();
    for name in names(file.parent().unwrap()) {
        assert_eq!(mode(&file.with_file_name(name)), 0o600);
    }
    drop(guard);
    block_on(store.replace(Some(entry(2).version()), &entry(2))).unwrap();
}

#[test]
fn f92_a_file_that_others_can_read_is_used_and_mended_by_the_next_write() {
    let scratch = Scratch::new();
    let store = scratch.store();
    block_on(store.save(&entry(1))).unwrap();
    set_mode(&scratch.file(), 0o644);
    assert!(same(block_on(store.load()).unwrap().as_ref(), &entry(1)));
    drop(block_on(store.guard(&proof(1))).unwrap());
    assert_eq!(mode(&scratch.file()), 0o600);
}

/// Every call that reads is refused, and says what to do.
fn refuses(store: &FileStore, remedy: &str) {
    let is_refused = |error: &Error| {
        assert_eq!(error.kind(), ErrorKind::Store);
        assert!(error.to_string().contains(remedy), "{error}");
    };
    is_refused(&block_on(store.load()).unwrap_err());
    is_refused(&block_on(store.replace(None, &entry(9))).unwrap_err());
    match block_on(store.guard(&proof(1))) {
        Ok(guard) => is_refused(guard.found().unwrap_err()),
        Err(GuardError::Unreachable(error) | GuardError::NotWritable(error)) => is_refused(&error),
        Err(held) => panic!("{held}"),
    }
}

#[test]
fn f93_a_file_that_others_can_write_is_refused() {
    let scratch = Scratch::new();
    let store = scratch.store();
    block_on(store.save(&entry(1))).unwrap();
    for open_to in [0o620, 0o602] {
        set_mode(&scratch.file(), open_to);
        refuses(&store, "chmod 600");
    }
    set_mode(&scratch.file(), 0o600);
    block_on(store.load()).unwrap().unwrap();
}

#[test]
fn f93_a_directory_that_others_can_write_is_refused_before_anything_is_written() {
    let scratch = Scratch::new();
    for open_to in [0o770, 0o777, 0o702] {
        set_mode(scratch.path(), open_to);
        refuses(&scratch.store(), "chmod go-w");
        let error = block_on(scratch.store().save(&entry(1))).unwrap_err();
        assert!(error.to_string().contains("chmod go-w"), "{error}");
        assert!(scratch.names().is_empty());
    }
    // In a directory such as /tmp nobody can replace the files of others.
    set_mode(scratch.path(), 0o1777);
    block_on(scratch.store().save(&entry(1))).unwrap();
    // It may become so later, too.
    let store = scratch.store();
    block_on(store.load()).unwrap();
    set_mode(scratch.path(), 0o777);
    refuses(&store, "chmod go-w");
    set_mode(scratch.path(), 0o700);
    block_on(store.load()).unwrap();
}

#[test]
fn f93_what_belongs_to_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return println!("left out: only root can give a file away");
    }
    let scratch = Scratch::new();
    let store = scratch.store();
    block_on(store.save(&entry(1))).unwrap();
    let give = |path: &Path, user| chown(path, Some(user), None).unwrap();
    give(&scratch.file(), 65534);
    refuses(&store, "belongs to another user (id 65534)");
    give(&scratch.file(), 0);
    give(scratch.path(), 65534);
    refuses(&store, "belongs to another user (id 65534)");
    give(scratch.path(), 0);

    let guard = scratch.path().join("entry.json.guard");
    drop(block_on(store.guard(&request(LONG))).unwrap());
    give(&guard, 65534);
    assert!(matches!(block_on(store.guard(&request(LONG))), Err(GuardError::NotWritable(_))));
}

#[test]
fn f93_a_link_is_followed_if_it_and_the_directory_it_leads_to_are_this_users() {
    let scratch = Scratch::new();
    let [links, files] = ["links", "files"].map(|name| scratch.path().join(name));
    [&links, &files].iter().for_each(|directory| fs::create_dir(directory).unwrap());
    let link = links.join("entry.json");
    symlink("../files/real.json", &link).unwrap();
    let store = || FileStore::at(&link).unwrap();

    block_on(store().save(&entry(1))).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(names(&files), ["real.json", "real.json.lock"]);
    assert_eq!(names(&links), ["entry.json"]);

    set_mode(&files, 0o777);
    refuses(&store(), "chmod go-w");
    set_mode(&files, 0o755);
    set_mode(&links, 0o777);
    refuses(&store(), "chmod go-w");
    set_mode(&links, 0o755);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::lchown(&link, Some(65534), None).unwrap();
        refuses(&store(), "delete the link");
    }
}

#[test]
fn f93_links_in_a_circle_and_a_link_in_place_of_a_lock_are_refused() {
    let scratch = Scratch::new();
    symlink("b", scratch.path().join("a")).unwrap();
    symlink("a", scratch.path().join("b")).unwrap();
    refuses(&FileStore::at(scratch.path().join("a")).unwrap(), "too many symbolic links");

    let elsewhere = scratch.path().join("elsewhere");
    for lock in ["entry.json.guard", "entry.json.lock"] {
        symlink(&elsewhere, scratch.path().join(lock)).unwrap();
    }
    block_on(scratch.store().guard(&request(LONG))).unwrap_err();
    block_on(scratch.store().save(&entry(1))).unwrap_err();
    assert!(!elsewhere.exists());
}

#[test]
fn f96_what_is_no_file_is_refused_and_does_not_block() {
    let scratch = Scratch::new();
    let store = scratch.store();
    assert!(Command::new("mkfifo").arg(scratch.file()).status().unwrap().success());
    refuses(&store, "not a regular file");
    fs::remove_file(scratch.file()).unwrap();
    fs::create_dir(scratch.file()).unwrap();
    refuses(&store, "not a regular file");
    block_on(store.save(&entry(1))).unwrap_err();
}

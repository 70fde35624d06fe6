//! What other processes do.

use std::env;
use std::path::PathBuf;

use reauth::store::{CredentialStore as _, FileStore};

use crate::support::{FILE, LONG, block_on, entry, hear, proof, request, say};
use crate::{disks, guard, hanging, owners, sharing};

pub fn run(task: &str) {
    let file = PathBuf::from(env::var_os(FILE).unwrap());
    let store = FileStore::at(&file).unwrap();
    match task {
        "hold" => hold(&store),
        "prove" => prove(&store),
        "refresh" => refresh(&store),
        "save" => block_on(store.save(&entry(9))).unwrap(),
        "application" => block_on(FileStore::new("some-tool").unwrap().save(&entry(1))).unwrap(),
        "refresh for ever" => {
            say("running");
            loop {
                refresh(&store);
            }
        }
        "drop" => guard::drop_stores(&file),
        "give up" => guard::give_up(&store),
        "take turns" => sharing::take_turns(&store, &file),
        "full disk" => disks::full(&file),
        "read-only disk" => disks::read_only(&file),
        "disk that becomes read-only" => disks::becomes_read_only(&file),
        "second attempt" => disks::second_attempt(&file),
        "mounted file" => disks::mounted_file(&file),
        "umask" => owners::umask(&file),
        "only one directory" => refresh(&store),
        "hang" => hanging::hang(&store),
        "no inodes" => disks::no_inodes(&file),
        _ => panic!("there is no task {task}"),
    }
}

/// Has the guard until the test says something.
fn hold(store: &FileStore) {
    let _guard = block_on(store.guard(&request(LONG))).unwrap();
    say("held");
    hear();
}

/// Has the guard with an open exchange until the test says something.
fn prove(store: &FileStore) {
    let guard = block_on(store.guard(&proof(1))).unwrap();
    assert!(guard.is_written());
    say("held");
    hear();
}

/// A whole refresh, from the first generation to the second one.
pub fn refresh(store: &FileStore) {
    block_on(async {
        store.save(&entry(1)).await.unwrap();
        let guard = store.guard(&proof(1)).await.unwrap();
        assert!(guard.is_written());
        store.replace(Some(entry(1).version()), &entry(2)).await.unwrap();
    });
}

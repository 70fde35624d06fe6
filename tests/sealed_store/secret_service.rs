//! The keychain of a Linux desktop: a real Secret Service, with processes of their own.
//!
//! `tests/secret-service.sh` starts one that has nothing to do with the user's.

use std::env;
use std::process::{Command, Stdio};
use std::time::Duration;

use reauth::store::{Key, Keychain};
use reauth::{Error, ErrorKind};
use zbus_secret_service_keyring_store::Store;

/// In the environment of a child process: the service whose key it prints.
const SERVICE: &str = "REAUTH_TEST_SERVICE";
/// The test that is the child process.
const CHILD: &str = "secret_service::the_key_of_a_process_of_its_own";

#[test]
#[ignore = "needs a Secret Service: tests/secret-service.sh"]
fn f83_f98_a_secret_service_keeps_the_key_and_a_locked_one_creates_none() {
    let service = |number: u32| format!("reauth-test-{}-{number}", std::process::id());

    // Processes that find no key, all at once.
    let children: Vec<_> = (0..4).map(|_| child(&service(0))).collect();
    let texts: Vec<String> = children.into_iter().map(printed).collect();
    assert!(texts.iter().all(|text| *text == texts[0] && text.len() > 64), "{texts:?}");
    let key = key(&service(0)).unwrap();
    assert_eq!(format!("{}.{}", key.id(), *key.expose_text()), texts[0]);

    // Locked is not absent, whether there is a key or not. Nobody is there to unlock it.
    call("Lock");
    for number in [0, 1] {
        let error = self::key(&service(number)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store, "{error:?}");
    }
}

#[test]
#[ignore = "the test above runs it"]
fn the_key_of_a_process_of_its_own() {
    let Ok(service) = env::var(SERVICE) else { return };
    let key = key(&service).unwrap();
    println!("key: {}.{}", key.id(), *key.expose_text());
}

/// From a current-thread runtime: the calls of this keychain block, and run a runtime of their own.
fn key(service: &str) -> Result<Key, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let keychain = Keychain::in_store(Store::new().unwrap(), service).timeout(Duration::from_secs(20));
    runtime.block_on(keychain.key())
}

fn child(service: &str) -> std::process::Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", CHILD, "--ignored", "--nocapture"])
        .env(SERVICE, service)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn printed(child: std::process::Child) -> String {
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    output.split("key: ").nth(1).unwrap_or(&output).lines().next().unwrap().to_owned()
}

fn call(method: &str) {
    let status = Command::new("dbus-send")
        .args(["--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"])
        .arg(format!("org.freedesktop.Secret.Service.{method}"))
        .arg("array:objpath:/org/freedesktop/secrets/collection/login")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

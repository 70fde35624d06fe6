//! `CLIENT_ID`, `CLIENT_SECRET` and `VATHOS_BASE_URL`, each case in a process of its own: a process's
//! environment is not the test's to change.

use std::process::Command;

use super::*;

/// Set in the child: what it is to expect of its environment.
const EXPECT: &str = "REAUTH_TEST_EXPECT";
/// A word in every value, which no error may repeat.
const MARK: &str = "zxq-marker";

/// Runs [`the_child`] with these variables; it has to find the origin, or the variable and what is wrong with it.
fn in_a_child(variables: &[(&str, &str)], expect: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "vathos::environment::the_child"]).env(EXPECT, expect);
    for name in ["CLIENT_ID", "CLIENT_SECRET", "VATHOS_BASE_URL"] {
        child.env_remove(name);
    }
    let output = child.envs(variables.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{variables:?}: {said}");
}

/// Does nothing by itself; see [`in_a_child`].
#[test]
fn the_child() {
    let Ok(expect) = std::env::var(EXPECT) else { return };
    match Vathos::from_env() {
        Ok(vathos) => assert_eq!(vathos.origin(), expect),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(error.to_string().contains(&expect), "{error}");
            assert!(!format!("{error} {error:?}").contains(MARK), "{error:?}");
        }
    }
}

#[test]
fn the_environment_names_the_client_and_the_base() {
    let client = [("CLIENT_ID", "app"), ("CLIENT_SECRET", MARK)];
    in_a_child(&client, vathos::API_ORIGIN);
    let based = [client[0], client[1], ("VATHOS_BASE_URL", "https://v.test:8443/v1")];
    in_a_child(&based, "https://v.test:8443");
}

#[test]
fn a_missing_empty_or_unusable_variable_is_named_and_its_value_is_not() {
    in_a_child(&[("CLIENT_SECRET", MARK)], "CLIENT_ID: it is not set");
    in_a_child(&[("CLIENT_ID", ""), ("CLIENT_SECRET", MARK)], "CLIENT_ID: it is empty");
    in_a_child(&[("CLIENT_ID", MARK)], "CLIENT_SECRET: it is not set");
    in_a_child(&[("CLIENT_ID", MARK), ("CLIENT_SECRET", "")], "CLIENT_SECRET: it is empty");
    for base in ["", "zxq-marker", "http://zxq-marker.test", "https://zxq-marker@v.test/"] {
        in_a_child(
            &[("CLIENT_ID", MARK), ("CLIENT_SECRET", MARK), ("VATHOS_BASE_URL", base)],
            "VATHOS_BASE_URL: it is",
        );
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_unicode_is_named() {
    use std::os::unix::ffi::OsStrExt as _;
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "vathos::environment::the_child"]).env(EXPECT, "CLIENT_SECRET: it is not Unicode");
    child.env("CLIENT_ID", MARK).env("CLIENT_SECRET", std::ffi::OsStr::from_bytes(b"zxq-marker\xff"));
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

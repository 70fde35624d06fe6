//! `CLIENT_ID`, `CLIENT_SECRET` and `VATHOS_BASE_URL`. Each case runs in its own process, because a test can't change
//! the environment that it shares with others.

use std::ffi::OsStr;
use std::process::Command;

use super::*;
use crate::support::server::Seen;

/// Set in the child: what it has to find in its environment.
const EXPECT: &str = "REAUTH_TEST_EXPECT";
/// Set in the child that logs in: the URL of the token endpoint.
const URL: &str = "REAUTH_TEST_URL";
/// A word in every value. No error may repeat it.
const MARK: &str = "zxq-marker";

/// Runs [`the_child`] with these variables. It has to find the base URL, or the variable and what is wrong with it.
fn in_a_child<V: AsRef<OsStr>>(variables: &[(&str, V)], expect: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "vathos::environment::the_child"]).env(EXPECT, expect);
    for name in ["CLIENT_ID", "CLIENT_SECRET", "VATHOS_BASE_URL"] {
        child.env_remove(name);
    }
    let output = child.envs(variables.iter().map(|(name, value)| (name, value))).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{expect}: {said}");
}

/// Does nothing by itself; see [`in_a_child`].
#[test]
fn the_child() {
    let Ok(expect) = std::env::var(EXPECT) else { return };
    let device = ServiceAccount::from_env(vathos::TOKEN_URL).map(drop);
    let person = ClientGrant::from_env(vathos::TOKEN_URL, "ada", "p").map(drop);
    assert_eq!(format!("{device:?}"), format!("{person:?}"));
    match device.and_then(|()| vathos::base_url_from_env()) {
        Ok(base_url) => assert_eq!(base_url, expect),
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
    in_a_child(&client, vathos::BASE_URL);
    let bases = [
        "https://v.test:8443/v1",
        "https://v.test",
        "http://127.0.0.1:80/v1",
        "http://[::1]:8080",
        "http://LOCALHOST/",
    ];
    for base in bases {
        in_a_child(&[client[0], client[1], ("VATHOS_BASE_URL", base)], base);
    }
}

#[tokio::test]
async fn the_client_is_that_of_the_environment() {
    let server = TokenServer::always(Reply::token("at-1"));
    let listening = server.listen().await;
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "vathos::environment::the_child_that_logs_in"]).env(URL, listening.url("/token"));
    child.env("CLIENT_ID", "app").env("CLIENT_SECRET", "s3cret");
    let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let seen = server.seen();
    let pair = |seen: &Seen| (seen.field("client_id").unwrap(), seen.field("client_secret").unwrap());
    assert_eq!(seen.iter().map(pair).collect::<Vec<_>>(), vec![("app".to_owned(), "s3cret".to_owned()); 2]);
}

/// Does nothing by itself; see [`the_client_is_that_of_the_environment`].
#[tokio::test]
async fn the_child_that_logs_in() {
    let Ok(url) = std::env::var(URL) else { return };
    ServiceAccount::from_env(&url).unwrap().login().await.unwrap();
    ClientGrant::from_env(url, "ada", "p").unwrap().login().await.unwrap();
}

#[test]
fn a_missing_empty_or_unusable_variable_is_named_and_its_value_is_not() {
    in_a_child(&[("CLIENT_SECRET", MARK)], "CLIENT_ID: it is not set");
    in_a_child(&[("CLIENT_ID", ""), ("CLIENT_SECRET", MARK)], "CLIENT_ID: it is empty");
    in_a_child(&[("CLIENT_ID", MARK)], "CLIENT_SECRET: it is not set");
    in_a_child(&[("CLIENT_ID", MARK), ("CLIENT_SECRET", "")], "CLIENT_SECRET: it is empty");
    for base in [
        "",
        "zxq-marker",
        "/zxq-marker",
        "https://",
        "ftp://zxq-marker.test/",
        "http://zxq-marker.test",
        "http://10.0.0.1/zxq-marker",
        "http://localhost.zxq-marker.test/",
        "https://zxq-marker@v.test/",
        "https://zxq-marker:pw@v.test/",
        "https://zxq-marker.test:99999/",
        "https://zxq marker.test/",
    ] {
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
    let odd = OsStr::from_bytes(b"zxq-marker\xff");
    in_a_child(
        &[("CLIENT_ID", OsStr::new(MARK)), ("CLIENT_SECRET", odd)],
        "CLIENT_SECRET: it is not Unicode",
    );
    let good = OsStr::new(MARK);
    let variables = [("CLIENT_ID", good), ("CLIENT_SECRET", good), ("VATHOS_BASE_URL", odd)];
    in_a_child(&variables, "VATHOS_BASE_URL: it is not Unicode");
}

//! The proxies of the environment, each case in a process of its own: the environment belongs to a whole process.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use reauth::CredentialSource;
use reauth::pilot::Pilot;

use super::*;

/// Where the child process logs in, if this is the child.
const LOG_IN_AT: &str = "REAUTH_TEST_LOG_IN_AT";

/// Logs in at `url` in a process whose environment names `proxy` for everything.
fn log_in_behind_a_proxy(test: &str, url: &str, proxy: &TcpListener) {
    let proxy = format!("http://{}", proxy.local_addr().unwrap());
    let names = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .envs(names.map(|name| (name, proxy.as_str())))
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .env_remove("REQUEST_METHOD")
        .env(LOG_IN_AT, url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "the child panicked");
}

async fn is_child() -> bool {
    let Ok(url) = std::env::var(LOG_IN_AT) else { return false };
    let limited = TokenEndpoint::new(&url).unwrap().timeout(Duration::from_secs(5));
    // Nobody serves tokens: where the requests go is all that matters.
    Pilot::new(limited.clone(), "ada", "pass-w0rd").unwrap().login().await.unwrap_err();
    user(limited.clone()).login().await.unwrap_err();
    if url.starts_with("http:") {
        // A revocation endpoint on loopback beside a token endpoint elsewhere.
        let elsewhere = TokenEndpoint::new(URL).unwrap();
        let source = service(elsewhere).revocation_endpoint(limited);
        source.revoke(&credentials("at-0", Some("rt-0"), None)).await.unwrap_err();
    }
    true
}

/// What arrives at a listener whose peer has ended already.
fn received(listener: &TcpListener) -> String {
    listener.set_nonblocking(true).unwrap();
    let mut received = String::new();
    while let Ok((mut stream, _)) = listener.accept() {
        let _ = stream.read_to_string(&mut received);
    }
    received
}

#[tokio::test]
async fn r32_f119_plain_http_to_loopback_goes_to_no_proxy() {
    if is_child().await {
        return;
    }
    for host in ["127.0.0.1", "localhost"] {
        let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
        // The port is closed again: the log-in fails at once.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let test = "endpoint::proxies::r32_f119_plain_http_to_loopback_goes_to_no_proxy";
        log_in_behind_a_proxy(test, &format!("http://{host}:{port}"), &proxy);
        assert_eq!(received(&proxy), "", "{host}");
    }
}

#[tokio::test]
async fn r32_f50_https_goes_to_the_proxy_of_the_environment() {
    if is_child().await {
        return;
    }
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let reader = std::thread::spawn({
        let proxy = proxy.try_clone().unwrap();
        // Each of the two log-ins opens a connection.
        move || {
            [(), ()].map(|()| {
                let (mut stream, _) = proxy.accept().unwrap();
                let mut first = [0; 7];
                stream.read_exact(&mut first).unwrap();
                first
            })
        }
    });
    let test = "endpoint::proxies::r32_f50_https_goes_to_the_proxy_of_the_environment";
    log_in_behind_a_proxy(test, "https://id.test", &proxy);
    assert_eq!(reader.join().unwrap(), [*b"CONNECT"; 2]);
}

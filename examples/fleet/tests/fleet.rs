//! The program against a real Redis and the real identity provider of `tests/idp`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failure here fails the test")]

#[allow(dead_code, reason = "what several test programs share")]
#[path = "../../../tests/idp/provider.rs"]
mod provider;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use provider::Provider;
use tempfile::TempDir;

const SECONDS: u64 = 7;

#[test]
fn f56_a_fleet_that_loses_a_worker_and_has_one_stopped_keeps_its_login() {
    let (provider, redis) = (Provider::start(2), Redis::start());
    let mut fleet = Command::new(env!("CARGO_BIN_EXE_reauth-fleet"))
        .args(["--workers", "4", "--seconds", &SECONDS.to_string()])
        .env("REDIS_URL", redis.url())
        .env("TOKEN_URL", provider.setting("TOKEN_URL"))
        .env("REVOKE_URL", provider.setting("REVOKE_URL"))
        .env("API_URL", provider.setting("ECHO_URL"))
        .env("STATS_URL", provider.setting("STATS_URL"))
        .envs([("CLIENT_ID", "portal"), ("CLIENT_SECRET", "portal-secret")])
        .envs([("FLEET_USER", "alice"), ("FLEET_PASSWORD", "alice-pw-1")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();

    let mut commands = fleet.stdin.take().unwrap();
    let (mut said, mut tokens) = (String::new(), Vec::new());
    for line in BufReader::new(fleet.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The refresh is over, and the next one is due in a second: nobody is killed with a token that was just sent.
        if line.ends_with(": refreshed") && !said.contains(": refreshed") {
            commands.write_all(b"k 2\ns 3\n").unwrap();
            tokens = redis.tokens();
        }
        said.push_str(&line);
        said.push('\n');
    }
    let mut errors = String::new();
    fleet.stderr.take().unwrap().read_to_string(&mut errors).unwrap();

    assert!(fleet.wait().unwrap().success(), "{said}{errors}");
    assert!(said.contains("worker 2: killed") && said.contains("worker 3: stopped"), "{said}");
    assert!(said.contains("adopted") && said.contains(", 0 errors"), "{said}");
    assert!(said.contains("token.password.200 1"), "the user logged in once: {said}");
    let log = provider.access_log();
    assert!(!log.contains("invalid_grant"), "{log}");
    // The provider counts in whole seconds, so that a token of two seconds lives for more than one. Four workers without a
    // common store would make four times as many requests.
    let requests = provider.count("token.refresh_token.200");
    assert!((2..=SECONDS + 1).contains(&requests), "{requests} refreshes: {said}");
    assert_eq!(tokens.len(), 2);
    for secret in tokens.iter().map(String::as_str).chain(["portal-secret", "alice-pw-1"]) {
        assert!(!said.contains(secret) && !errors.contains(secret), "{secret}: {said}{errors}");
    }
    // The end of the fleet is the end of its login.
    assert!(!tokens.iter().any(|token| provider.knows(token)));
}

#[test]
fn what_is_missing_is_named() {
    let run = |name: &str, value: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_reauth-fleet"))
            .args(["--seconds", "1", "--workers", "1"])
            .env_clear()
            .env("REDIS_URL", "redis://127.0.0.1:1/")
            .envs([("TOKEN_URL", "http://127.0.0.1:1/token"), ("CLIENT_ID", "svc")])
            .env(name, value)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let without_redis = Command::new(env!("CARGO_BIN_EXE_reauth-fleet")).env_clear().output().unwrap();
    assert!(String::from_utf8(without_redis.stderr).unwrap().contains("--redis-url"));
    let said = run("REDIS_URL", "http://:canary-pw@example.com");
    assert!(said.contains("URL of Redis") && !said.contains("canary"), "{said}");
    assert!(run("TOKEN_URL", "http://example.com/").contains("use https"));
}

/// A server that keeps nothing on disk. It ends with the value.
struct Redis {
    port: u16,
    process: Child,
    _folder: TempDir,
}

impl Redis {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let process = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
            ])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server: install the package of that name");
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(60), "redis-server does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { port, process, _folder: folder }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// The tokens that the fleet has put there.
    fn tokens(&self) -> Vec<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"HGET {reauth:fleet}:entry text\r\nQUIT\r\n").unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let text = response.lines().find(|line| line.starts_with('{')).unwrap();
        let entry: serde_json::Value = serde_json::from_str(text).unwrap();
        ["access_token", "refresh_token"].map(|name| entry[name].as_str().unwrap().to_owned()).to_vec()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

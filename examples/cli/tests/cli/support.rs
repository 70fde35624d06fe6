//! A user, who runs the program and remembers all that it says.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::provider::Provider;

pub(crate) const SECRETS: &str = "portal-secret\nalice-pw-1\n";

/// A user's directory, and everything that the program has said there.
pub(crate) struct User {
    pub(crate) folder: TempDir,
    said: Vec<String>,
}

/// What came of one run.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl User {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), said: Vec::new() }
    }

    pub(crate) fn run(&mut self, arguments: &[&str], input: &str) -> Run {
        let process = self.start(arguments, input);
        self.end(process)
    }

    pub(crate) fn start(&self, arguments: &[&str], input: &str) -> Child {
        let mut process = Command::new(env!("CARGO_BIN_EXE_reauth-cli"))
            .args(arguments)
            .env("REAUTH_CLI_DIR", self.folder.path().join("logins"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that asks for nothing may have ended already.
        let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
        process
    }

    pub(crate) fn end(&mut self, process: Child) -> Run {
        let output = process.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let run = Run {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        self.said.extend([run.stdout.clone(), run.stderr.clone()]);
        run
    }

    pub(crate) fn log_in(&mut self, provider: &Provider, profile: &str) {
        let run = self.run(&login(provider, profile), SECRETS);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("logins").join(name)
    }

    pub(crate) fn token(&self, file: &str, name: &str) -> String {
        let text = fs::read_to_string(self.file(file)).unwrap();
        let entry: serde_json::Value = serde_json::from_str(&text).unwrap();
        entry[name].as_str().unwrap().to_owned()
    }

    /// Asks `status` until the access token has expired.
    pub(crate) fn wait_for_expiry(&mut self) {
        let start = Instant::now();
        while !self.run(&["status"], "").stdout.contains("expired") {
            assert!(start.elapsed() < Duration::from_secs(60), "the token does not expire");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// No output of any run had one of these in it.
    pub(crate) fn kept_secret(&self, secrets: &[&str]) {
        for secret in secrets {
            assert!(secret.len() > 8, "{secret}");
            for said in &self.said {
                assert!(!said.contains(secret), "{secret} is in: {said}");
            }
        }
    }
}

pub(crate) fn login<'a>(provider: &'a Provider, profile: &'a str) -> Vec<&'a str> {
    let base = provider.setting("BASE_URL");
    vec![
        "--profile",
        profile,
        "login",
        "oauth2",
        "--token-url",
        provider.setting("TOKEN_URL"),
        "--client-id",
        "portal",
        "--user",
        "alice",
        "--scope",
        "openid api",
        "--origin",
        base,
        "--revocation-url",
        provider.setting("REVOKE_URL"),
        "--userinfo-url",
        base_and_me(base),
    ]
}

/// The userinfo endpoint of the provider. It is leaked: there are few.
fn base_and_me(base: &str) -> &'static str {
    Box::leak(format!("{base}/me").into_boxed_str())
}

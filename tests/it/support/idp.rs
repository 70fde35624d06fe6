//! The identity provider of `tests/idp`, which is a real one.
//!
//! [`Idp::from_env`] is the provider that `./scripts/test` started and that all tests share: its counters change
//! while a test runs. A test that asserts on counts, revokes tokens or needs another lifetime calls
//! [`Idp::spawn`] instead. Tests of either kind carry
//! `#[ignore = "needs the identity provider: run ./scripts/test"]`.

#![allow(dead_code, reason = "one vocabulary for all tests; each uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failure here fails the test")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

/// A running provider: where it listens and whom it knows.
#[derive(Debug)]
pub(crate) struct Idp {
    pub(crate) base_url: String,
    pub(crate) token_url: String,
    pub(crate) revoke_url: String,
    pub(crate) introspect_url: String,
    /// A resource that responds with 200 to a live access token and with 401 to anything else; so does every path below.
    pub(crate) echo_url: String,
    pub(crate) stats_url: String,
    pub(crate) pilot_endpoint: String,
    /// The client of the `password` and `refresh_token` grants.
    pub(crate) pw_client: Login,
    /// The client of the `client_credentials` grant.
    pub(crate) svc_client: Login,
    /// As `svc_client`, with a secret that fails if it is not encoded.
    pub(crate) odd_client: Login,
    /// As `svc_client`, with `private_key_jwt`: the path of its key, in DER.
    pub(crate) jwt_client: Login,
    /// As `svc_client`, with `client_secret_jwt`.
    pub(crate) mac_client: Login,
    /// A public client whose user has a browser.
    pub(crate) cli_client: String,
    pub(crate) auth_url: String,
    pub(crate) device_url: String,
    pub(crate) user: Login,
    /// A user whose password holds `%`, `+`, `&`, a space and letters beyond ASCII.
    pub(crate) odd_user: Login,
    /// PILOT responds to this one with 401, whatever the password.
    pub(crate) disabled_user: String,
    pub(crate) scope: String,
    pub(crate) access_ttl: Duration,
    pub(crate) refresh_ttl: Duration,
    access_log: PathBuf,
    http: reqwest::Client,
    instance: Option<Instance>,
}

/// A name and the secret that proves it.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// The settings of [`Idp::spawn`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Knobs {
    /// Seconds an access token lives.
    pub(crate) access_ttl: u32,
    /// Seconds a login lives: no rotation extends it.
    pub(crate) refresh_ttl: u32,
    /// Whether a refresh token is good for one use, its second use revoking the login.
    pub(crate) rotate: bool,
}

impl Default for Knobs {
    fn default() -> Self {
        Self { access_ttl: 60, refresh_ttl: 600, rotate: true }
    }
}

impl Idp {
    /// The provider whose settings the file named by `REAUTH_IDP_ENV` holds.
    pub(crate) fn from_env() -> Self {
        let file = std::env::var_os("REAUTH_IDP_ENV").expect(
            "REAUTH_IDP_ENV is not set: run ./scripts/test, or `tests/idp/run.sh start` and then \
             `REAUTH_IDP_ENV=tests/idp/idp.env cargo test --all-features -- --include-ignored`",
        );
        // A relative path means one from the root of the project, wherever the test runs.
        Self::from_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file), None)
    }

    /// A provider for this test alone. It ends with the value, and with this process, however that ends.
    pub(crate) async fn spawn(knobs: Knobs) -> Self {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/idp");
        assert!(
            home.join("node_modules").exists(),
            "the provider is not installed: run ./scripts/test or `tests/idp/run.sh install`",
        );
        let dir = fresh_dir();
        let (env_file, stderr) = (dir.join("idp.env"), dir.join("stderr.log"));
        let mut child = Command::new("node")
            .arg("server.mjs")
            .current_dir(home)
            .env("PORT", "0")
            .env("ACCESS_TTL", knobs.access_ttl.to_string())
            .env("REFRESH_TTL", knobs.refresh_ttl.to_string())
            .env("ROTATE", if knobs.rotate { "1" } else { "0" })
            .env("ACCESS_LOG", dir.join("access.jsonl"))
            .env("ENV_FILE", &env_file)
            .env("EXIT_WITH_STDIN", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&stderr).expect("the directory was just made"))
            .kill_on_drop(true)
            .spawn()
            .expect("`node` must be on the path: run ./scripts/test");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).await.expect("the pipe is ours");
        let said = || std::fs::read_to_string(&stderr).unwrap_or_default();
        assert!(line.starts_with("ready "), "the provider did not start: {line}{}", said());
        Self::from_file(&env_file, Some(Instance { child, _stdout: stdout, dir }))
    }

    fn from_file(file: &Path, instance: Option<Instance>) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_else(|e| {
            panic!("{}: {e}: is the provider running? run ./scripts/test", file.display())
        });
        let settings = settings(&text);
        let value = |key: &str| {
            let value = settings.get(key);
            value.unwrap_or_else(|| panic!("{} does not set {key}", file.display())).clone()
        };
        let seconds = |key: &str| Duration::from_secs(value(key).parse().expect("a number of seconds"));
        let login = |id: &str, secret: &str| Login { id: value(id), secret: value(secret) };
        Self {
            base_url: value("BASE_URL"),
            token_url: value("TOKEN_URL"),
            revoke_url: value("REVOKE_URL"),
            introspect_url: value("INTROSPECT_URL"),
            echo_url: value("ECHO_URL"),
            stats_url: value("STATS_URL"),
            pilot_endpoint: value("PILOT_ENDPOINT"),
            pw_client: login("PW_CLIENT_ID", "PW_CLIENT_SECRET"),
            svc_client: login("SVC_CLIENT_ID", "SVC_CLIENT_SECRET"),
            odd_client: login("ODD_CLIENT_ID", "ODD_CLIENT_SECRET"),
            jwt_client: login("JWT_CLIENT_ID", "JWT_CLIENT_KEY"),
            mac_client: login("MAC_CLIENT_ID", "MAC_CLIENT_SECRET"),
            cli_client: value("CLI_CLIENT_ID"),
            auth_url: value("AUTH_URL"),
            device_url: value("DEVICE_URL"),
            user: login("IDP_USER", "IDP_PASSWORD"),
            odd_user: login("ODD_USER", "ODD_PASSWORD"),
            disabled_user: value("DISABLED_USER"),
            scope: value("IDP_SCOPE"),
            access_ttl: seconds("ACCESS_TTL"),
            refresh_ttl: seconds("REFRESH_TTL"),
            access_log: value("ACCESS_LOG").into(),
            http: reqwest::Client::new(),
            instance,
        }
    }

    /// How often each thing happened since the start or the last [`reset`](Self::reset), by name: `token.total`,
    /// `token.refresh_token.200`, `echo.401`, `pilot.auth.404`, …
    pub(crate) async fn stats(&self) -> BTreeMap<String, u64> {
        let body = self.http.get(&self.stats_url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&body).expect("the counters")
    }

    /// One counter of [`stats`](Self::stats).
    pub(crate) async fn count(&self, name: &str) -> u64 {
        self.stats().await.get(name).copied().unwrap_or(0)
    }

    pub(crate) async fn reset(&self) {
        self.http.post(format!("{}/reset", self.stats_url)).send().await.unwrap();
    }

    /// Revokes every access token, so that the next call of the API is a 401. The refresh tokens stay good.
    /// Returns how many there were.
    pub(crate) async fn revoke_access_tokens(&self) -> u64 {
        self.admin("revoke", String::new()).await["revoked"].as_u64().expect("a count")
    }

    /// The lifetime, at least 1 s, of the access tokens issued from now on.
    pub(crate) async fn set_access_ttl(&self, seconds: u32) {
        self.admin("ttl", format!(r#"{{"access":{seconds}}}"#)).await;
    }

    /// Keeps the responses to refreshes of a run back, after the provider has committed.
    pub(crate) async fn hold(&self, run: &str) {
        self.admin("hold", format!(r#"{{"run":"{run}"}}"#)).await;
    }

    /// Lets those responses go.
    pub(crate) async fn release(&self, run: &str) {
        self.admin("release", format!(r#"{{"run":"{run}"}}"#)).await;
    }

    async fn admin(&self, what: &str, body: String) -> Value {
        let call = self.http.post(format!("{}/admin/{what}", self.base_url)).body(body);
        let response = call.send().await.unwrap().error_for_status().unwrap();
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }

    /// Every response of the provider, in order: one JSON object each, `ev` saying what it was.
    pub(crate) fn access_log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.access_log).expect("the access log");
        // The provider may not have finished its last line.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
    }

    /// The fingerprints of refresh tokens that were presented more than once, whatever came of it.
    pub(crate) fn reused_refresh_tokens(&self) -> Vec<String> {
        let log = self.access_log();
        let mut seen = HashSet::new();
        let spent = log.iter().filter_map(|entry| entry["spent"].as_str());
        spent.filter(|spent| !seen.insert(*spent)).map(str::to_owned).collect()
    }
}

/// A process that ends with the test.
#[derive(Debug)]
struct Instance {
    child: Child,
    /// Kept open, because the provider fails to write to a pipe without a reader.
    _stdout: BufReader<ChildStdout>,
    dir: PathBuf,
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn fresh_dir() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("reauth-idp-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let dir = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&dir).expect("the temporary directory is writable");
    dir
}

/// `KEY="value"` or `KEY=value`, one a line.
fn settings(text: &str) -> HashMap<String, String> {
    let unquoted = |value: &str| {
        let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inner.unwrap_or(value).to_owned()
    };
    text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), unquoted(v))).collect()
}

#[cfg(test)]
#[path = "idp/tests.rs"]
mod tests;

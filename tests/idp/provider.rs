//! The identity provider as a process of its own, for the tests of the programs in `examples`, which are packages of their own.
//! It needs nothing but the standard library.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

pub(crate) struct Provider {
    process: Child,
    /// Kept open, because the provider fails to write to a pipe without a reader.
    _stdout: BufReader<ChildStdout>,
    settings: HashMap<String, String>,
    folder: tempfile::TempDir,
}

impl Provider {
    /// Starts one that rotates refresh tokens and detects their reuse. It ends with the value, and with this process.
    pub(crate) fn start(access_ttl: u32) -> Self {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/idp");
        assert!(home.join("node_modules").exists(), "run `tests/idp/run.sh install` first");
        let folder = tempfile::tempdir().unwrap();
        let env_file = folder.path().join("idp.env");
        let mut process = Command::new("node")
            .arg("server.mjs")
            .current_dir(home)
            .env("PORT", "0")
            .env("ACCESS_TTL", access_ttl.to_string())
            .env("ACCESS_LOG", folder.path().join("access.jsonl"))
            .env("ENV_FILE", &env_file)
            .env("EXIT_WITH_STDIN", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(folder.path().join("stderr.log")).unwrap())
            .spawn()
            .expect("node: install Node.js");
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let said = || fs::read_to_string(folder.path().join("stderr.log")).unwrap_or_default();
        assert!(line.starts_with("ready "), "the provider did not start: {line}{}", said());
        let text = fs::read_to_string(env_file).unwrap();
        let settings = text.lines().filter_map(|line| line.split_once('='));
        let settings =
            settings.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect();
        Self { process, _stdout: stdout, settings, folder }
    }

    /// One of the settings that the provider writes for tests, such as `TOKEN_URL`.
    pub(crate) fn setting(&self, name: &str) -> &str {
        &self.settings[name]
    }

    /// All counters, as the provider writes them.
    pub(crate) fn stats(&self) -> String {
        self.request("GET", "/stats", "")
    }

    /// How often something happened, such as `token.total` or `echo.200`.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let stats: HashMap<String, u64> = serde_json::from_str(&self.stats()).unwrap();
        stats.get(name).copied().unwrap_or(0)
    }

    /// Sets the lifetime, in seconds, of the access tokens issued from now on.
    pub(crate) fn set_access_ttl(&self, seconds: u32) {
        self.request("POST", "/admin/ttl", &format!(r#"{{"access":{seconds}}}"#));
    }

    /// Whether a token is still good, as the provider says (RFC 7662).
    pub(crate) fn knows(&self, token: &str) -> bool {
        let body = format!("token={token}&client_id=portal&client_secret=portal-secret");
        self.request("POST", "/token/introspection", &body).contains(r#""active":true"#)
    }

    /// Every response of the provider, one JSON object a line.
    pub(crate) fn access_log(&self) -> String {
        fs::read_to_string(self.folder.path().join("access.jsonl")).unwrap()
    }

    fn request(&self, method: &str, path: &str, body: &str) -> String {
        let address = self.setting("BASE_URL").trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        let length = body.len();
        // A response to HTTP/1.0 ends with the connection.
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{method} {path}: {head}");
        body.to_owned()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

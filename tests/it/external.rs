//! Tokens that something else renews: in a real file, from a real command.

#[cfg(all(unix, feature = "command"))]
mod command;
mod file;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reauth::{Authenticator, CredentialSource, Event, Timing};

use crate::support::clock::StillClock;

/// A folder of its own, deleted at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("reauth-external-{:016x}", fastrand::u64(..)));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file as a whole, as a rotator should.
    fn put(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let (path, new) = (self.path(name), self.path("new"));
        fs::write(&new, text).unwrap();
        fs::rename(&new, &path).unwrap();
        path
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An authenticator with a clock that stands still, and how often it has asked its source.
struct Watched {
    auth: Authenticator,
    clock: StillClock,
    asked: Arc<Mutex<usize>>,
}

impl Watched {
    fn new(source: impl CredentialSource) -> Self {
        let (clock, asked) = (StillClock::new(), Arc::<Mutex<usize>>::default());
        let counter = asked.clone();
        let auth = Authenticator::builder(source)
            .clock(clock.clone())
            .timing(Timing::default().without_jitter())
            .observer(move |event| {
                if let Event::RefreshStarted { .. } = event {
                    *counter.lock().unwrap() += 1;
                }
            })
            .build();
        Self { auth, clock, asked }
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }

    async fn token(&self) -> String {
        let credentials = self.auth.credentials().await.unwrap();
        // A refresh in the background is over as well.
        self.auth.settled().await;
        credentials.access_token().to_owned()
    }
}

/// A JWT that was issued `age` ago and expires in `left`.
fn jwt(subject: &str, age: Duration, left: Duration) -> String {
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = SystemTime::now();
    let payload =
        format!(r#"{{"sub":"{subject}","iat":{},"exp":{}}}"#, seconds(now - age), seconds(now + left));
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(r#"{"alg":"none"}"#), part(&payload), part("signature"))
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

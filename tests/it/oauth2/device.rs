//! The device grant: what is sent, when, and how it ends (RFC 8628).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reauth::oauth2::{DeviceCode, DevicePrompt};
use reauth::store::MemoryStore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep};

use super::*;
use crate::support::server::Seen;

mod callers;
mod late_tokens;
mod polling;

const CODE: &str = r#"{"device_code":"dc-1","user_code":"WDJB-MJHT","verification_uri":"https://id.test/device",
    "verification_uri_complete":"https://id.test/device?user_code=WDJB-MJHT","expires_in":900,"interval":5}"#;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A provider whose user confirms when the test says.
#[derive(Clone)]
struct Provider {
    server: TokenServer,
    /// When it was asked for tokens, in seconds since its start.
    polled: Arc<Mutex<Vec<u64>>>,
    prompts: Arc<Mutex<Vec<DevicePrompt>>>,
}

impl Provider {
    /// `answer` gets the number of the request for tokens, and what is in it.
    fn new(code: &'static str, answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let (start, polled) = (Instant::now(), Arc::<Mutex<Vec<u64>>>::default());
        let times = polled.clone();
        let server = TokenServer::new(move |seen| {
            if seen.uri.path() == "/device" {
                return Reply::json(200, code);
            }
            let mut times = times.lock().unwrap();
            times.push(start.elapsed().as_secs());
            answer(times.len(), seen)
        });
        Self { server, polled, prompts: Arc::default() }
    }

    fn pending() -> Reply {
        Reply::error(400, "authorization_pending", "not yet")
    }

    /// The user confirms after this time.
    fn confirmed_after(time: Duration) -> Self {
        let start = Instant::now();
        Self::new(CODE, move |_, _| match start.elapsed() < time {
            true => Self::pending(),
            false => Reply::tokens("at-1", "rt-1"),
        })
    }

    fn source(&self) -> DeviceCode {
        let prompts = self.prompts.clone();
        let show = move |prompt| {
            prompts.lock().unwrap().push(prompt);
            async { Ok(()) }
        };
        self.source_with(show)
    }

    fn source_with<F, Fut>(&self, prompt: F) -> DeviceCode
    where
        F: Fn(DevicePrompt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let client = ClientAuth::none("app").unwrap();
        DeviceCode::new(endpoint(&self.server), "https://id.test/device", client, prompt).unwrap()
    }

    fn polled(&self) -> Vec<u64> {
        self.polled.lock().unwrap().clone()
    }

    fn prompts(&self) -> usize {
        self.prompts.lock().unwrap().len()
    }
}

/// A caller in a task of its own, which has begun to wait.
async fn caller(auth: &Authenticator) -> JoinHandle<Result<Credentials, Error>> {
    let auth = auth.clone();
    let caller = tokio::spawn(async move { auth.credentials().await });
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    caller
}

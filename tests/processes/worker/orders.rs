//! What a worker does when it is told to.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, SystemTime};

use reauth::{Authenticator, Credentials, Error};
use tokio::task::JoinSet;

use super::{Worker, failure, load, password};
use crate::protocol::{Order, Reply, StoreAt};
use crate::support::now_ms;

impl Worker {
    pub async fn obey(&self, order: Order) -> Reply {
        match order {
            Order::Credentials { callers } => self.credentials(callers).await,
            Order::Expiry => self.expiry().await,
            Order::NewToken => self.new_token().await,
            Order::Refresh => token(self.auth.refresh().await),
            Order::LogOut => done(self.auth.log_out().await),
            Order::LogIn => self.log_in().await,
            Order::Call => load::call(&load::api(self), &self.settings.provider.api).await,
            Order::Load { tasks, seconds } => load::run(self, tasks, Duration::from_secs(seconds)).await,
            Order::Alive => self.alive().await,
            Order::At(step, act) => {
                self.steps.arm(step, act);
                Reply::Done
            }
            Order::Go => {
                self.steps.go();
                Reply::Done
            }
            Order::Shell(command) => self.shell(&command),
            Order::End => Reply::Done,
        }
    }

    pub fn auth(&self) -> &Authenticator {
        &self.auth
    }

    pub fn api(&self) -> &crate::protocol::Provider {
        &self.settings.provider
    }

    async fn credentials(&self, callers: u32) -> Reply {
        let mut calls = JoinSet::new();
        for _ in 0..callers {
            let auth = self.auth.clone();
            calls.spawn(async move { auth.credentials().await });
        }
        let mut last = Reply::Done;
        while let Some(call) = calls.join_next().await {
            let result = call.unwrap();
            if let Ok(credentials) = &result {
                self.source.uses(credentials);
            }
            last = token(result);
            if let Reply::Failed(_) = last {
                return last;
            }
        }
        last
    }

    async fn expiry(&self) -> Reply {
        let expires_at = self.source.last_used().and_then(|last| last.expires_at()).unwrap();
        while SystemTime::now() <= expires_at {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Reply::Done
    }

    async fn new_token(&self) -> Reply {
        let first = self.auth.credentials().await.ok();
        loop {
            let now = self.auth.credentials().await;
            let is_new = |now: &Credentials| {
                first.as_ref().is_none_or(|first| first.access_token() != now.access_token())
            };
            match &now {
                Err(error) if error.kind() == reauth::ErrorKind::LoginRequired => return token(now),
                Ok(new) if is_new(new) && self.api_takes(new).await => return token(now),
                _ => {}
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn log_in(&self) -> Reply {
        let issued = Authenticator::new(password(&self.settings)).credentials().await;
        let issued = match issued {
            Ok(issued) => issued,
            Err(error) => return Reply::Failed(failure(&error)),
        };
        self.source.remember(&issued);
        match self.auth.set_credentials(issued.clone()).await {
            Ok(()) => token(Ok(issued)),
            Err(error) => Reply::Failed(failure(&error)),
        }
    }

    async fn alive(&self) -> Reply {
        let mut alive = Vec::new();
        for issued in self.source.issued() {
            let refreshes = match issued.refresh_token() {
                Some(token) => self.is_active(token).await,
                None => false,
            };
            alive.push((self.api_takes(&issued).await, refreshes));
        }
        Reply::Alive(alive)
    }

    async fn api_takes(&self, credentials: &Credentials) -> bool {
        let call = reqwest::Client::new().get(&self.settings.provider.api);
        let call = call.header("authorization", format!("Bearer {}", credentials.access_token()));
        call.send().await.unwrap().status() == 200
    }

    /// The introspection of RFC 7662.
    async fn is_active(&self, token: &str) -> bool {
        let (id, secret) = &self.settings.provider.client;
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token)
            .append_pair("client_id", id)
            .append_pair("client_secret", secret)
            .finish();
        let call = reqwest::Client::new().post(&self.settings.provider.introspection).body(body);
        let call = call.header("content-type", "application/x-www-form-urlencoded");
        let text = call.send().await.unwrap().text().await.unwrap();
        let response: serde_json::Value = serde_json::from_str(&text).unwrap();
        response["active"].as_bool().expect("an introspection")
    }

    fn shell(&self, command: &str) -> Reply {
        let StoreAt::File(path) = &self.settings.store else { panic!("this worker has no file") };
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", command]).current_dir(path.parent().unwrap());
        shell.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        Reply::Status(shell.status().unwrap().code().unwrap().try_into().unwrap())
    }
}

fn token(result: Result<Credentials, Error>) -> Reply {
    match result {
        Ok(credentials) => {
            let mut hasher = DefaultHasher::new();
            credentials.access_token().hash(&mut hasher);
            // Half of it is enough, and any reader of JSON keeps it whole.
            Reply::Token { token: hasher.finish() >> 32, at_ms: now_ms() }
        }
        Err(error) => Reply::Failed(failure(&error)),
    }
}

fn done(result: Result<(), Error>) -> Reply {
    match result {
        Ok(()) => Reply::Done,
        Err(error) => Reply::Failed(failure(&error)),
    }
}

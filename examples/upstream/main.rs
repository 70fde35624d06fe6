//! An axum server that calls an upstream API on behalf of its users, and also as itself. The example runs the server on
//! loopback, calls it as two users at once, and fails if a user gets the response of another one.
//!
//! Read `app.rs` first, then `users.rs`: copy from these.
//!
//! ```sh
//! export TOKEN_URL=…         # the token endpoint: https, or http on loopback
//! export API_URL=…           # what to GET upstream; the response has to name the user (`"sub":"…"`)
//! export SCOPE=…             # optional
//! export CLIENT_ID=…         # the server's own identity: a client that may use the client credentials grant
//! export CLIENT_SECRET=…
//! export USERS_CLIENT_ID=…   # the client through which users log in: the password grant
//! export USERS_CLIENT_SECRET=…
//! export FIRST_USER=…  FIRST_PASSWORD=…  SECOND_USER=…  SECOND_PASSWORD=…
//! cargo run --example upstream
//! ```

mod app;
#[path = "../common/mod.rs"]
mod common;
mod users;

use std::net::Ipv4Addr;
use std::process::ExitCode;

use reqwest::StatusCode;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use app::{App, Settings};
use common::BoxError;
use users::Users;

/// The calls of each user, all at once.
const CALLS: usize = 10;
/// How many users' tokens are kept, beside those that are in use. Few, so that the run exceeds it.
const CAPACITY: usize = 2;

#[tokio::main]
async fn main() -> ExitCode {
    common::finish(run().await)
}

async fn run() -> Result<String, BoxError> {
    let settings = Settings::from_env();
    let [first, first_password, second, second_password] =
        common::required(["FIRST_USER", "FIRST_PASSWORD", "SECOND_USER", "SECOND_PASSWORD"]);

    let users = Users::new(CAPACITY, settings.users_source()?);
    let app = App::new(&settings, users.clone())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let caller =
        Caller { http: reqwest::Client::new(), origin: format!("http://{}", listener.local_addr()?) };
    tokio::spawn(async { axum::serve(listener, app.router()).await });

    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        calls.spawn(caller.clone().call("/me", Some((first.clone(), first_password.clone()))));
        calls.spawn(caller.clone().call("/me", Some((second.clone(), second_password.clone()))));
        calls.spawn(caller.clone().call("/status", None));
    }
    let (mut as_first, mut as_second, mut as_itself) = (0, 0, 0);
    for reply in calls.join_all().await {
        let reply = reply?;
        let is = |name: &str| reply.text.contains(&format!("\"sub\":\"{name}\""));
        match (reply.code, reply.user.as_deref()) {
            (StatusCode::OK, Some(user)) if user == first && is(&first) => as_first += 1,
            (StatusCode::OK, Some(user)) if user == second && is(&second) => as_second += 1,
            (StatusCode::OK, None) if !is(&first) && !is(&second) => as_itself += 1,
            _ => return Err(format!("WRONG: {reply:?}").into()),
        }
    }
    let token_requests = users.token_requests();
    if (as_first, as_second, as_itself) != (CALLS, CALLS, CALLS) || token_requests >= 2 * CALLS {
        return Err(format!("WRONG: {as_first}, {as_second}, {as_itself}, {token_requests}").into());
    }

    // A wrong password is another identity. It is refused, and gets nothing that belongs to the user.
    for _ in 0..CALLS {
        let reply = caller.clone().call("/me", Some((first.clone(), "not it".to_owned()))).await?;
        if reply.code != StatusCode::UNAUTHORIZED {
            return Err(format!("WRONG: {reply:?}").into());
        }
    }
    let refused = users.token_requests() - token_requests;
    // That was a third identity, for which another one is dropped. No call fails.
    let reply = caller.call("/me", Some((first.clone(), first_password))).await?;
    if reply.code != StatusCode::OK {
        return Err(format!("WRONG: {reply:?}").into());
    }
    Ok(format!(
        "{CALLS} calls each as {first}, as {second} and as the server itself: every response was for the right one\n\
         {token_requests} token requests for {} calls of users\n\
         {CALLS} calls with a wrong password: 401, at the price of {refused} token request(s)\n\
         there is room for {CAPACITY} users, and {} are kept",
        2 * CALLS,
        users.count()
    ))
}

/// A client of our server.
#[derive(Clone)]
struct Caller {
    http: reqwest::Client,
    origin: String,
}

#[derive(Debug)]
struct Reply {
    user: Option<String>,
    code: StatusCode,
    text: String,
}

impl Caller {
    async fn call(self, path: &str, user: Option<(String, String)>) -> Result<Reply, reqwest::Error> {
        let mut request = self.http.get(format!("{}{path}", self.origin));
        if let Some((name, password)) = &user {
            request = request.basic_auth(name, Some(password));
        }
        let response = request.send().await?;
        let code = response.status();
        Ok(Reply { user: user.map(|(name, _)| name), code, text: response.text().await? })
    }
}

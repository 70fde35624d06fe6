//! Three HTTP stacks share one authenticator, against a strict server: tokens of two seconds, refresh tokens for a
//! single use (a second use revokes them all), and a revocation in the middle of the run.
//! It needs only Rust and a C compiler: `cargo run --example quickstart`.
//!
//! Read [`run`] first, then `stacks.rs`: your program needs what they do. The other files are the server (`server.rs`),
//! the callers (`callers.rs`), and the counts (`refreshes.rs`, `report.rs`, `trace.rs`).

mod callers;
#[path = "../common/mod.rs"]
mod common;
mod refreshes;
mod report;
mod server;
mod stacks;
mod trace;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use reauth::{Authenticator, ClientAuth, oauth2};

use callers::Callers;
use common::{BoxError, chain};
use refreshes::Refreshes;
use report::Report;
use server::{LIFETIME, PASSWORD, Server, USERNAME};
use stacks::Stack;
use trace::Trace;

/// The callers of each stack.
const TASKS: usize = 3;
/// The longest time that the run may take. It takes about eight seconds.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> ExitCode {
    let trace = Arc::new(Trace::new());
    let mistakes = match tokio::time::timeout(LIMIT, run(&trace)).await {
        Ok(Ok(report)) => {
            trace.say(format_args!("\n{report}\n"));
            report.mistakes()
        }
        Ok(Err(error)) => vec![chain(&*error)],
        Err(_) => vec![format!("no end after {LIMIT:?}: something hangs")],
    };
    if mistakes.is_empty() {
        trace.say("Every number is as it has to be.");
        return ExitCode::SUCCESS;
    }
    mistakes.iter().for_each(|mistake| eprintln!("WRONG  {mistake}"));
    ExitCode::FAILURE
}

async fn run(trace: &Arc<Trace>) -> Result<Report, BoxError> {
    let server = Server::start(trace.clone()).await?;
    let refreshes = Refreshes::new(trace.clone());

    // The source is a user's password. A client that can keep a secret uses `ClientAuth::basic`.
    let client_auth = ClientAuth::none("quickstart")?;
    let source = oauth2::Password::new(server.token_url(), client_auth, USERNAME, PASSWORD)?;
    // One authenticator keeps the token valid. Its clones share the token, and one refresh runs for all.
    let auth = Authenticator::builder(source).observer(refreshes.observer()).build();
    // Each stack sends the token to this origin, and to no other.
    let origin = server.origin();
    let stacks = [
        Stack::reqwest(&origin, auth.clone())?,
        Stack::hyper_util(&origin, auth.clone())?,
        Stack::tower(&origin, auth)?,
    ];

    let callers = Callers::new(&stacks, TASKS, &server, trace);
    let all = callers.count();
    trace.say(format_args!("{all} callers share one token at a time. Each lives {LIFETIME:?}."));

    trace.say(
        "\n1. Work. All callers wait for the first token. Later tokens come in time, and no caller waits.",
    );
    work_until_token(3, &callers, &refreshes).await;

    trace.say("\n2. All access tokens are revoked. One refresh for everyone, and each call is sent again.");
    // On a very busy machine the token may expire first, and no caller meets the revocation. Then it is done again.
    for _ in 0..3 {
        refreshes.settled().await;
        server.revoke_access_tokens();
        callers.call_once().await;
        if server.counts().unauthorized() > 0 {
            break;
        }
    }

    trace.say("\n3. A pause in which the token expires. Then all call at once, and wait for one refresh.");
    tokio::time::sleep(LIFETIME).await;
    callers.call_once().await;

    trace.say("\n4. Work, as before.");
    work_until_token(refreshes.newest() + 1, &callers, &refreshes).await;

    let names: Vec<_> = stacks.iter().map(Stack::name).collect();
    let refreshes = refreshes.settled().await;
    Ok(Report::new(&names, &callers, server.counts(), refreshes))
}

/// Has all callers call until the authenticator holds the token with this number, or a call fails.
async fn work_until_token(number: u64, callers: &Callers, refreshes: &Refreshes) {
    let refreshes = refreshes.clone();
    callers.work_while(move || refreshes.newest() < number).await;
}

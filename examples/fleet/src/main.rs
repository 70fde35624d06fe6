//! Processes that share one login on Redis, and a live table of which of them refreshes. It can kill and stop some of them
//! meanwhile. It runs on Unix.
//!
//! ```sh
//! export REDIS_URL=redis://127.0.0.1:6379/
//! export TOKEN_URL=…  CLIENT_ID=…  CLIENT_SECRET=…   # the client credentials grant
//! export FLEET_USER=…  FLEET_PASSWORD=…              # optional: the password grant, and then refresh tokens
//! export API_URL=…                                   # optional: what the workers call; its origin gets the token
//! export STATS_URL=…                                 # optional: the provider's counters, as a JSON object of numbers
//! cargo run -- --workers 6
//! ```
//!
//! Read `worker.rs` first: it is what each process of a fleet does. The rest is the show around it.

mod args;
mod commands;
mod fleet;
mod login;
mod report;
mod screen;
mod table;
mod worker;

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let result = match args.worker {
        Some(_) => worker::run(&args).await.map(|()| true),
        None => fleet::run(&args).await,
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

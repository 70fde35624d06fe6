//! A command-line client that asks for a password once. Its runs share the login: the first one that needs a newer token
//! refreshes it, and the others use that.
//!
//! ```sh
//! reauth-cli login pilot --url https://pilot.example.com --user ada      # asks for the password
//! reauth-cli get https://pilot.example.com/files >files.json             # asks for nothing, today and tomorrow
//! reauth-cli status
//! reauth-cli logout
//! ```
//!
//! Read `session.rs` first: it makes the authenticator. `get.rs` uses it. To have the file encrypted, give `session.rs` a
//! `store::Sealed` around its store, with the key of `store::Keychain` (features `seal` and `keyring` of the crate).
//!
//! | exit code | meaning |
//! | --- | --- |
//! | 0 | it worked |
//! | 1 | the API, the disk or the identity provider said no |
//! | 2 | the command or the settings are wrong |
//! | 3 | the user has to log in |
//! | 4 | the same command may work later |

mod args;
mod failure;
mod get;
mod login;
mod logout;
mod prompt;
mod session;
mod settings;
mod status;
mod whoami;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};
use failure::Failure;
use session::Profile;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run(args: Args) -> Result<(), Failure> {
    let profile = Profile::new(args.profile, args.dir)?;
    match args.command {
        Command::Login { how } => login::run(&profile, how).await,
        Command::Whoami => whoami::run(&profile).await,
        Command::Get { url } => get::run(&profile, url).await,
        Command::Status => status::run(&profile).await,
        Command::Logout => logout::run(&profile).await,
    }
}

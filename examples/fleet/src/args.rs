//! The settings. Workers get the same ones, by the command line and the environment.

use std::time::Duration;

use clap::Parser;

/// Run processes that share one login on Redis, and watch who refreshes.
#[derive(Parser)]
#[command(name = "reauth-fleet", version)]
pub(crate) struct Args {
    /// How many processes
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) workers: u16,
    /// End after so many seconds [default: at `q` or Ctrl-C]
    #[arg(long)]
    pub(crate) seconds: Option<u64>,
    /// Kill, stop and continue workers at random
    #[arg(long)]
    pub(crate) chaos: bool,
    /// Milliseconds between two calls of a worker
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) pause: u64,
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub(crate) redis_url: String,
    /// Which login on Redis
    #[arg(long, default_value = "fleet")]
    pub(crate) profile: String,
    #[arg(long, env = "TOKEN_URL")]
    pub(crate) token_url: String,
    /// Where the login is revoked at the end
    #[arg(long, env = "REVOKE_URL")]
    pub(crate) revoke_url: Option<String>,
    #[arg(long, env = "CLIENT_ID")]
    pub(crate) client_id: String,
    /// Only from the environment: other users can read a command line
    #[arg(skip = std::env::var("CLIENT_SECRET").unwrap_or_default())]
    pub(crate) client_secret: String,
    /// A user, for the password grant; the password is FLEET_PASSWORD [default: the client credentials grant]
    #[arg(long, env = "FLEET_USER")]
    pub(crate) user: Option<String>,
    #[arg(long, env = "SCOPE")]
    pub(crate) scope: Option<String>,
    /// What each worker calls with the token [default: nothing]
    #[arg(long, env = "API_URL")]
    pub(crate) api_url: Option<String>,
    /// The provider's counters, to be shown
    #[arg(long, env = "STATS_URL")]
    pub(crate) stats_url: Option<String>,
    /// The number of this worker: how the program starts itself
    #[arg(long, hide = true)]
    pub(crate) worker: Option<usize>,
}

impl Args {
    pub(crate) fn pause(&self) -> Duration {
        Duration::from_millis(self.pause)
    }
}

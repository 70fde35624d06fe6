//! What the program understands on its command line. No secret is given there: other users could read it.

use std::path::PathBuf;

use clap::{Args as Flags, Parser, Subcommand};
use reauth::vathos;
use reqwest::Url;

use crate::settings::{ClientAuthMethod, Provider, Settings};

/// A client that logs in once, and shares the login between its runs.
#[derive(Parser)]
#[command(name = "reauth-cli", version, arg_required_else_help = true)]
pub(crate) struct Args {
    /// Which login: each name has one of its own
    #[arg(long, global = true, default_value = "default", env = "REAUTH_CLI_PROFILE")]
    pub(crate) profile: String,
    /// Where logins are kept, instead of the user's directory for the state of programs
    #[arg(long, global = true, env = "REAUTH_CLI_DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Log in; without a kind, as the last time
    ///
    /// Secrets are asked for at the terminal. If standard input is no terminal, each is a line of it: first the client secret, if
    /// there is one, then the password or the refresh token.
    Login {
        #[command(subcommand)]
        how: Option<How>,
    },
    /// Show who is logged in
    Whoami,
    /// Fetch a URL with the access token, and write the body to standard output
    Get {
        /// A URL of the profile's origin
        url: Url,
    },
    /// Show what is stored; this sends nothing and refreshes nothing
    Status,
    /// Log out, and have the provider revoke the tokens
    Logout,
}

#[derive(Subcommand)]
pub(crate) enum How {
    /// As a user of PILOT
    Pilot(Pilot),
    /// As a person at Vathos
    Vathos(Vathos),
    /// At any OAuth 2 token endpoint, with a password or a refresh token
    #[command(name = "oauth2")]
    OAuth2(OAuth2),
}

#[derive(Flags)]
pub(crate) struct Pilot {
    /// The portal, such as https://pilot.example.com
    #[arg(long)]
    url: String,
    #[arg(long)]
    user: String,
    /// The URL is that of the public gateway
    #[arg(long)]
    gateway: bool,
    /// Where the token may be sent [default: the origin of the portal]
    #[arg(long)]
    origin: Option<String>,
}

#[derive(Flags)]
pub(crate) struct Vathos {
    #[arg(long)]
    client_id: String,
    #[arg(long)]
    user: String,
    #[arg(long, default_value = vathos::TOKEN_URL)]
    token_url: String,
    /// Where the token may be sent
    #[arg(long, default_value = vathos::API_ORIGIN)]
    origin: String,
    #[command(flatten)]
    further: Further,
}

#[derive(Flags)]
pub(crate) struct OAuth2 {
    #[arg(long)]
    token_url: String,
    #[arg(long)]
    client_id: String,
    /// How the client proves its identity
    #[arg(long, value_enum, default_value = "basic")]
    client_auth: ClientAuthMethod,
    /// The user name, for a log-in with a password; without it a refresh token is asked for
    #[arg(long)]
    user: Option<String>,
    #[arg(long)]
    scope: Option<String>,
    /// Where the token may be sent, such as https://api.example.com
    #[arg(long)]
    origin: String,
    #[command(flatten)]
    further: Further,
}

#[derive(Flags)]
struct Further {
    /// Where `logout` revokes the tokens [default: that of the realm, if the token endpoint is Keycloak's]
    #[arg(long)]
    revocation_url: Option<String>,
    /// Where `whoami` asks, if the access token says nothing [default: likewise]
    #[arg(long)]
    userinfo_url: Option<String>,
}

impl How {
    /// The settings of the profile. The client secret, if there is to be one, is still missing.
    pub(crate) fn settings(self) -> Settings {
        match self {
            Self::Pilot(Pilot { url, user, gateway, origin }) => Settings {
                origin: origin.unwrap_or_else(|| origin_of(&url)),
                provider: Provider::Pilot { url, gateway },
                user: Some(user),
                revocation_url: None,
                userinfo_url: None,
            },
            Self::Vathos(Vathos { client_id, user, token_url, origin, further }) => Settings {
                origin,
                revocation_url: further.revocation_url.or_else(|| in_realm(&token_url, "revoke")),
                userinfo_url: further.userinfo_url.or_else(|| in_realm(&token_url, "userinfo")),
                provider: Provider::Vathos { token_url, client_id, client_secret: String::new() },
                user: Some(user),
            },
            Self::OAuth2(OAuth2 { token_url, client_id, client_auth, user, scope, origin, further }) => {
                Settings {
                    origin,
                    revocation_url: further.revocation_url.or_else(|| in_realm(&token_url, "revoke")),
                    userinfo_url: further.userinfo_url.or_else(|| in_realm(&token_url, "userinfo")),
                    provider: Provider::OAuth2 {
                        token_url,
                        client_id,
                        client_auth,
                        client_secret: None,
                        scope,
                    },
                    user,
                }
            }
        }
    }
}

/// What is no URL stays as it is. The source refuses it, and says why.
fn origin_of(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.origin().ascii_serialization())
}

/// Another endpoint of a Keycloak realm.
fn in_realm(token_url: &str, name: &str) -> Option<String> {
    Some(format!("{}/{name}", token_url.strip_suffix("/token")?))
        .filter(|url| url.contains("/protocol/openid-connect/"))
}

//! `status`: what is stored. It reads the file and sends nothing, so that a health check can't spend a refresh token.

use std::time::{Duration, SystemTime};

use reauth::Credentials;

use crate::failure::Failure;
use crate::session::Profile;

pub(crate) async fn run(profile: &Profile) -> Result<(), Failure> {
    let settings = profile.settings()?;
    let entry = profile.entry().await?;
    let (endpoint, client_id) = settings.provider.endpoint();

    row("profile", profile.name());
    row("provider", &format!("{}, {endpoint}", settings.provider.name()));
    if let Some(client_id) = client_id {
        row("client", client_id);
    }
    if let Some(user) = &settings.user {
        row("user", user);
    }
    row("token goes to", &settings.origin);
    row("file", &profile.store.path()?.display().to_string());
    let Some(entry) = entry else {
        row("state", "nobody has logged in");
        return Err(profile.login_needed("there is no login"));
    };
    let Some(credentials) = entry.credentials() else {
        row("state", "logged out");
        return Err(profile.login_needed("there is no login"));
    };
    row("state", "logged in");
    row("access token", &lifetime(credentials, SystemTime::now()));
    row("refresh token", if credentials.refresh_token().is_some() { "stored" } else { "none" });
    row(
        "refresh",
        &entry.open_exchange().map_or("none is under way".into(), |holder| format!("by {holder}")),
    );
    Ok(())
}

fn row(name: &str, value: &str) {
    println!("{name:<14} {value}");
}

fn lifetime(credentials: &Credentials, now: SystemTime) -> String {
    match credentials.expires_at().map(|at| at.duration_since(now)) {
        None => "expires at an unknown time".into(),
        Some(Ok(left)) => format!("expires in {}", words(left)),
        Some(Err(since)) => {
            format!("expired {} ago; the next command that needs one gets another", words(since.duration()))
        }
    }
}

fn words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds @ 3600..86400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        seconds => format!("{} days", seconds / 86400),
    }
}

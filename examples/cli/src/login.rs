//! `login`: gets credentials with a password or a refresh token, and stores them for all later runs.

use reauth::{CredentialSource as _, Credentials, oauth2, pilot, vathos};

use crate::args::How;
use crate::failure::Failure;
use crate::prompt;
use crate::session::{Profile, Session, client};
use crate::settings::{ClientAuthMethod, Provider, Settings};

pub(crate) async fn run(profile: &Profile, how: Option<How>) -> Result<(), Failure> {
    let known = Settings::load(&profile.store)?;
    let settings = match how {
        Some(how) => {
            let settings = how.settings();
            if let Some(known) = known.filter(|known| !known.same_login(&settings)) {
                refuse_another(profile, &known).await?;
            }
            with_client_secret(settings)?
        }
        None => known.ok_or_else(|| {
            Failure::settings(format!(
                "the profile `{}` is new; say how to log in: `{} --help` lists the kinds",
                profile.name(),
                profile.login_command()
            ))
        })?,
    };
    let credentials = log_in(&settings).await?;
    settings.save(&profile.store)?;

    let session = Session::new(profile, settings, |_| ())?;
    let store = async { Ok(session.auth.set_credentials(credentials).await?) };
    session.run(store).await?;
    eprintln!("logged in; the profile is `{}`", profile.name());
    Ok(())
}

/// Another program may be about to refresh what the profile has now. It would send the new login's tokens to the old place.
async fn refuse_another(profile: &Profile, known: &Settings) -> Result<(), Failure> {
    match profile.entry().await? {
        Some(entry) if !entry.is_logged_out() => Err(Failure::settings(format!(
            "the profile `{}` is logged in at {} for {}; log out first, or use another profile",
            profile.name(),
            known.provider.endpoint().0,
            known.origin
        ))),
        _ => Ok(()),
    }
}

fn with_client_secret(mut settings: Settings) -> Result<Settings, Failure> {
    match &mut settings.provider {
        Provider::OAuth2 { client_auth: ClientAuthMethod::None, .. } | Provider::Pilot { .. } => {}
        Provider::Vathos { client_secret, .. } => *client_secret = prompt::secret("Client secret")?,
        Provider::OAuth2 { client_secret, .. } => *client_secret = Some(prompt::secret("Client secret")?),
    }
    Ok(settings)
}

/// One request, so that a password is sent once.
async fn log_in(settings: &Settings) -> Result<Credentials, Failure> {
    let Some(user) = &settings.user else { return with_refresh_token(settings).await };
    let password = prompt::secret("Password")?;
    let result = match &settings.provider {
        Provider::Pilot { url, gateway } => {
            let source = pilot::Pilot::new(url.as_str(), user, password)?;
            if *gateway { source.gateway().login().await } else { source.login().await }
        }
        Provider::Vathos { token_url, client_id, client_secret } => {
            let source =
                vathos::ClientGrant::new(token_url.as_str(), client_id, client_secret, user, password)?;
            source.login().await
        }
        Provider::OAuth2 { token_url, client_id, client_auth, client_secret, scope } => {
            let client_auth = client(client_id, *client_auth, client_secret.as_deref())?;
            let source = oauth2::Password::new(token_url.as_str(), client_auth, user, password)?;
            match scope {
                Some(scope) => source.scope(scope).login().await,
                None => source.login().await,
            }
        }
    };
    Ok(result?)
}

/// A refresh token is exchanged at once: the user has it from elsewhere, and from now on it belongs to this profile.
async fn with_refresh_token(settings: &Settings) -> Result<Credentials, Failure> {
    let Provider::OAuth2 { token_url, client_id, client_auth, client_secret, .. } = &settings.provider else {
        return Err(Failure::settings("this profile has no user; log in with `--user`"));
    };
    let client_auth = client(client_id, *client_auth, client_secret.as_deref())?;
    // The access token of these is never sent.
    let held = Credentials::new("none")?.with_refresh_token(prompt::secret("Refresh token")?)?;
    let source = oauth2::RefreshToken::stored(token_url.as_str(), client_auth)?;
    Ok(source.refresh(&held).await?)
}

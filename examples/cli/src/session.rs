//! A profile, and a session: the authenticator of a profile that is logged in. Everything that needs a token is here.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use reauth::store::{CredentialStore as _, Entry, FileStore};
use reauth::{AuthMiddleware, Authenticator, AuthenticatorBuilder, Event, Origins, TokenEndpoint};
use reauth::{ClientAuth, oauth2, pilot, vathos};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tokio::signal::ctrl_c;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::settings::{ClientAuthMethod, Provider, Settings};

/// A name under which one login is kept.
pub(crate) struct Profile {
    name: String,
    pub(crate) store: FileStore,
}

impl Profile {
    pub(crate) fn new(name: String, directory: Option<PathBuf>) -> Result<Self, Failure> {
        let store = match directory {
            Some(directory) => FileStore::in_directory(directory)?,
            None => FileStore::new("reauth-cli")?,
        };
        Ok(Self { store: store.profile(&name)?, name })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What is stored. This neither locks nor refreshes anything.
    pub(crate) async fn entry(&self) -> Result<Option<Entry>, Failure> {
        Ok(self.store.load().await?)
    }

    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        Settings::load(&self.store)?.ok_or_else(|| self.login_needed("nobody has logged in"))
    }

    /// For a user who has to log in, for this reason.
    pub(crate) fn login_needed(&self, reason: impl AsRef<str>) -> Failure {
        Failure::login(format!("{}; run `{}`", reason.as_ref(), self.login_command()))
    }

    pub(crate) fn login_command(&self) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./@".contains(c);
        match self.name.as_str() {
            "default" => "reauth-cli login".into(),
            name if name.chars().all(is_plain) => format!("reauth-cli --profile {name} login"),
            name => format!("reauth-cli --profile '{}' login", name.replace('\'', r"'\''")),
        }
    }

    /// The session of a profile that is logged in.
    pub(crate) async fn session(&self) -> Result<Session<'_>, Failure> {
        let settings = self.settings()?;
        match self.entry().await? {
            None => Err(self.login_needed("nobody has logged in")),
            Some(entry) if entry.is_logged_out() => Err(self.login_needed("you have logged out")),
            Some(_) => Session::new(self, settings, |_| ()),
        }
    }
}

pub(crate) struct Session<'a> {
    profile: &'a Profile,
    pub(crate) settings: Settings,
    pub(crate) auth: Authenticator,
}

impl<'a> Session<'a> {
    /// `observer` is called with what happens to the credentials.
    pub(crate) fn new(
        profile: &'a Profile,
        settings: Settings,
        observer: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let auth = authenticator(&settings)?.store(profile.store.clone()).observer(observer).build();
        Ok(Self { profile, settings, auth })
    }

    /// A client that gives the token to requests to these origins, and to no others.
    pub(crate) fn client(&self, origins: Origins) -> ClientWithMiddleware {
        let middleware = AuthMiddleware::new(origins, self.auth.clone());
        ClientBuilder::new(reqwest::Client::new()).with(middleware).build()
    }

    /// Does the work of a command, until the end or until Ctrl-C. Then it lets a refresh come to its end: the provider may have
    /// taken the refresh token already, and its successor has to be stored.
    pub(crate) async fn run(&self, work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
        let result = tokio::select! {
            result = work => result,
            _ = ctrl_c() => Err(Failure::interrupted()),
        };
        if timeout(Duration::from_secs(1), self.auth.settled()).await.is_err() {
            eprintln!("a refresh is not over; without its end the login may be lost (Ctrl-C ends it)");
            tokio::select! {
                _ = timeout(Duration::from_secs(60), self.auth.settled()) => {}
                _ = ctrl_c() => {}
            }
        }
        result
    }

    pub(crate) fn request_failed(&self, error: &reqwest_middleware::Error) -> Failure {
        Failure::of_request(error, |reason| self.login_ended(&reason))
    }

    pub(crate) fn credentials_failed(&self, error: &reauth::Error) -> Failure {
        Failure::of_credentials(error, |reason| self.login_ended(&reason))
    }

    fn login_ended(&self, reason: &str) -> Failure {
        self.profile.login_needed(format!("the login has ended ({reason})"))
    }
}

/// A source without a password: it renews what the store holds.
fn authenticator(settings: &Settings) -> Result<AuthenticatorBuilder, Failure> {
    let revocation = settings.revocation_url.as_deref().map(TokenEndpoint::new).transpose()?;
    Ok(match &settings.provider {
        Provider::Pilot { url, gateway } => {
            let source = pilot::Pilot::stored(url.as_str())?;
            Authenticator::builder(if *gateway { source.gateway() } else { source })
        }
        Provider::Vathos { token_url, client_id, client_secret } => {
            let source = vathos::ClientGrant::stored(token_url.as_str(), client_id, client_secret)?;
            Authenticator::builder(match revocation {
                Some(endpoint) => source.revocation_endpoint(endpoint),
                None => source,
            })
        }
        Provider::OAuth2 { token_url, client_id, client_auth, client_secret, .. } => {
            let client_auth = client(client_id, *client_auth, client_secret.as_deref())?;
            let source = oauth2::RefreshToken::stored(token_url.as_str(), client_auth)?;
            Authenticator::builder(match revocation {
                Some(endpoint) => source.revocation_endpoint(endpoint),
                None => source,
            })
        }
    })
}

pub(crate) fn client(
    id: &str,
    method: ClientAuthMethod,
    secret: Option<&str>,
) -> Result<ClientAuth, reauth::Error> {
    let secret = secret.unwrap_or_default();
    match method {
        ClientAuthMethod::Basic => ClientAuth::basic(id, secret),
        ClientAuthMethod::Post => ClientAuth::post(id, secret),
        ClientAuthMethod::None => ClientAuth::none(id),
    }
}

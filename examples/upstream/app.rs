//! The server. Each request names the user whose token goes upstream.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use reauth::per_request::WithAuthenticator;
use reauth::{
    AuthMiddleware, Authenticator, ClientAuth, ErrorKind, Origins, RenewalError, TokenEndpoint, oauth2,
};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

use crate::common;
use crate::users::{Identity, Users};

#[derive(Clone)]
pub(crate) struct App {
    upstream: ClientWithMiddleware,
    url: Arc<str>,
    users: Users,
}

impl App {
    pub(crate) fn new(settings: &Settings, users: Users) -> Result<Self, reauth::Error> {
        // By default the server acts as itself. A request for a user names the user's authenticator.
        let itself = Authenticator::new(settings.own_source()?);
        let scope = Origins::of_url(&settings.api_url)?;
        let upstream =
            ClientBuilder::new(reqwest::Client::new()).with(AuthMiddleware::new(scope, itself)).build();
        Ok(Self { upstream, url: settings.api_url.as_str().into(), users })
    }

    pub(crate) fn router(self) -> Router {
        Router::new().route("/me", get(me)).route("/status", get(status)).with_state(self)
    }
}

/// Calls upstream on behalf of the user who asks.
async fn me(State(app): State<App>, headers: HeaderMap) -> Response {
    let Some(identity) = Identity::of(&headers) else { return log_in() };
    let authenticator = match app.users.authenticator(&identity).await {
        Ok(authenticator) => authenticator,
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    let request = app.upstream.get(&*app.url).with_extension(WithAuthenticator(authenticator));
    match request.send().await {
        Ok(response) => pass_on(response).await,
        // The provider refused the user's password, not ours.
        Err(error) if kind(&error) == Some(ErrorKind::LoginRequired) => log_in(),
        Err(error) => unavailable(&error),
    }
}

/// Calls upstream as the server itself.
async fn status(State(app): State<App>) -> Response {
    match app.upstream.get(&*app.url).send().await {
        Ok(response) => pass_on(response).await,
        Err(error) => unavailable(&error),
    }
}

async fn pass_on(response: reqwest::Response) -> Response {
    match response.status() {
        // Upstream's 401 is about this server's tokens. To the user it would mean the user's password.
        StatusCode::UNAUTHORIZED => {
            if let Some(reason) = response.extensions().get::<RenewalError>() {
                eprintln!("a token could not be renewed: {}", reason.error());
            }
            StatusCode::BAD_GATEWAY.into_response()
        }
        code => match response.bytes().await {
            Ok(body) => (code, body).into_response(),
            Err(_) => StatusCode::BAD_GATEWAY.into_response(),
        },
    }
}

fn log_in() -> Response {
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Basic realm=\"example\", charset=\"UTF-8\"")])
        .into_response()
}

fn unavailable(error: &reqwest_middleware::Error) -> Response {
    eprintln!("upstream: {}", common::chain(error));
    let wait = token_error(error).and_then(reauth::Error::retry_after);
    match wait {
        Some(wait) => {
            let seconds = wait.as_secs().max(1).to_string();
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, seconds)]).into_response()
        }
        None => StatusCode::BAD_GATEWAY.into_response(),
    }
}

fn kind(error: &reqwest_middleware::Error) -> Option<ErrorKind> {
    token_error(error).map(reauth::Error::kind)
}

/// Returns the error of the log-in or the refresh, if that is what failed. It is inside the middleware's error.
fn token_error(error: &reqwest_middleware::Error) -> Option<&reauth::Error> {
    let reqwest_middleware::Error::Middleware(error) = error else { return None };
    error.downcast_ref()
}

/// The settings, from the environment.
pub(crate) struct Settings {
    token_url: String,
    api_url: String,
    scope: Option<String>,
    own: [String; 2],
    users: [String; 2],
}

impl Settings {
    pub(crate) fn from_env() -> Self {
        let [token_url, api_url, id, secret, users_id, users_secret] = common::required([
            "TOKEN_URL",
            "API_URL",
            "CLIENT_ID",
            "CLIENT_SECRET",
            "USERS_CLIENT_ID",
            "USERS_CLIENT_SECRET",
        ]);
        let scope = common::optional("SCOPE");
        Self { token_url, api_url, scope, own: [id, secret], users: [users_id, users_secret] }
    }

    fn own_source(&self) -> Result<oauth2::ClientCredentials, reauth::Error> {
        let [id, secret] = &self.own;
        let source = oauth2::ClientCredentials::new(&self.token_url, ClientAuth::basic(id, secret)?)?;
        Ok(match &self.scope {
            Some(scope) => source.scope(scope),
            None => source,
        })
    }

    /// Returns how a user logs in.
    pub(crate) fn users_source(
        &self,
    ) -> Result<impl Fn(&Identity) -> Result<oauth2::Password, reauth::Error> + use<>, reauth::Error> {
        let [id, secret] = &self.users;
        let (endpoint, client) = (TokenEndpoint::new(&self.token_url)?, ClientAuth::basic(id, secret)?);
        let scope = self.scope.clone();
        Ok(move |identity: &Identity| {
            let Identity { username, password } = identity;
            let source = oauth2::Password::new(endpoint.clone(), client.clone(), username, password)?;
            Ok(match &scope {
                Some(scope) => source.scope(scope),
                None => source,
            })
        })
    }
}

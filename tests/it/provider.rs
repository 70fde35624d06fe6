//! Against the real OpenID provider of `tests/idp`: every grant, the three stacks, rotation, refusals.
//!
//! Real sockets and real time. The provider counts in whole seconds, so its two-second tokens live for one to two
//! seconds. A test waits for a counter or a state, never for a duration.

mod assertions;
mod discovery;
mod fields;
mod grants;
mod interactive;
mod own_grant;
mod pilot;
mod refusals;
mod revocation;
mod rotation;
mod stacks;

use std::time::{Duration, Instant};

use reauth::{
    AuthMiddleware, Authenticator, ClientAuth, CredentialSource, Credentials, ErrorKind, TokenEndpoint,
    oauth2,
};
use serde_json::Value;

use crate::support::idp::{Idp, Knobs, Login};

/// The protected API, through the reqwest middleware.
struct Api {
    http: reqwest_middleware::ClientWithMiddleware,
    url: String,
}

impl Api {
    fn new(idp: &Idp, auth: &Authenticator) -> Self {
        Self::at(&idp.base_url, &idp.echo_url, auth)
    }

    fn at(origin: &str, url: &str, auth: &Authenticator) -> Self {
        let middleware = AuthMiddleware::for_origin(origin, auth.clone()).unwrap();
        let http = reqwest_middleware::ClientBuilder::new(reqwest::Client::new()).with(middleware).build();
        Self { http, url: url.to_owned() }
    }

    /// What the API reads from the token: `sub`, `client_id`, `scope`.
    async fn whoami(&self) -> Value {
        let response = self.http.get(&self.url).send().await.unwrap();
        assert_eq!(response.status(), 200);
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }
}

fn auth(source: impl CredentialSource) -> Authenticator {
    Authenticator::new(source)
}

fn endpoint(idp: &Idp) -> TokenEndpoint {
    TokenEndpoint::new(&idp.token_url).unwrap()
}

fn basic(client: &Login) -> ClientAuth {
    ClientAuth::basic(&client.id, &client.secret).unwrap()
}

fn post(client: &Login) -> ClientAuth {
    ClientAuth::post(&client.id, &client.secret).unwrap()
}

fn password(idp: &Idp, user: &Login) -> oauth2::Password {
    oauth2::Password::new(endpoint(idp), basic(&idp.pw_client), &user.id, &user.secret).unwrap()
}

fn refresh_token(idp: &Idp, credentials: Credentials) -> oauth2::RefreshToken {
    oauth2::RefreshToken::new(endpoint(idp), basic(&idp.pw_client), credentials).unwrap()
}

/// Credentials from a log-in that the tested authenticator does not know about.
async fn login_elsewhere(idp: &Idp, user: &Login) -> Credentials {
    auth(password(idp, user)).credentials().await.unwrap()
}

/// Revokes a log-in at the provider (RFC 7009): its refresh token and its access tokens are dead.
async fn revoke(idp: &Idp, credentials: &Credentials) {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("token", credentials.refresh_token().unwrap())
        .append_pair("client_id", &idp.pw_client.id)
        .append_pair("client_secret", &idp.pw_client.secret)
        .finish();
    let call = reqwest::Client::new().post(&idp.revoke_url).body(body);
    let call = call.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(call.send().await.unwrap().status(), 200);
}

/// Waits until `done` returns true.
///
/// The limit is not an expectation: it ends a test that would otherwise wait for ever.
async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !done().await {
        assert!(began.elapsed() < Duration::from_secs(120), "it never came to: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

//! What one request asks for against the settings of its layer, through both adapters.

use http::StatusCode;
use reauth::per_request::{NoReplay, WithAuthenticator, WithoutCredentials};
use reauth::{AuthMiddleware, RenewalError};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tower::Layer;

use crate::reqwest_middleware::server::Server;
use crate::support::source::{Script, credentials};
use crate::tower_layer::api::{Api, authenticator, get, holding_first, layer, nth, send};

#[tokio::test(start_paused = true)]
async fn f19_a_request_marked_no_replay_is_sent_once_and_its_401_still_refreshes() {
    let script = holding_first().then_ok(nth(2));
    let (layer, auth) = layer(&script);
    let api = Api::taking(&["at-2"]);
    let service = layer.layer(api.clone());

    let mut request = get("/pay");
    request.extensions_mut().insert(NoReplay);
    let response = send(&service, request).await.unwrap();

    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.extensions().get::<RenewalError>().is_none(), "there is a successor");
    assert_eq!(api.tokens(), ["at-1"]);
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-2");
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r20_a_request_that_opts_out_passes_without_credentials_and_its_401_rejects_nothing() {
    let script = holding_first();
    let (layer, _) = layer(&script);
    let api = Api::taking(&[]);

    let mut request = get("/public");
    request.extensions_mut().insert(WithoutCredentials);
    let response = send(&layer.layer(api.clone()), request).await.unwrap();

    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(api.tokens(), ["-"]);
    assert_eq!(script.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn r44_a_request_with_an_authenticator_of_its_own_uses_and_refreshes_that_one() {
    let layers = holding_first();
    let (layer, _) = layer(&layers);
    let own = Script::new()
        .holding(credentials("own-1", Some("own-rt"), None))
        .then_ok(credentials("own-2", None, None));
    let api = Api::taking(&["own-2"]);

    let mut request = get("/as-someone-else");
    request.extensions_mut().insert(WithAuthenticator(authenticator(&own)));
    let response = send(&layer.layer(api.clone()), request).await.unwrap();

    assert_eq!(response.body(), "own-2");
    assert_eq!(api.tokens(), ["own-1", "own-2"]);
    assert_eq!((own.requests(), layers.requests()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn r44_a_request_waits_for_the_log_in_of_its_own_authenticator_and_renews_with_that() {
    let layers = holding_first();
    let (layer, _) = layer(&layers);
    let own = logging_in();
    let api = Api::taking(&["own-2"]);

    let mut request = get("/as-someone-else");
    request.extensions_mut().insert(WithAuthenticator(authenticator(&own)));
    let response = send(&layer.layer(api.clone()), request).await.unwrap();

    assert_eq!(response.body(), "own-2");
    assert_eq!(api.tokens(), ["own-1", "own-2"]);
    assert_eq!((own.requests(), layers.requests()), (2, 0));
}

/// Holds nothing at first; its first token is renewed.
fn logging_in() -> Script {
    let first = credentials("own-1", Some("own-rt"), None);
    Script::new().then_ok(first).then_ok(credentials("own-2", None, None))
}

#[tokio::test(start_paused = true)]
async fn r20_an_authenticator_of_its_own_does_not_widen_the_scope() {
    let (layer, _) = layer(&holding_first());
    let api = Api::taking(&[]);

    let mut request = get("https://elsewhere.example.com/");
    request.extensions_mut().insert(WithAuthenticator(authenticator(&holding_first())));
    send(&layer.layer(api.clone()), request).await.unwrap();

    assert_eq!(api.tokens(), ["-"]);
}

fn client(server: &Server, script: &Script) -> ClientWithMiddleware {
    let middleware = AuthMiddleware::for_origin(server.origin(), authenticator(script)).unwrap();
    ClientBuilder::new(reqwest::Client::new()).with(middleware).build()
}

#[tokio::test]
async fn f19_no_replay_through_reqwest() {
    let server = Server::taking("at-2").await;
    let script = holding_first().then_ok(nth(2));
    let request = client(&server, &script).post(server.url("/pay")).body("once").with_extension(NoReplay);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(server.tokens(), ["at-1"]);
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn r20_r44_opting_out_and_another_identity_through_reqwest() {
    let server = Server::taking("own-1").await;
    let script = holding_first();
    let client = client(&server, &script);
    let own = Script::new().holding(credentials("own-1", None, None));

    let out = client.get(server.url("/")).with_extension(WithoutCredentials).send().await.unwrap();
    let other = client.get(server.url("/")).with_extension(WithAuthenticator(authenticator(&own)));

    assert_eq!(out.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(other.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(server.tokens(), ["-", "own-1"]);
    assert_eq!(script.requests(), 0);
}

#[tokio::test]
async fn r44_another_identity_logs_in_and_renews_through_reqwest() {
    let server = Server::taking("own-2").await;
    let (script, own) = (holding_first(), logging_in());
    let request = client(&server, &script).get(server.url("/"));
    let request = request.with_extension(WithAuthenticator(authenticator(&own)));

    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(server.tokens(), ["own-1", "own-2"]);
    assert_eq!((own.requests(), script.requests()), (2, 0));
}

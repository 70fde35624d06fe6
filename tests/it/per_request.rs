//! The settings of one request, which override those of its layer, through both adapters.

use http::StatusCode;
use reauth::per_request::{NoReplay, WithAuthenticator, WithoutCredentials};
use reauth::{AuthLayer, AuthMiddleware, Origins, PassedKind, PassedReason, RenewalError};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tower::Layer;

use crate::reqwest_middleware::server::Server;
use crate::support::source::{Script, credentials};
use crate::tower_layer::api::{Api, ORIGIN, authenticator, get, holding_first, layer, nth, send};

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
async fn r44_the_authenticator_of_a_request_is_used_and_refreshed() {
    let layers = holding_first();
    let (layer, _) = layer(&layers);
    let ada = Script::new()
        .holding(credentials("ada-1", Some("ada-rt"), None))
        .then_ok(credentials("ada-2", None, None));
    let api = Api::taking(&["ada-2"]);

    let mut request = get("/as-someone-else");
    request.extensions_mut().insert(WithAuthenticator(authenticator(&ada)));
    let response = send(&layer.layer(api.clone()), request).await.unwrap();

    assert_eq!(response.body(), "ada-2");
    assert_eq!(api.tokens(), ["ada-1", "ada-2"]);
    assert_eq!((ada.requests(), layers.requests()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn r44_a_request_waits_for_the_log_in_of_its_authenticator_and_renews_with_it() {
    let layers = holding_first();
    let (layer, _) = layer(&layers);
    let ada = logging_in();
    let api = Api::taking(&["ada-2"]);

    let mut request = get("/as-someone-else");
    request.extensions_mut().insert(WithAuthenticator(authenticator(&ada)));
    let response = send(&layer.layer(api.clone()), request).await.unwrap();

    assert_eq!(response.body(), "ada-2");
    assert_eq!(api.tokens(), ["ada-1", "ada-2"]);
    assert_eq!((ada.requests(), layers.requests()), (2, 0));
}

/// Holds nothing at first. Its first token is renewed.
fn logging_in() -> Script {
    let first = credentials("ada-1", Some("ada-rt"), None);
    Script::new().then_ok(first).then_ok(credentials("ada-2", None, None))
}

#[tokio::test(start_paused = true)]
async fn r20_the_authenticator_of_a_request_does_not_add_origins() {
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
    let server = Server::taking("ada-1").await;
    let script = holding_first();
    let client = client(&server, &script);
    let ada = Script::new().holding(credentials("ada-1", None, None));

    let out = client.get(server.url("/")).with_extension(WithoutCredentials).send().await.unwrap();
    let other = client.get(server.url("/")).with_extension(WithAuthenticator(authenticator(&ada)));

    assert_eq!(out.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(other.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(server.tokens(), ["-", "ada-1"]);
    assert_eq!(script.requests(), 0);
}

#[tokio::test]
async fn r44_another_identity_logs_in_and_renews_through_reqwest() {
    let server = Server::taking("ada-2").await;
    let (script, ada) = (holding_first(), logging_in());
    let request = client(&server, &script).get(server.url("/"));
    let request = request.with_extension(WithAuthenticator(authenticator(&ada)));

    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(server.tokens(), ["ada-1", "ada-2"]);
    assert_eq!((ada.requests(), script.requests()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn r39_a_layer_without_an_identity_gives_a_token_only_to_requests_that_are_marked() {
    let ada = logging_in();
    let api = Api::taking(&["ada-2"]);
    let service = AuthLayer::per_request(Origins::new(ORIGIN).unwrap()).layer(api.clone());

    let response = send(&service, get("/x")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let reason = response.extensions().get::<PassedReason>().unwrap();
    assert_eq!(reason.kind(), PassedKind::NoAuthenticator);
    assert!(reason.to_string().contains("https://api.example.com"), "{reason}");

    let mut request = get("/x");
    request.extensions_mut().insert(WithAuthenticator(authenticator(&ada)));
    assert_eq!(send(&service, request).await.unwrap().body(), "ada-2");
    assert_eq!(api.tokens(), ["-", "ada-1", "ada-2"]);

    let mut elsewhere = get("https://elsewhere.example.com/");
    elsewhere.extensions_mut().insert(WithAuthenticator(authenticator(&holding_first())));
    let response = send(&service, elsewhere).await.unwrap();
    assert_eq!(response.extensions().get::<PassedReason>().unwrap().kind(), PassedKind::OtherOrigin);
    assert_eq!(api.tokens()[3..], ["-"]);
}

#[tokio::test]
async fn r39_without_an_identity_through_reqwest() {
    let server = Server::taking("ada-2").await;
    let ada = logging_in();
    let middleware = AuthMiddleware::per_request(Origins::new(server.origin()).unwrap());
    let client = ClientBuilder::new(reqwest::Client::new()).with(middleware).build();

    let response = client.get(server.url("/")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let reason = response.extensions().get::<PassedReason>().unwrap();
    assert_eq!(reason.kind(), PassedKind::NoAuthenticator);

    let request = client.get(server.url("/")).with_extension(WithAuthenticator(authenticator(&ada)));
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(server.tokens(), ["-", "ada-1", "ada-2"]);
}

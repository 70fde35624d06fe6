//! A real reqwest client, and two servers, one of which redirects to the other.

use http::{Response, StatusCode};
use http_body_util::Full;
use reauth::{AuthError, AuthHeader, AuthMiddleware, Authenticator, Authorizer, ErrorKind};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Request};

use crate::reqwest_middleware::server::Server;
use crate::tower_layer::api::nth;

/// A server that takes everything, and one that redirects to it.
async fn servers() -> (Server, Server) {
    let other = Server::start(|_| Response::new(Full::from("other"))).await;
    let url = other.url("/there");
    let api = Server::start(move |_| {
        Response::builder().status(302).header("location", &url).body(Full::default()).unwrap()
    });
    (api.await, other)
}

fn authorizer(api: &Server, header: AuthHeader) -> Authorizer {
    let auth = Authenticator::builder(nth(1)).header(header).build();
    Authorizer::for_origin(api.origin(), auth).unwrap()
}

fn get(server: &Server) -> Request {
    Request::new(Method::GET, server.url("/x").parse().unwrap())
}

#[tokio::test]
async fn f54_a_client_that_follows_redirects_is_not_given_another_header() {
    let (api, other) = servers().await;
    let auth = authorizer(&api, AuthHeader::bare("X-Vault-Token").unwrap());
    let client = Client::new();
    let error = auth.send(get(&api), |request| client.execute(request)).await.unwrap_err();
    assert!(matches!(error, AuthError::Credentials(error) if error.kind() == ErrorKind::Misconfigured));
    assert!(AuthMiddleware::try_from(auth).is_err());
    assert_eq!((api.arrived().len(), other.arrived().len()), (0, 0));
}

#[tokio::test]
async fn f54_a_client_that_follows_none_sends_it_to_the_api_alone() {
    let (api, other) = servers().await;
    let auth = authorizer(&api, AuthHeader::bare("X-Vault-Token").unwrap()).without_redirects();
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let response = auth.send(get(&api), |request| client.execute(request)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    let middleware = AuthMiddleware::try_from(auth).unwrap();
    let client = reqwest_middleware::ClientBuilder::new(client).with(middleware).build();
    assert_eq!(client.execute(get(&api)).await.unwrap().status(), StatusCode::FOUND);
    let arrived = api.arrived();
    assert!(arrived.len() == 2 && arrived.iter().all(|arrived| arrived.headers["x-vault-token"] == "at-1"));
    assert_eq!(other.arrived().len(), 0);
}

#[tokio::test]
async fn f54_authorization_with_another_scheme_is_removed_by_the_client() {
    let (api, other) = servers().await;
    let auth = authorizer(&api, AuthHeader::scheme("token").unwrap());
    let client = Client::new();
    let response = auth.send(get(&api), |request| client.execute(request)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let middleware = AuthMiddleware::try_from(auth).unwrap();
    let client = reqwest_middleware::ClientBuilder::new(client).with(middleware).build();
    assert_eq!(client.execute(get(&api)).await.unwrap().status(), StatusCode::OK);
    assert!(api.arrived().iter().all(|arrived| arrived.headers["authorization"] == "token at-1"));
    let there = other.arrived();
    assert!(there.len() == 2 && there.iter().all(|arrived| !arrived.headers.contains_key("authorization")));
}

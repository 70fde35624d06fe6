//! Redirects that reqwest follows below the middleware.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use reauth::{AuthMiddleware, Authenticator, Origins, RenewalError};

use super::server::{Server, unauthorized};
use super::{client, with};
use crate::tower_layer::api::{holding_first, nth};

/// A server whose `/x` redirects to this URL, and which accepts `at-2` on other paths.
async fn redirecting(to: String) -> Server {
    Server::start(move |arrived| match (arrived.path.as_str(), arrived.token()) {
        ("/x", _) => Response::builder().status(302).header("location", &to).body(Full::default()).unwrap(),
        (_, Some("at-2")) => Response::new(Full::default()),
        _ => unauthorized(),
    })
    .await
}

#[tokio::test]
async fn r30_a_401_after_a_redirect_to_another_origin_rejects_nothing() {
    let script = holding_first();
    let other = Server::start(|_| unauthorized()).await;
    let server = redirecting(other.url("/y")).await;
    let client = client(&server, &script);
    for _ in 0..2 {
        let response = client.get(server.url("/x")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(response.extensions().get::<RenewalError>().is_none());
    }
    // F44: the token is not sent to the other origin.
    assert_eq!((server.tokens(), other.tokens()), (vec!["at-1".to_owned(); 2], vec!["-".to_owned(); 2]));
    assert_eq!(script.requests(), 0);
}

#[tokio::test]
async fn r30_nor_if_the_token_goes_to_that_origin_as_well() {
    let script = holding_first();
    let other = Server::start(|_| unauthorized()).await;
    let server = redirecting(other.url("/y")).await;
    let origins = Origins::new(server.origin()).unwrap().and(other.origin()).unwrap();
    let client = with(AuthMiddleware::new(origins, Authenticator::new(script.clone())));
    let response = client.get(server.url("/x")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    // reqwest had removed the token, hence the 401.
    assert_eq!(other.tokens(), ["-"]);
    assert_eq!(script.requests(), 0);
}

#[tokio::test]
async fn r30_a_redirect_within_the_origin_is_judged_as_usual() {
    let script = holding_first().then_ok(nth(2));
    let server = redirecting("/y".to_owned()).await;
    let response = client(&server, &script).get(server.url("/x")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let paths: Vec<_> = server.arrived().into_iter().map(|arrived| arrived.path).collect();
    assert_eq!(paths, ["/x", "/y", "/x", "/y"]);
    assert_eq!(server.tokens(), ["at-1", "at-1", "at-2", "at-2"]);
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn r30_a_redirect_from_elsewhere_brings_no_token_and_rejects_nothing() {
    let script = holding_first();
    let server = Server::start(|_| unauthorized()).await;
    let elsewhere = redirecting(server.url("/y")).await;
    let response = client(&server, &script).get(elsewhere.url("/x")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!((elsewhere.tokens(), server.tokens()), (vec!["-".to_owned()], vec!["-".to_owned()]));
    assert_eq!(script.requests(), 0);
}

#[tokio::test]
async fn r20_a_200_from_a_redirect_elsewhere_is_passed_on() {
    let script = holding_first();
    let other = Server::start(|_| Response::new(Full::from(Bytes::from("elsewhere")))).await;
    let server = redirecting(other.url("/y")).await;
    let response = client(&server, &script).get(server.url("/x")).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "elsewhere");
    assert_eq!(other.tokens(), ["-"]);
}

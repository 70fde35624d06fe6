//! A renewal that fails, and how a program finds the reason.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use reauth::{AuthMiddleware, Authenticator, Error, ErrorKind, RenewalError};

use super::server::{Server, unauthorized};
use super::{client, with};
use crate::support::source::Script;
use crate::tower_layer::api::nth;

#[tokio::test]
async fn r28_when_the_renewal_fails_the_caller_gets_the_servers_own_401_and_the_reason() {
    let script = Script::new().holding(nth(1)).then_err(Error::misconfigured("wrong client"));
    let server = Server::start(|_| {
        let response = Response::builder().status(401).header("www-authenticate", "Bearer realm=\"api\"");
        response.body(Full::<Bytes>::from("the server's words")).unwrap()
    })
    .await;
    let response = client(&server, &script).get(server.url("/x")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"api\"");
    let reason = response.extensions().get::<RenewalError>().unwrap().error();
    assert_eq!((reason.kind(), reason.to_string().as_str()), (ErrorKind::Misconfigured, "wrong client"));
    assert_eq!(response.text().await.unwrap(), "the server's words");
    assert_eq!(server.tokens(), ["at-1"]);
}

#[tokio::test]
async fn r28_also_if_the_body_could_not_be_sent_again() {
    let script = Script::new().holding(nth(1)).then_err(Error::misconfigured("wrong client"));
    let server = Server::start(|_| unauthorized()).await;
    let body = reqwest::Body::wrap_stream(Full::new(Bytes::from("once")).into_data_stream());
    let response = client(&server, &script).post(server.url("/x")).body(body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let reason = response.extensions().get::<RenewalError>().unwrap().error();
    assert_eq!(reason.kind(), ErrorKind::Misconfigured);
}

#[tokio::test]
async fn r08_without_credentials_nothing_is_sent_and_the_error_is_found_by_downcast() {
    let script = Script::new().then_err(Error::login_required("who are you?"));
    let server = Server::start(|_| Response::new(Full::default())).await;
    let error = client(&server, &script).get(server.url("/x")).send().await.unwrap_err();
    let reqwest_middleware::Error::Middleware(inner) = &error else { panic!("{error:?}") };
    let found = inner.downcast_ref::<Error>().unwrap();
    assert_eq!((found.kind(), found.to_string().as_str()), (ErrorKind::LoginRequired, "who are you?"));
    assert!(server.arrived().is_empty(), "an unauthenticated request went out");
}

#[tokio::test]
async fn r31_errors_of_reqwest_keep_their_type() {
    // The port is bound, so that no other test gets it, and has no listener.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let origin = format!("http://{}", socket.local_addr().unwrap());
    let auth = AuthMiddleware::for_origin(&origin, Authenticator::new(nth(1))).unwrap();
    let error = with(auth).get(&origin).send().await.unwrap_err();
    let reqwest_middleware::Error::Reqwest(inner) = &error else { panic!("{error:?}") };
    assert!(inner.is_connect());
}

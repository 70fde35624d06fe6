//! Which requests get a token.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use reauth::{AuthMiddleware, Authenticator, Error, ErrorKind, Origins};

use super::server::Server;
use super::{client, with};
use crate::support::clock::in_paused_time;
use crate::support::source::Script;
use crate::tower_layer::api::{Api, ORIGIN, holding_first, nth};

async fn accepting() -> Server {
    Server::start(|_| Response::new(Full::<Bytes>::default())).await
}

async fn rejecting() -> Server {
    Server::start(|_| super::server::unauthorized()).await
}

#[tokio::test]
async fn r20_another_origin_passes_unauthenticated_and_its_401_rejects_nothing() {
    let (ours, other) = (accepting().await, rejecting().await);
    let script = holding_first();
    let client = client(&ours, &script);
    let response = client.get(other.url("/x")).header("x-mine", "1").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(other.tokens(), ["-"]);
    assert_eq!(other.arrived()[0].headers["x-mine"], "1");
    // Another name for the same address is another origin.
    let port = ours.origin().rsplit(':').next().unwrap();
    client.get(format!("http://localhost:{port}/x")).send().await.unwrap();
    assert_eq!(ours.tokens(), ["-"]);
    client.get(ours.url("/x")).send().await.unwrap();
    assert_eq!(ours.tokens(), ["-", "at-1"]);
    assert_eq!(script.requests(), 0);
}

#[tokio::test]
async fn r20_a_request_to_another_origin_does_not_wait_for_credentials() {
    let (ours, other) = (accepting().await, accepting().await);
    let script = Script::new();
    client(&ours, &script).get(other.url("/x")).send().await.unwrap();
    assert_eq!((other.tokens(), script.requests()), (vec!["-".to_owned()], 0));
}

#[tokio::test]
async fn r20_each_of_several_origins_gets_the_token() {
    let (first, second, third) = (accepting().await, accepting().await, accepting().await);
    let origins = Origins::new(first.origin()).unwrap().and(&second.origin().to_uppercase()).unwrap();
    let client = with(AuthMiddleware::new(origins, Authenticator::new(nth(1))));
    for server in [&first, &second, &third] {
        client.get(server.url("/x")).send().await.unwrap();
    }
    assert_eq!([first.tokens(), second.tokens(), third.tokens()], [["at-1"], ["at-1"], ["-"]]);
}

#[test]
fn r20_an_origin_is_https_or_loopback() {
    let auth = Authenticator::new(nth(1));
    AuthMiddleware::for_origin("http://127.0.0.1:1", auth.clone()).unwrap();
    let error = AuthMiddleware::for_origin("http://api.example.com", auth).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
}

#[tokio::test]
async fn f52_the_callers_header_is_passed_on_and_never_replayed() {
    // With a token at hand, and without one: the request doesn't wait.
    for script in [holding_first(), Script::new()] {
        let server = rejecting().await;
        let client = client(&server, &script);
        let request = client.get(server.url("/x")).basic_auth("mine", Some("own"));
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
        // reqwest turns a user name in the URL into a header.
        let in_url = server.url("/x").replace("http://", "http://mine:own@");
        assert_eq!(client.get(in_url).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
        let arrived = server.arrived();
        assert_eq!(arrived.len(), 2);
        for arrived in arrived {
            let sent: Vec<_> = arrived.headers.get_all(AUTHORIZATION).iter().collect();
            assert_eq!(sent, ["Basic bWluZTpvd24="]);
        }
        assert_eq!(script.requests(), 0, "a 401 to the caller's header started a refresh");
    }
}

#[tokio::test(start_paused = true)]
async fn r22_a_request_without_room_for_the_header_is_an_error_and_not_sent() {
    let auth = AuthMiddleware::for_origin(ORIGIN, in_paused_time(nth(1)).build()).unwrap();
    let api = Api::taking(&["at-1"]);
    let client = super::in_memory::client(auth, api.clone());
    let mut request = client.get(format!("{ORIGIN}/x")).build().unwrap();
    for n in 0.. {
        let name = HeaderName::try_from(format!("x-{n}")).unwrap();
        if request.headers_mut().try_insert(name, HeaderValue::from_static("y")).is_err() {
            break;
        }
    }
    let error = client.execute(request).await.unwrap_err();
    let reqwest_middleware::Error::Middleware(inner) = &error else { panic!("{error:?}") };
    assert_eq!(inner.downcast_ref::<Error>().unwrap().kind(), ErrorKind::Misconfigured);
    assert!(api.seen().is_empty(), "it was sent without credentials");
}

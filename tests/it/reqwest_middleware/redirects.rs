//! Redirects that reqwest follows below the middleware.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use reauth::per_request::NoReplay;
use reauth::{AuthMiddleware, Authenticator, Origins, PassedKind, PassedReason, RenewalError};

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
        let reason = response.extensions().get::<PassedReason>().unwrap();
        assert_eq!(reason.kind(), PassedKind::RedirectedElsewhere);
        for origin in [server.origin(), other.origin()] {
            assert!(reason.to_string().contains(origin), "{reason}");
        }
    }
    // F44: the token is not sent to the other origin.
    assert_eq!((server.tokens(), other.tokens()), (vec!["at-1".to_owned(); 2], vec!["-".to_owned(); 2]));
    assert_eq!(script.requests(), 0);
}

#[tokio::test]
async fn r30_if_the_token_may_go_there_the_request_goes_straight_to_it() {
    let script = holding_first();
    let other = Server::taking("at-1").await;
    let server = redirecting(other.url("/y")).await;
    let origins = Origins::new(server.origin()).unwrap().and(other.origin()).unwrap();
    let client = with(AuthMiddleware::new(origins, Authenticator::new(script.clone())));
    let request = client.get(server.url("/x")).header("cookie", "a=b").header("x-mine", "1");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    // reqwest had removed the token, hence the 401.
    assert_eq!(other.tokens(), ["-", "at-1"]);
    let arrived = other.arrived();
    assert_eq!(arrived[1].headers.get("cookie"), None);
    assert_eq!(arrived[1].headers["x-mine"], "1");
    assert_eq!(script.requests(), 0);
}

#[tokio::test]
async fn r30_a_401_after_a_redirect_within_the_origin_counts_when_the_request_has_gone_straight_there() {
    let script = holding_first().then_ok(nth(2));
    let server = redirecting("/y".to_owned()).await;
    let response = client(&server, &script).get(server.url("/x")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let paths: Vec<_> = server.arrived().into_iter().map(|arrived| arrived.path).collect();
    assert_eq!(paths, ["/x", "/y", "/y", "/y"]);
    assert_eq!(server.tokens(), ["at-1", "at-1", "at-1", "at-2"]);
    assert_eq!(script.requests(), 1);
}

#[tokio::test]
async fn r30_a_request_does_not_go_straight_to_a_url_with_a_user_name() {
    let script = holding_first();
    let back = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let target = back.clone();
    let server = Server::start(move |arrived| match arrived.path.as_str() {
        "/x" => Response::builder()
            .status(302)
            .header("location", target.get().unwrap())
            .body(Full::default())
            .unwrap(),
        _ => unauthorized(),
    });
    let server = server.await;
    back.set(server.url("/y").replace("http://", "http://mine:own@")).unwrap();
    let response = client(&server, &script).get(server.url("/x")).send().await.unwrap();
    let reason = response.extensions().get::<PassedReason>().unwrap();
    assert_eq!(reason.kind(), PassedKind::Redirected);
    assert!(!reason.to_string().contains("own"), "{reason}");
    assert_eq!((server.arrived().len(), script.requests()), (2, 0));
}

/// A and B: A's `/link` leads to B, which leads back to A's `/x`. A accepts `at-1`.
async fn detour() -> (Server, Server) {
    let back = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let to = |location: &str| {
        Response::builder().status(307).header("location", location).body(Full::default()).unwrap()
    };
    let target = back.clone();
    let b = Server::start(move |_| to(target.get().unwrap())).await;
    let over = b.url("/");
    let a = Server::start(move |arrived| match (arrived.path.as_str(), arrived.token()) {
        ("/link", _) => to(&over),
        (_, Some("at-1")) => Response::new(Full::default()),
        _ => unauthorized(),
    });
    let a = a.await;
    back.set(a.url("/x")).unwrap();
    (a, b)
}

#[tokio::test]
async fn f118_a_detour_over_another_origin_does_not_end_a_login() {
    // With static credentials, and with those that can be renewed.
    let script = holding_first();
    for auth in [Authenticator::new(nth(1)), Authenticator::new(script.clone())] {
        let (a, b) = detour().await;
        let client = with(AuthMiddleware::for_origin(a.origin(), auth).unwrap());
        for path in ["/x", "/link", "/x"] {
            let response = client.get(a.url(path)).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{path}");
        }
        assert_eq!(a.tokens(), ["at-1", "at-1", "-", "at-1", "at-1"]);
        assert_eq!(b.tokens(), ["-"]);
    }
    assert_eq!(script.requests(), 0, "a good token was renewed");
}

#[tokio::test]
async fn r30_what_may_not_be_sent_again_gets_the_401_of_a_detour_and_rejects_nothing() {
    let script = holding_first();
    let (a, _b) = detour().await;
    let client = client(&a, &script);
    let stream = reqwest::Body::wrap(Full::new(Bytes::from("x")));
    let requests = [
        client.post(a.url("/link")),
        client.get(a.url("/link")).body("x"),
        client.get(a.url("/link")).body(stream),
        client.get(a.url("/link")).with_extension(NoReplay),
    ];
    for (index, request) in requests.into_iter().enumerate() {
        let response = request.send().await.unwrap();
        // reqwest does not follow a redirect with a stream.
        let expected = if index == 2 { StatusCode::TEMPORARY_REDIRECT } else { StatusCode::UNAUTHORIZED };
        assert_eq!(response.status(), expected, "{index}");
        let kind = response.extensions().get::<PassedReason>().map(PassedReason::kind);
        assert_eq!(kind, (index != 2).then_some(PassedKind::Redirected), "{index}");
    }
    assert_eq!(script.requests(), 0);
    assert_eq!(client.get(a.url("/x")).send().await.unwrap().status(), StatusCode::OK);
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

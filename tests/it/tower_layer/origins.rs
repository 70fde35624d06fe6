//! Which requests get a token, and what is on the wire.

use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, StatusCode};
use reauth::{AuthError, AuthLayer, Authenticator, Credentials, ErrorKind, Origins};
use tower::Layer;

use super::api::{Api, ORIGIN, bearer, get, holding_first, layer, nth, send};
use crate::support::clock::in_paused_time;
use crate::support::source::Script;

#[tokio::test(start_paused = true)]
async fn r20_another_origin_passes_untouched_and_its_401_rejects_nothing() {
    let foreign = [
        "http://api.example.com/x",
        "http://api.example.com:443/x",
        "https://api.example.com:8443/x",
        "https://api.example.com:80/x",
        "https://example.com/x",
        "https://v1.api.example.com/x",
        "https://api.example.com.evil.test/x",
        "https://api.example.com@evil.test/x",
        "https://evil.test/https://api.example.com/x",
        "ftp://api.example.com/x",
        "/only/a/path",
    ];
    let script = holding_first();
    let (layer, auth) = layer(&script);
    for uri in foreign {
        let api = Api::saying(StatusCode::UNAUTHORIZED);
        let request = Request::post(uri).header("x-mine", "1").body("mine").unwrap();
        let response = send(&layer.layer(api.clone()), request).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let seen = api.seen();
        assert_eq!(seen.len(), 1, "{uri} was sent again");
        assert_eq!(seen[0].uri, uri);
        assert_eq!(seen[0].headers.len(), 1, "{uri} got {:?}", seen[0].headers);
        assert_eq!(seen[0].body, "\"mine\"");
    }
    assert_eq!(script.requests(), 0);
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
}

#[tokio::test(start_paused = true)]
async fn r20_a_request_to_another_origin_does_not_wait_for_credentials() {
    let script = Script::new();
    let (layer, _auth) = layer(&script);
    let api = Api::saying(StatusCode::OK);
    send(&layer.layer(api.clone()), get("https://other.test/")).await.unwrap();
    assert_eq!(api.tokens(), ["-"]);
    assert_eq!(script.requests(), 0, "the request asked for credentials that it does not need");
}

#[tokio::test(start_paused = true)]
async fn r20_each_of_several_origins_gets_the_token() {
    let origins = Origins::new("https://API.example.com")
        .and_then(|origins| origins.and("https://files.example.com:8443"))
        .and_then(|origins| origins.and("http://127.0.0.1:8080"))
        .and_then(|origins| origins.and("http://[::1]"))
        .unwrap();
    let api = Api::saying(StatusCode::OK);
    let service = AuthLayer::new(origins, in_paused_time(nth(1)).build()).layer(api.clone());
    let ours = [
        "https://api.example.com/x",
        "https://Api.Example.COM/x",
        "HTTPS://api.example.com/x",
        "https://api.example.com:443/x",
        "https://files.example.com:8443/x",
        "http://127.0.0.1:8080/x",
        "http://[::1]/x",
        "http://[::1]:80/x",
    ];
    for uri in ours {
        send(&service, get(uri)).await.unwrap();
        assert_eq!(api.seen().last().unwrap().token(), Some("at-1"), "{uri}");
    }
    // Each port belongs to one origin.
    for uri in ["https://files.example.com/x", "https://api.example.com:8443/x", "https://127.0.0.1:8080/x"] {
        send(&service, get(uri)).await.unwrap();
        assert_eq!(api.seen().last().unwrap().token(), None, "{uri}");
    }
}

#[test]
fn r20_an_origin_is_https_or_loopback() {
    let auth = || Authenticator::new(nth(1));
    for origin in ["http://localhost:1", "http://127.0.0.1", "http://127.8.9.10:1", "http://[::1]:1"] {
        AuthLayer::for_origin(origin, auth()).unwrap();
    }
    let invalid = [
        "http://api.example.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://128.0.0.1",
        "http://[::2]",
        "https://*.example.com",
        "https://user@api.example.com",
        "https://api.example.com/v1",
        "api.example.com",
        "",
    ];
    for origin in invalid {
        let error = AuthLayer::for_origin(origin, auth()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn f52_the_callers_header_is_passed_on_and_never_replayed() {
    // With a token at hand, and without one: the request doesn't wait.
    for script in [holding_first(), Script::new()] {
        let (layer, _auth) = layer(&script);
        let api = Api::saying(StatusCode::UNAUTHORIZED);
        let mut request = get("/x");
        request.headers_mut().insert(AUTHORIZATION, "Basic bWluZQ==".parse().unwrap());
        let response = send(&layer.layer(api.clone()), request).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let seen = api.seen();
        assert_eq!(seen.len(), 1);
        let sent: Vec<_> = seen[0].headers.get_all(AUTHORIZATION).iter().collect();
        assert_eq!(sent, ["Basic bWluZQ=="]);
        assert_eq!(script.requests(), 0, "a 401 to the caller's header started a refresh");
    }
}

#[tokio::test(start_paused = true)]
async fn r22_the_header_is_one_and_marked_sensitive_on_every_attempt() {
    let script = holding_first().then_ok(nth(2));
    let (layer, _auth) = layer(&script);
    let api = Api::taking(&["at-2"]);
    send(&layer.layer(api.clone()), get("/x")).await.unwrap();
    let sent: Vec<_> = api.seen().iter().map(|seen| seen.headers[AUTHORIZATION].clone()).collect();
    assert_eq!(sent, [bearer("at-1"), bearer("at-2")]);
    assert!(sent.iter().all(|value| value.is_sensitive()));
    assert!(api.seen().iter().all(|seen| seen.headers.get_all(AUTHORIZATION).iter().count() == 1));
}

#[tokio::test(start_paused = true)]
async fn f46_two_origins_with_two_identities_on_one_client() {
    let (ada, grace) = (Script::new(), Script::new());
    let identity = |script: &Script, name: &str| {
        script.push(crate::support::source::Respond::Now(Credentials::new(format!("{name}-1"))));
        script.push(crate::support::source::Respond::Now(Credentials::new(format!("{name}-2"))));
        in_paused_time(script.clone()).build()
    };
    let other = "https://vault.example.com";
    let first = AuthLayer::for_origin(ORIGIN, identity(&ada, "ada")).unwrap();
    let second = AuthLayer::for_origin(other, identity(&grace, "grace")).unwrap();
    // Each API accepts the second token of its identity, so that both are renewed once.
    let api = Api::new(|seen| {
        let good = if seen.uri.host() == Some("api.example.com") { "ada-2" } else { "grace-2" };
        let code = if seen.token() == Some(good) { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        Ok(super::api::status(code))
    });
    let client = first.layer(second.layer(api.clone()));
    for uri in [ORIGIN, other, ORIGIN, other] {
        assert_eq!(send(&client, get(uri)).await.unwrap().status(), StatusCode::OK);
    }
    for seen in api.seen() {
        let token = seen.token().unwrap();
        let identity = if seen.uri.host() == Some("api.example.com") { "ada-" } else { "grace-" };
        assert!(token.starts_with(identity), "{} was sent {token}", seen.uri);
    }
    assert_eq!((ada.requests(), grace.requests()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn r22_a_request_without_room_for_the_header_is_an_error_and_not_a_panic() {
    let (layer, _auth) = layer(&holding_first());
    let api = Api::taking(&["at-1"]);
    let mut request = get("/x");
    for n in 0.. {
        let name = http::HeaderName::try_from(format!("x-{n}")).unwrap();
        if request.headers_mut().try_insert(name, HeaderValue::from_static("y")).is_err() {
            break;
        }
    }
    let error = send(&layer.layer(api.clone()), request).await.unwrap_err();
    assert!(matches!(error, AuthError::Credentials(error) if error.kind() == ErrorKind::Misconfigured));
    assert!(api.seen().is_empty(), "it was sent without credentials");
}

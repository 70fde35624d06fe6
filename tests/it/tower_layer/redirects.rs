//! The layer above and below a service that follows redirects.

use http::header::LOCATION;
use http::{Request, Response, StatusCode, Uri};
use reauth::{AuthLayer, RenewalError};
use tower::{Layer, Service, ServiceExt, service_fn};

use super::api::{Api, get, holding_first, layer, nth, send, status};
use crate::support::clock::in_paused_time;
use crate::support::source::{Respond, Script};

/// The URI that a response came from, set by a follower below.
#[derive(Clone)]
struct CameFrom(Uri);

fn came_from(extensions: &http::Extensions) -> Option<Uri> {
    Some(extensions.get::<CameFrom>()?.0.clone())
}

/// An API that accepts `at-2`, below a follower that says where its 401 came from.
fn responding_from(uri: Option<&'static str>) -> Api {
    Api::new(move |seen| {
        if seen.token() == Some("at-2") {
            return Ok(status(StatusCode::OK));
        }
        let mut response = status(StatusCode::UNAUTHORIZED);
        if let Some(uri) = uri {
            response.extensions_mut().insert(CameFrom(Uri::from_static(uri)));
        }
        Ok(response)
    })
}

fn with_response_uri(script: &Script) -> AuthLayer {
    layer(script).0.response_uri(came_from)
}

#[tokio::test(start_paused = true)]
async fn r30_a_401_of_another_origin_rejects_nothing() {
    let elsewhere = [
        "https://other.test/x",
        "http://api.example.com/x",
        "https://api.example.com:8443/x",
        "https://login.api.example.com/x",
    ];
    // With a token at hand, and after waiting for one.
    for script in [holding_first(), Script::new().then_ok(nth(1))] {
        let layer = with_response_uri(&script);
        let before = script.requests();
        for uri in elsewhere {
            let api = responding_from(Some(uri));
            let response = send(&layer.layer(api.clone()), get("/x")).await.unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            assert!(response.extensions().get::<RenewalError>().is_none());
            assert_eq!(api.tokens(), ["at-1"], "{uri}");
        }
        assert!(script.requests() <= before + 1, "a login at most, and no refresh");
    }
}

#[tokio::test(start_paused = true)]
async fn r30_a_401_of_the_uri_that_the_request_was_sent_to_rejects() {
    for uri in [None, Some("https://api.example.com/x"), Some("HTTPS://API.example.com/x")] {
        let script = holding_first().then_ok(nth(2));
        let api = responding_from(uri);
        let response = send(&with_response_uri(&script).layer(api.clone()), get("/x")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{uri:?}");
        assert_eq!(api.tokens(), ["at-1", "at-2"]);
    }
}

/// Follows one redirect naively: the second request has every header of the first.
async fn follow<S>(service: S, request: Request<String>) -> Result<Response<String>, S::Error>
where
    S: Service<Request<String>, Response = Response<String>> + Clone,
{
    let mut second = get("/");
    *second.headers_mut() = request.headers().clone();
    let response = service.clone().oneshot(request).await?;
    let Some(location) = response.headers().get(LOCATION) else { return Ok(response) };
    *second.uri_mut() = location.to_str().unwrap().parse().unwrap();
    let came_from = CameFrom(second.uri().clone());
    let mut response = service.oneshot(second).await?;
    response.extensions_mut().insert(came_from);
    Ok(response)
}

/// An API whose `/x` redirects to this URL, which responds with `code`.
fn redirecting(to: &'static str, code: StatusCode) -> Api {
    Api::new(move |seen| {
        if seen.uri.path() != "/x" {
            return Ok(status(code));
        }
        let mut response = status(StatusCode::FOUND);
        response.headers_mut().insert(LOCATION, to.parse().unwrap());
        Ok(response)
    })
}

#[tokio::test(start_paused = true)]
async fn f44_inside_a_follower_the_origins_are_checked_hop_by_hop() {
    for (to, token) in [
        ("https://other.test/y", "-"),
        ("http://api.example.com/y", "-"),
        ("https://api.example.com/y", "at-1"),
    ] {
        let script = holding_first();
        let (layer, _auth) = layer(&script);
        let api = redirecting(to, StatusCode::OK);
        let service = layer.layer(api.clone());
        follow(service, get("/x")).await.unwrap();
        assert_eq!(api.tokens(), ["at-1", token], "redirected to {to}");
    }
}

#[tokio::test(start_paused = true)]
async fn f44_outside_a_follower_a_401_of_the_last_hop_does_not_reject_the_token_of_the_first() {
    let script = holding_first();
    let layer = with_response_uri(&script);
    let api = redirecting("https://other.test/y", StatusCode::UNAUTHORIZED);
    let below = api.clone();
    let follower = service_fn(move |request| follow(below.clone(), request));
    let response = send(&layer.layer(follower), get("/x")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!((api.seen().len(), script.requests()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn r30_with_several_origins_a_401_counts_only_from_where_the_request_was_sent_to() {
    // The token goes to both origins, but a 401 of one is not about the request to the other. (With its body, the request
    // is not sent straight there.)
    let script = holding_first();
    let auth = in_paused_time(script.clone()).build();
    let origins = reauth::Origins::new("https://api.example.com").unwrap();
    let layer = AuthLayer::new(origins.and("https://other.test").unwrap(), auth).response_uri(came_from);
    let api = responding_from(Some("https://other.test/x"));
    send(&layer.layer(api.clone()), get("https://api.example.com/x")).await.unwrap();
    assert_eq!(script.requests(), 0);
    script.push(Respond::Now(Ok(nth(2))));
    send(&layer.layer(api.clone()), get("https://other.test/x")).await.unwrap();
    assert_eq!(script.requests(), 1);
}

//! R35: nothing passes silently. Whoever might expect a token learns why there was none, through both adapters.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use reauth::per_request::{NoReplay, WithAuthenticator, WithoutCredentials};
use reauth::{
    AuthLayer, AuthMiddleware, Authenticator, Event, Origins, PassedKind, PassedReason, RenewalError,
};
use tokio::time::advance;
use tower::Layer;

use crate::reqwest_middleware::in_memory;
use crate::support::clock::in_paused_time;
use crate::support::source::Script;
use crate::tower_layer::api::{Api, ORIGIN, get, nth, send};

/// The reasons in the events.
type Told = Arc<Mutex<Vec<PassedReason>>>;

fn observed(script: Script) -> (Authenticator, Told) {
    let told = Told::default();
    let log = told.clone();
    let observer = move |event: &Event| {
        if let Event::Passed { reason, .. } = event {
            log.lock().unwrap().push(reason.clone());
        }
    };
    (in_paused_time(script).observer(observer).build(), told)
}

fn at(origin: &str) -> Origins {
    Origins::new(origin).unwrap()
}

/// Sends a GET through the adapters in turn, and returns the response's status and reason from each that takes the URI.
async fn through_both(auth: &Authenticator, api: &Api, uri: &str) -> Vec<(StatusCode, Option<PassedReason>)> {
    let mut outcomes = Vec::new();
    let tower = AuthLayer::new(at(ORIGIN), auth.clone()).layer(api.clone());
    let request = Request::get(uri).body("body".to_owned()).unwrap();
    let response = send(&tower, request).await.unwrap();
    outcomes.push((response.status(), response.extensions().get().cloned()));
    if uri.starts_with('/') {
        return outcomes;
    }
    let client = in_memory::client(AuthMiddleware::new(at(ORIGIN), auth.clone()), api.clone());
    let response = client.get(uri).send().await.unwrap();
    outcomes.push((response.status(), response.extensions().get().cloned()));
    outcomes
}

#[tokio::test(start_paused = true)]
async fn f129_a_request_to_elsewhere_says_on_its_401_and_in_an_event_where_it_went() {
    let cases = [
        ("https://127.0.0.1:8080/x?token=y", PassedKind::OtherOrigin, "https://127.0.0.1:8080"),
        ("http://api.example.com/x", PassedKind::PlainHttp, "http://api.example.com"),
        ("http://127.0.0.1:8080/x", PassedKind::OtherOrigin, "http://127.0.0.1:8080"),
        ("/x?token=y", PassedKind::NoOrigin, "the request's URI has none"),
    ];
    for (uri, kind, shown) in cases {
        let (auth, told) = observed(Script::new());
        let outcomes = through_both(&auth, &Api::saying(StatusCode::UNAUTHORIZED), uri).await;
        for (_, reason) in &outcomes {
            let reason = reason.as_ref().unwrap();
            assert_eq!(reason.kind(), kind, "{uri}");
            let text = reason.to_string();
            assert!(
                text.contains("the origins are https://api.example.com,") && text.contains(shown),
                "{text}"
            );
            assert!(!text.contains("token=y"), "{text}");
        }
        // Both have the same authenticator, which reports it once.
        assert_eq!(*told.lock().unwrap(), [outcomes[0].1.clone().unwrap()], "{uri}");
    }
}

#[tokio::test(start_paused = true)]
async fn r35_a_response_that_is_no_401_has_no_reason_and_there_is_one_event_a_minute() {
    let (auth, told) = observed(Script::new());
    let api = Api::saying(StatusCode::OK);
    for _ in 0..10 {
        for (status, reason) in through_both(&auth, &api, "https://other.test/").await {
            assert_eq!((status, reason), (StatusCode::OK, None));
        }
        advance(Duration::from_secs(20)).await;
    }
    // After 0, 60, 120 and 180 s.
    assert_eq!(told.lock().unwrap().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn r35_what_the_caller_decides_has_no_reason_and_no_event() {
    let (auth, told) = observed(Script::new());
    let api = Api::saying(StatusCode::UNAUTHORIZED);
    let tower = AuthLayer::new(at(ORIGIN), auth.clone()).layer(api.clone());
    let reqwest = in_memory::client(AuthMiddleware::new(at(ORIGIN), auth), api.clone());
    for uri in ["https://api.example.com/x", "https://other.test/x"] {
        let mut with_header = get(uri);
        with_header.headers_mut().insert(AUTHORIZATION, "Basic bWluZQ==".parse().unwrap());
        let mut opted_out = get(uri);
        opted_out.extensions_mut().insert(WithoutCredentials);
        for request in [with_header, opted_out] {
            let response = send(&tower, request).await.unwrap();
            assert!(response.extensions().get::<PassedReason>().is_none());
        }
        let with_header = reqwest.get(uri).basic_auth("mine", Some("own"));
        let opted_out = reqwest.get(uri).with_extension(WithoutCredentials);
        for request in [with_header, opted_out] {
            let response = request.send().await.unwrap();
            assert!(response.extensions().get::<PassedReason>().is_none());
        }
    }
    assert_eq!(api.seen().len(), 8);
    assert!(told.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn r35_the_requests_authenticator_reports_its_request() {
    let (layers, (users, told)) = (observed(Script::new()), observed(Script::new()));
    let tower = AuthLayer::new(at(ORIGIN), layers.0).layer(Api::saying(StatusCode::OK));
    let mut request = get("https://other.test/x");
    request.extensions_mut().insert(WithAuthenticator(users));
    send(&tower, request).await.unwrap();
    assert_eq!((layers.1.lock().unwrap().len(), told.lock().unwrap().len()), (0, 1));
}

/// A body that nobody knows how to copy.
#[derive(Debug)]
struct Once;

fn assert_sent_once<B>(response: &Response<B>, told: &Told) {
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.extensions().get::<RenewalError>().is_none());
    let reason = response.extensions().get::<PassedReason>().unwrap();
    assert_eq!(reason.kind(), PassedKind::SentOnce);
    assert_eq!(*told.lock().unwrap(), std::slice::from_ref(reason));
}

#[tokio::test(start_paused = true)]
async fn r35_a_body_that_can_be_sent_only_once_is_the_reason_of_its_401() {
    let renewing = || Script::new().holding(nth(1)).then_ok(nth(2));
    let api = Api::taking(&["at-2"]);

    let (auth, told) = observed(renewing());
    let request = Request::post(format!("{ORIGIN}/x")).body(Once).unwrap();
    let layer = AuthLayer::new(at(ORIGIN), auth);
    assert_sent_once(&send(&layer.layer(api.clone()), request).await.unwrap(), &told);

    let stream = || reqwest::Body::wrap(http_body_util::Full::new(bytes::Bytes::from("once")));
    let (auth, told) = observed(renewing());
    let middleware = AuthMiddleware::new(at(ORIGIN), auth).replay_limit(0);
    let client = in_memory::client(middleware, api.clone());
    let response = client.post(format!("{ORIGIN}/x")).body(stream()).send().await.unwrap();
    assert_eq!(response.extensions().get::<PassedReason>().unwrap().kind(), PassedKind::SentOnce);
    assert_eq!(told.lock().unwrap().len(), 1);
    assert_eq!(api.tokens(), ["at-1", "at-1"]);
}

#[tokio::test(start_paused = true)]
async fn r35_a_request_marked_no_replay_has_no_reason() {
    let (auth, told) = observed(Script::new().holding(nth(1)).then_ok(nth(2)));
    let mut request = get("/x");
    request.extensions_mut().insert(NoReplay);
    let layer = AuthLayer::new(at(ORIGIN), auth);
    let response = send(&layer.layer(Api::taking(&["at-2"])), request).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.extensions().get::<PassedReason>().is_none());
    assert!(told.lock().unwrap().is_empty());
}

#[test]
fn r35_kinds_have_stable_names() {
    let names = [
        (PassedKind::OtherOrigin, "other_origin"),
        (PassedKind::PlainHttp, "plain_http"),
        (PassedKind::NoOrigin, "no_origin"),
        (PassedKind::NoAuthenticator, "no_authenticator"),
        (PassedKind::RedirectedElsewhere, "redirected_elsewhere"),
        (PassedKind::Redirected, "redirected"),
        (PassedKind::SentOnce, "sent_once"),
    ];
    for (kind, name) in names {
        assert_eq!((kind.as_str(), kind.to_string().as_str()), (name, name));
    }
}

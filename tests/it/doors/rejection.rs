//! What a rejection starts, the same through each way in.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use reauth::replay::{Replay, ReplayableBody};
use reauth::{AuthMiddleware, Authorizer, Error, ErrorKind, PassedKind};
use reqwest_middleware::ClientBuilder;

use super::api::{
    Api, Body, ORIGIN, authenticator, authorizer, get, holding_first, nth, passed, post, renewal_error,
    request, status,
};
use super::ways;
use crate::reqwest_middleware::in_memory::{middleware, response_to};
use crate::support::source::{Asked, Script};

#[tokio::test(start_paused = true)]
async fn r45_r23_a_rejected_token_is_replaced_and_the_request_sent_again() {
    for way in ways::all() {
        let (script, api) = (holding_first().then_ok(nth(2)), Api::taking("at-2"));
        let response = way.send(&authorizer(&script), &api, post("/x")).await.unwrap();
        let name = way.traits().name;
        assert_eq!(response.status(), StatusCode::OK, "{name}");
        assert_eq!(api.tokens(), ["at-1", "at-2"], "{name}");
        let seen = api.seen();
        assert_eq!((&seen[0].method, &seen[0].url), (&seen[1].method, &seen[1].url), "{name}");
        assert_eq!(seen[0].body, seen[1].body, "{name}: the same body");
        assert!(seen[0].body.contains("body") || name.contains("reqwest") || name == "AuthMiddleware");
        assert_eq!(script.asked(), [Asked::Refresh("rt-1".to_owned())], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r23_a_request_that_waits_for_its_first_token_is_also_sent_again() {
    for way in ways::all() {
        let (script, api) = (Script::new().then_ok(nth(1)).then_ok(nth(2)), Api::taking("at-2"));
        let response = way.send(&authorizer(&script), &api, get("/x")).await.unwrap();
        let name = way.traits().name;
        assert_eq!((response.status(), script.requests()), (StatusCode::OK, 2), "{name}");
        assert_eq!(api.tokens(), ["at-1", "at-2"], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r23_no_other_status_rejects_a_token() {
    for way in ways::all() {
        for code in [StatusCode::FORBIDDEN, StatusCode::FOUND, StatusCode::SERVICE_UNAVAILABLE] {
            let (script, api) = (holding_first(), Api::new(move |_| Ok(status(code))));
            let response = way.send(&authorizer(&script), &api, get("/x")).await.unwrap();
            let name = way.traits().name;
            assert_eq!((response.status(), api.seen().len(), script.requests()), (code, 1, 0), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r23_the_classifier_adds_rejections() {
    for way in ways::all() {
        let (script, name) = (holding_first().then_ok(nth(2)), way.traits().name);
        let auth = authorizer(&script)
            .also_rejected_when(|head| head.headers.get("x-says").is_some_and(|says| says == "expired"));
        let api = Api::new(|seen| {
            let mut response = status(StatusCode::OK);
            let says = if seen.token() == Some("at-1") { "expired" } else { "welcome" };
            response.headers_mut().insert("x-says", HeaderValue::from_static(says));
            Ok(response)
        });
        let response = way.send(&auth, &api, get("/x")).await.unwrap();
        assert_eq!(response.headers()["x-says"], "welcome", "{name}");
        assert_eq!(api.tokens(), ["at-1", "at-2"], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r26_a_server_that_always_says_401_is_asked_twice() {
    for way in ways::all() {
        let (script, name) = (holding_first().then_ok(nth(2)).then_ok(nth(3)), way.traits().name);
        let auth = authorizer(&script);
        let api = Api::taking("never");
        let response = way.send(&auth, &api, get("/x")).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{name}");
        assert_eq!(api.tokens(), ["at-1", "at-2"], "{name}");
        assert_eq!((renewal_error(&response).is_none(), passed(&response)), (true, None), "{name}");
        // The next request comes too soon for another refresh.
        let response = way.send(&auth, &api, get("/x")).await.unwrap();
        let error = renewal_error(&response).expect(name);
        assert_eq!((error.kind(), script.requests()), (ErrorKind::Transient, 1), "{name}");
        assert_eq!(api.tokens(), ["at-1", "at-2", "at-2"], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r28_without_a_newer_token_the_caller_gets_the_401_and_the_reason() {
    for way in ways::all() {
        let script = holding_first().then_err(Error::misconfigured("the secret is wrong"));
        let api = Api::new(|_| {
            let mut response = Response::new("what the server says".to_owned());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            Ok(response)
        });
        let response = way.send(&authorizer(&script), &api, get("/x")).await.unwrap();
        let name = way.traits().name;
        assert_eq!(renewal_error(&response).expect(name).kind(), ErrorKind::Misconfigured, "{name}");
        assert_eq!(response.body(), "what the server says", "{name}");
        assert_eq!(api.tokens(), ["at-1"], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r27_a_body_that_can_be_sent_once_is_not_sent_again_and_the_next_request_has_the_new_token() {
    for way in ways::all() {
        let (script, api) = (holding_first().then_ok(nth(2)), Api::taking("at-2"));
        let (auth, traits) = (authorizer(&script), way.traits());
        let once = request(http::Method::POST, "/x", Body::Once);
        let response = way.send(&auth, &api, once).await.unwrap();
        assert_eq!((response.status(), api.seen().len()), (StatusCode::UNAUTHORIZED, 1), "{}", traits.name);
        let expected = traits.sends_again.then_some(PassedKind::SentOnce);
        assert_eq!(passed(&response), expected, "{}", traits.name);
        let response = way.send(&auth, &api, get("/x")).await.unwrap();
        assert_eq!((response.status(), script.requests()), (StatusCode::OK, 1), "{}", traits.name);
        assert_eq!(api.tokens(), ["at-1", "at-2"], "{}", traits.name);
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r20_a_request_to_another_place_passes_and_its_401_says_why() {
    let places = [
        ("https://other.test/x", PassedKind::OtherOrigin),
        ("https://api.example.com:8443/x", PassedKind::OtherOrigin),
        ("http://api.example.com/x", PassedKind::PlainHttp),
    ];
    for way in ways::all() {
        for (url, kind) in places {
            // Neither with a token at hand nor without one.
            for script in [holding_first(), Script::new()] {
                let api = Api::taking("never");
                let response = way.send(&authorizer(&script), &api, get(url)).await.unwrap();
                let name = way.traits().name;
                assert_eq!((response.status(), passed(&response)), (StatusCode::UNAUTHORIZED, Some(kind)));
                assert!(!api.seen()[0].headers.contains_key("authorization"), "{name} to {url}");
                assert_eq!((api.seen().len(), script.requests()), (1, 0), "{name} to {url}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r35_a_response_that_is_no_rejection_has_no_reason() {
    for way in ways::all() {
        let api = Api::new(|_| Ok(status(StatusCode::FORBIDDEN)));
        let response =
            way.send(&authorizer(&holding_first()), &api, get("https://other.test/x")).await.unwrap();
        assert_eq!(passed(&response), None, "{}", way.traits().name);
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r21_the_callers_header_stays_and_its_401_changes_nothing() {
    for way in ways::all() {
        // Neither with a token at hand nor without one.
        for script in [holding_first(), Script::new()] {
            let (api, name) = (Api::taking("never"), way.traits().name);
            let mut request = get("/x");
            request.headers_mut().insert("authorization", HeaderValue::from_static("Basic YTpi"));
            let response = way.send(&authorizer(&script), &api, request).await.unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{name}");
            assert_eq!((renewal_error(&response).is_none(), passed(&response)), (true, None), "{name}");
            let seen = api.seen();
            assert_eq!(seen[0].headers.get_all("authorization").iter().collect::<Vec<_>>(), ["Basic YTpi"]);
            assert_eq!((seen.len(), script.requests()), (1, 0), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r24_a_request_with_an_older_token_uses_the_newer_one_and_fetches_nothing() {
    for way in ways::all() {
        let (script, name) = (holding_first(), way.traits().name);
        let auth = authenticator(&script);
        let authorizer = Authorizer::for_origin(ORIGIN, auth.clone()).unwrap();
        // While the first attempt is under way, somebody logs in elsewhere.
        let api = Api::new(move |seen| {
            if seen.token() == Some("at-2") {
                return Ok(status(StatusCode::OK));
            }
            reauth::blocking::block_on(auth.set_credentials(nth(2))).unwrap().unwrap();
            Ok(status(StatusCode::UNAUTHORIZED))
        });
        let response = way.send(&authorizer, &api, get("/x")).await.unwrap();
        assert_eq!((response.status(), script.requests()), (StatusCode::OK, 0), "{name}");
    }
}

/// A body that tells whether somebody keeps a copy of it.
struct Watched(Arc<()>);

impl ReplayableBody for Watched {
    fn replay(&mut self) -> Replay<Self> {
        Replay::Copy(Self(self.0.clone()))
    }
}

#[tokio::test]
async fn r45_r21_nothing_is_kept_of_a_request_that_has_the_callers_header() {
    for (callers, copies) in [(None, 1), (Some("Bearer mine"), 0)] {
        let auth = authorizer(&holding_first()).replays::<Watched>();
        let watched = Arc::new(());
        let mut request = http::Request::get(format!("{ORIGIN}/x")).body(Watched(watched.clone())).unwrap();
        if let Some(callers) = callers {
            request.headers_mut().insert("authorization", HeaderValue::from_static(callers));
        }
        let sent = async |request: http::Request<Watched>| {
            assert_eq!(Arc::strong_count(&watched), 2 + copies, "{callers:?}");
            drop(request);
            Ok::<_, std::convert::Infallible>(http::Response::new(()))
        };
        auth.send(request, sent).await.unwrap();
    }
}

#[tokio::test]
async fn r45_r21_the_middleware_keeps_nothing_of_such_a_request_either() {
    for (callers, keeps) in [(None, true), (Some("Bearer mine"), false)] {
        let owner = Arc::new([7]);
        let watched = Arc::downgrade(&owner);
        let api = middleware(move |request, _, _| {
            let response = response_to(&request, "");
            drop(request);
            assert_eq!(watched.upgrade().is_some(), keeps, "{callers:?}");
            Box::pin(std::future::ready(Ok(response.into())))
        });
        let auth = AuthMiddleware::try_from(authorizer(&holding_first())).unwrap();
        let client = ClientBuilder::new(reqwest::Client::new()).with(auth).with(api).build();
        let request = client.post(format!("{ORIGIN}/x")).body(Bytes::from_owner(Shared(owner)));
        let request =
            callers.into_iter().fold(request, |request, value| request.header("authorization", value));
        request.send().await.unwrap();
    }
}

struct Shared(Arc<[u8; 1]>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &*self.0
    }
}

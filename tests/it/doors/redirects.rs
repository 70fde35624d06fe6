//! A 401 after a redirect rejects nothing by itself (R30), through each way in that can know of the redirect.

use std::convert::Infallible;

use http::{Method, StatusCode};
use reauth::{Authorizer, Error, Origins, PassedKind};

use super::api::{
    Api, Body, CameFrom, ORIGIN, authenticator, authorizer, came_from, get, holding_first, nth, passed, post,
    renewal_error, request, status,
};
use super::ways;

const THERE: &str = "https://api.example.com/there";

#[tokio::test(start_paused = true)]
async fn r45_r30_the_request_goes_straight_to_where_the_redirect_led() {
    for way in ways::with(|traits| traits.sends_again) {
        let (script, api) = (holding_first(), Api::linking(THERE, "at-1"));
        let response = way.send(&authorizer(&script), &api, get("/link")).await.unwrap();
        let name = way.traits().name;
        assert_eq!((response.status(), script.requests()), (StatusCode::OK, 0), "{name}");
        assert_eq!(api.paths(), ["/link", "/there"], "{name}");
        assert_eq!(api.tokens(), ["at-1", "at-1"], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r30_the_response_to_the_straight_request_counts() {
    for way in ways::with(|traits| traits.sends_again) {
        let name = way.traits().name;
        let (script, api) = (holding_first().then_ok(nth(2)), Api::linking(THERE, "at-2"));
        let response = way.send(&authorizer(&script), &api, get("/link")).await.unwrap();
        assert_eq!((response.status(), script.requests()), (StatusCode::OK, 1), "{name}");
        assert_eq!(api.paths(), ["/link", "/there", "/there"], "{name}");
        assert_eq!(api.tokens(), ["at-1", "at-1", "at-2"], "{name}");

        let script = holding_first().then_err(Error::misconfigured("the secret is wrong"));
        let api = Api::linking(THERE, "at-2");
        let response = way.send(&authorizer(&script), &api, get("/link")).await.unwrap();
        assert!(renewal_error(&response).is_some(), "{name}");
        assert_eq!(api.tokens(), ["at-1", "at-1"], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r30_what_may_not_be_sent_twice_gets_the_401_and_rejects_nothing() {
    for way in ways::with(|traits| traits.sends_again) {
        let with_body = request(Method::GET, "/link", Body::Text("body"));
        let once = request(Method::GET, "/link", Body::Once);
        for request in [post("/link"), with_body, once] {
            let (script, api) = (holding_first(), Api::linking(THERE, "at-1"));
            let response = way.send(&authorizer(&script), &api, request).await.unwrap();
            let name = way.traits().name;
            assert_eq!(passed(&response), Some(PassedKind::Redirected), "{name}");
            assert_eq!((api.seen().len(), script.requests()), (1, 0), "{name}");
        }
    }
}

/// A server that leads its clients on and on.
#[tokio::test(start_paused = true)]
async fn r45_r30_a_straight_request_that_is_redirected_as_well_is_the_last() {
    for way in ways::with(|traits| traits.sends_again) {
        let script = holding_first();
        let api = Api::new(|seen| {
            if seen.path().len() > 5 {
                return Ok(status(StatusCode::OK));
            }
            let mut response = status(StatusCode::UNAUTHORIZED);
            response.extensions_mut().insert(CameFrom(format!("{}x", seen.url).parse().unwrap()));
            Ok(response)
        });
        let response = way.send(&authorizer(&script), &api, get("/x")).await.unwrap();
        let name = way.traits().name;
        assert_eq!(passed(&response), Some(PassedKind::Redirected), "{name}");
        assert_eq!((api.paths(), script.requests()), (vec!["/x".into(), "/xx".into()], 0), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r20_no_straight_request_goes_to_another_origin() {
    for way in ways::with(|traits| traits.sends_again) {
        for to in ["https://other.test/x", "http://api.example.com/there"] {
            let (script, api) = (holding_first(), Api::linking(to, "at-1"));
            let response = way.send(&authorizer(&script), &api, get("/link")).await.unwrap();
            let name = way.traits().name;
            assert_eq!(passed(&response), Some(PassedKind::RedirectedElsewhere), "{name} to {to}");
            assert_eq!((api.seen().len(), script.requests()), (1, 0), "{name} to {to}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r20_a_straight_request_to_another_of_the_origins_leaves_the_cookies_behind() {
    for way in ways::with(|traits| traits.sends_again) {
        let origins = Origins::new(ORIGIN).unwrap().and("https://files.example.com").unwrap();
        let auth = Authorizer::new(origins, authenticator(&holding_first())).response_uri(came_from);
        let api = Api::linking("https://files.example.com/there", "at-1");
        let mut request = get("/link");
        request.headers_mut().insert("cookie", "a=b".parse().unwrap());
        request.headers_mut().insert("x-mine", "1".parse().unwrap());
        let response = way.send(&auth, &api, request).await.unwrap();
        let (seen, name) = (api.seen(), way.traits().name);
        assert_eq!(response.status(), StatusCode::OK, "{name}");
        assert_eq!(seen[1].url, "https://files.example.com/there", "{name}");
        assert!(!seen[1].headers.contains_key("cookie") && seen[1].headers.contains_key("x-mine"), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn r45_r30_with_the_single_steps_a_redirected_401_asks_for_no_renewal() {
    for way in ways::with(|traits| !traits.sends_again) {
        let (script, api) = (holding_first(), Api::linking(THERE, "at-1"));
        let response = way.send(&authorizer(&script), &api, get("/link")).await.unwrap();
        let name = way.traits().name;
        assert_eq!((response.status(), api.seen().len()), (StatusCode::UNAUTHORIZED, 1), "{name}");
        assert_eq!(script.requests(), 0, "{name}");
    }
}

/// A closure may judge the body, and make a 401 of its own.
#[tokio::test(start_paused = true)]
async fn r45_r30_a_reqwest_response_that_does_not_say_where_it_came_from_counts() {
    let script = holding_first().then_ok(nth(2));
    let auth = authorizer(&script);
    let request = reqwest::Request::new(http::Method::GET, format!("{ORIGIN}/x").parse().unwrap());
    let response = auth.send(request, |request: reqwest::Request| {
        let code = match request.headers()["authorization"].to_str() {
            Ok("Bearer at-2") => StatusCode::OK,
            _ => StatusCode::UNAUTHORIZED,
        };
        let response = http::Response::builder().status(code).body("").unwrap();
        std::future::ready(Ok::<_, Infallible>(reqwest::Response::from(response)))
    });
    assert_eq!(response.await.unwrap().status(), StatusCode::OK);
    assert_eq!(script.requests(), 1);
}

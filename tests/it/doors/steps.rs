//! What the single steps have by themselves: their order, and WebSocket URLs.

use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use reauth::per_request::WithoutCredentials;
use reauth::{Authorizer, ErrorKind, PassedKind};

use super::api::{ORIGIN, authenticator, authorizer, holding_first, nth};
use crate::support::source::Script;

fn url(path: &str) -> Uri {
    format!("{ORIGIN}{path}").parse().unwrap()
}

const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;

#[tokio::test(start_paused = true)]
async fn r26_a_second_renewal_is_refused_and_nothing_is_a_rejection_after_the_first() {
    let script = holding_first().then_ok(nth(2)).then_ok(nth(3));
    let (mut headers, none) = (HeaderMap::new(), HeaderMap::new());
    let mut authorized = authorizer(&script).authorize(&url("/x"), &mut headers).await.unwrap();
    assert_eq!(headers["authorization"], "Bearer at-1");
    assert!(!authorized.is_rejected(StatusCode::OK, &none) && authorized.is_rejected(UNAUTHORIZED, &none));
    authorized.renew(&mut headers).await.unwrap();
    assert_eq!(headers.get_all("authorization").iter().collect::<Vec<_>>(), ["Bearer at-2"]);
    assert!(!authorized.is_rejected(UNAUTHORIZED, &none) && authorized.passed().is_none());
    let error = authorized.renew(&mut headers).await.unwrap_err();
    assert_eq!((error.kind(), script.requests()), (ErrorKind::Misconfigured, 1));
}

#[tokio::test(start_paused = true)]
async fn r45_a_request_without_the_token_of_the_authenticator_is_never_rejected() {
    let script = holding_first();
    let (none, mut theirs) = (HeaderMap::new(), HeaderMap::new());
    theirs.insert("authorization", HeaderValue::from_static("Basic YTpi"));
    let auth = authorizer(&script);
    let mut other = HeaderMap::new();
    let elsewhere = auth.authorize(&Uri::from_static("https://other.test/"), &mut other).await.unwrap();
    assert_eq!(elsewhere.passed().map(reauth::PassedReason::kind), Some(PassedKind::OtherOrigin));
    let callers = auth.authorize(&url("/x"), &mut theirs).await.unwrap();
    let unmarked = auth.marked(WithoutCredentials).authorize(&url("/x"), &mut other).await.unwrap();
    for mut authorized in [elsewhere, callers, unmarked] {
        assert!(!authorized.is_rejected(UNAUTHORIZED, &none));
        assert!(!authorized.is_rejected_at(&url("/x"), UNAUTHORIZED, &none));
        assert_eq!(authorized.renew(&mut other).await.unwrap_err().kind(), ErrorKind::Misconfigured);
    }
    assert!(other.is_empty() && theirs["authorization"] == "Basic YTpi");
    assert_eq!(script.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn r45_a_renewal_that_failed_can_be_asked_for_again() {
    let script = holding_first().then_err(reauth::Error::misconfigured("the secret is wrong"));
    let clock = crate::support::clock::StillClock::default();
    let auth = reauth::Authenticator::builder(script.clone()).clock(clock.clone()).build();
    let auth = Authorizer::for_origin(ORIGIN, auth).unwrap();
    let mut headers = HeaderMap::new();
    let mut authorized = auth.authorize(&url("/x"), &mut headers).await.unwrap();
    assert_eq!(authorized.renew(&mut headers).await.unwrap_err().kind(), ErrorKind::Misconfigured);
    assert_eq!(headers["authorization"], "Bearer at-1", "it stays as it was");
    clock.advance(std::time::Duration::from_secs(60));
    script.push(crate::support::source::Respond::Now(Ok(nth(2))));
    authorized.renew(&mut headers).await.unwrap();
    assert_eq!(headers["authorization"], "Bearer at-2");
}

/// A WebSocket's URL has the schemes `wss` and `ws`, and is of the same origin (RFC 6455 section 3).
#[tokio::test(start_paused = true)]
async fn r20_f139_a_web_socket_is_of_the_origin_of_its_https_url() {
    let auth = authorizer(&holding_first());
    for (socket, token) in [
        ("wss://api.example.com/socket", true),
        ("WSS://API.example.com:443/socket", true),
        ("ws://api.example.com/socket", false),
        ("ws://api.example.com:443/socket", false),
        ("wss://other.test/socket", false),
    ] {
        let mut headers = HeaderMap::new();
        let authorized = auth.authorize(&socket.parse::<Uri>().unwrap(), &mut headers).await.unwrap();
        assert_eq!(
            (headers.contains_key("authorization"), authorized.passed().is_none()),
            (token, token),
            "{socket}"
        );
        let mut headers = HeaderMap::new();
        let _ = auth.authorize(&socket.parse::<reqwest::Url>().unwrap(), &mut headers).await.unwrap();
        assert_eq!(headers.contains_key("authorization"), token, "{socket}");
    }
    let plain =
        auth.authorize(&Uri::from_static("ws://api.example.com/"), &mut HeaderMap::new()).await.unwrap();
    assert_eq!(plain.passed().unwrap().kind(), PassedKind::PlainHttp);
    // On loopback plain http is an origin, and so is `ws`.
    let local = Authorizer::for_origin("http://127.0.0.1:8080", authenticator(&holding_first())).unwrap();
    let mut headers = HeaderMap::new();
    let _ = local.authorize(&Uri::from_static("ws://127.0.0.1:8080/"), &mut headers).await.unwrap();
    assert_eq!(headers["authorization"], "Bearer at-1");
    // An origin is still named by its http scheme.
    assert!(reauth::Origins::new("wss://api.example.com").is_err());
}

#[tokio::test(start_paused = true)]
async fn r40_debug_of_an_authorizer_and_its_steps_shows_no_token() {
    let auth = authorizer(&Script::new().holding(nth(7)));
    let authorized = auth.authorize(&url("/x"), &mut HeaderMap::new()).await.unwrap();
    assert!(!format!("{auth:?} {authorized:?}").contains("at-7"));
}

#[tokio::test(start_paused = true)]
async fn r45_a_response_may_be_judged_by_a_url_of_another_type_or_spelling() {
    let auth = authorizer(&holding_first());
    let mut headers = HeaderMap::new();
    let to: Uri = "https://API.example.com:443/x?y".parse().unwrap();
    let authorized = auth.authorize(&to, &mut headers).await.unwrap();
    let none = HeaderMap::new();
    let rejects = |from: &str| {
        let (uri, url) = (from.parse::<Uri>().unwrap(), from.parse::<reqwest::Url>().unwrap());
        let both = (
            authorized.is_rejected_at(&uri, UNAUTHORIZED, &none),
            authorized.is_rejected_at(&url, UNAUTHORIZED, &none),
        );
        assert_eq!(both.0, both.1, "{from}");
        both.0
    };
    assert!(rejects("https://api.example.com/x?y") && rejects("https://api.example.com:443/x?y"));
    for elsewhere in [
        "https://api.example.com/x",
        "https://api.example.com/x?z",
        "https://api.example.com:444/x?y",
        "http://api.example.com:443/x?y",
        "https://other.test/x?y",
    ] {
        assert!(!rejects(elsewhere), "{elsewhere}");
    }
}

#[tokio::test(start_paused = true)]
async fn r45_a_whole_request_is_authorized_with_its_marks() {
    let script = holding_first().then_ok(nth(2));
    let auth = authorizer(&script);
    let mut request = http::Request::get(url("/x")).body(()).unwrap();
    let mut authorized = auth.authorize_request(&mut request).await.unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer at-1");
    // A program may know of a rejection from the body of a 200.
    authorized.renew(request.headers_mut()).await.unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer at-2");

    let mut request = reqwest::Request::new(http::Method::GET, format!("{ORIGIN}/x").parse().unwrap());
    let _authorized = auth.authorize_request(&mut request).await.unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer at-2");

    let mut request = http::Request::get(url("/x")).extension(WithoutCredentials).body(()).unwrap();
    let _authorized = auth.authorize_request(&mut request).await.unwrap();
    assert!(request.headers().is_empty());

    let other = reauth::per_request::WithAuthenticator(authenticator(&Script::new().then_ok(nth(7))));
    let mut request = http::Request::get(url("/x")).extension(other).body(()).unwrap();
    let _authorized = auth.authorize_request(&mut request).await.unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer at-7");
}

#[test]
fn r39_an_authorizer_knows_its_authenticator_if_it_has_one() {
    assert!(authorizer(&Script::new()).authenticator().is_some());
    assert!(Authorizer::per_request(reauth::Origins::new(ORIGIN).unwrap()).authenticator().is_none());
}

//! The token in another header, or with another scheme (R70).

use http::{HeaderMap, HeaderValue, StatusCode};
use reauth::per_request::WithAuthenticator;
use reauth::{
    AuthError, AuthHeader, AuthLayer, AuthMiddleware, Authenticator, Authorizer, Credentials, ErrorKind,
};

use super::api::{Api, ORIGIN, get, holding_first, nth, of_authenticator, status};
use super::ways;
use crate::support::clock::StillClock;
use crate::support::source::{Script, credentials};

const VAULT: &str = "x-vault-token";

fn with_header(script: &Script, header: AuthHeader) -> Authenticator {
    Authenticator::builder(script.clone()).clock(StillClock::default()).header(header).build()
}

fn bare() -> AuthHeader {
    AuthHeader::bare("X-Vault-Token").unwrap()
}

/// An API that wants this value in this header.
fn wanting(name: &'static str, value: &'static str) -> Api {
    Api::new(move |seen| {
        let is_good = seen.headers.get(name).is_some_and(|sent| sent == value);
        Ok(status(if is_good { StatusCode::OK } else { StatusCode::UNAUTHORIZED }))
    })
}

/// The values of a header in each attempt.
fn sent(api: &Api, name: &str) -> Vec<String> {
    let text = |headers: &HeaderMap| {
        let values: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        values.join(", ")
    };
    api.seen().iter().map(|seen| text(&seen.headers)).collect()
}

#[tokio::test(start_paused = true)]
async fn r70_the_token_goes_into_the_header_of_the_authenticator() {
    for way in ways::all() {
        for (name, scheme, first, second) in [
            ("x-vault-token", "", "at-1", "at-2"),
            ("x-api-auth", "Key", "Key at-1", "Key at-2"),
            ("authorization", "token", "token at-1", "token at-2"),
            ("authorization", "", "at-1", "at-2"),
        ] {
            let script = holding_first().then_ok(nth(2));
            let auth = with_header(&script, AuthHeader::new(name, scheme).unwrap());
            let auth = of_authenticator(auth).without_redirects();
            let api = wanting(name, second);
            let response = way.send(&auth, &api, get("/x")).await.unwrap();
            let way = way.traits().name;
            assert_eq!(response.status(), StatusCode::OK, "{way} {name}");
            assert_eq!(sent(&api, name), [first, second], "{way} {name}");
            let others = if name == "authorization" { VAULT } else { "authorization" };
            assert_eq!(sent(&api, others), ["", ""], "{way} {name}");
            assert!(api.seen().iter().all(|seen| seen.headers[name].is_sensitive()), "{way} {name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r70_r21_the_callers_header_of_that_name_stays_and_authorization_is_another_header() {
    for way in ways::all() {
        let name = way.traits().name;
        for script in [holding_first(), Script::new()] {
            let auth = of_authenticator(with_header(&script, bare())).without_redirects();
            let api = wanting(VAULT, "never");
            let mut request = get("/x");
            request.headers_mut().insert(VAULT, HeaderValue::from_static("theirs"));
            way.send(&auth, &api, request).await.unwrap();
            assert_eq!((sent(&api, VAULT), script.requests()), (vec!["theirs".to_owned()], 0), "{name}");
        }
        let auth = of_authenticator(with_header(&holding_first(), bare())).without_redirects();
        let api = wanting(VAULT, "at-1");
        let mut request = get("/x");
        request.headers_mut().insert("authorization", HeaderValue::from_static("Basic YTpi"));
        assert_eq!(way.send(&auth, &api, request).await.unwrap().status(), StatusCode::OK, "{name}");
        assert_eq!(sent(&api, "authorization"), ["Basic YTpi"], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn f54_a_header_that_a_redirect_would_leak_is_refused_before_anything_is_sent() {
    for way in ways::all() {
        // With a token at hand, and without one: then none is fetched either.
        for script in [holding_first(), Script::new().then_ok(nth(1))] {
            let auth = of_authenticator(with_header(&script, bare()));
            let api = wanting(VAULT, "at-1");
            let error = way.send(&auth, &api, get("/x")).await.unwrap_err();
            let name = way.traits().name;
            let AuthError::Credentials(error) = error else { panic!("{name}: {error:?}") };
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{name}");
            assert!(error.to_string().contains(VAULT) && error.to_string().contains("without_redirects"));
            assert_eq!((api.seen().len(), script.requests()), (0, 0), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f54_the_header_of_a_requests_own_authenticator_is_refused_too() {
    for way in ways::all() {
        // With a token at hand, and without one: then none is fetched either.
        for script in [holding_first(), Script::new().then_ok(nth(1))] {
            let theirs = with_header(&script, bare());
            let auth = of_authenticator(with_header(&holding_first(), AuthHeader::scheme("token").unwrap()));
            let auth = auth.marked(WithAuthenticator(theirs));
            let (api, name) = (wanting(VAULT, "at-1"), way.traits().name);
            let error = way.send(&auth, &api, get("/x")).await.unwrap_err();
            assert!(matches!(error, AuthError::Credentials(_)), "{name}: {error:?}");
            assert_eq!((api.seen().len(), script.requests()), (0, 0), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn r70_each_identity_has_the_header_of_its_own_authenticator() {
    for way in ways::all() {
        let vault = with_header(&holding_first().then_ok(nth(2)), bare());
        let bearer = of_authenticator(with_header(&holding_first(), AuthHeader::scheme("token").unwrap()));
        let bearer = bearer.without_redirects();
        let api = wanting(VAULT, "at-2");
        let marked = bearer.marked(WithAuthenticator(vault));
        let (name, response) = (way.traits().name, way.send(&marked, &api, get("/x")).await.unwrap());
        assert_eq!(response.status(), StatusCode::OK, "{name}");
        way.send(&bearer.marked(reauth::per_request::NoReplay), &api, get("/x")).await.unwrap();
        assert_eq!(sent(&api, VAULT)[..2], ["at-1", "at-2"], "{name}");
        assert_eq!(sent(&api, "authorization")[..3], ["", "", "token at-1"], "{name}");
    }
}

#[test]
fn f54_an_adapter_that_would_leak_the_header_is_not_made() {
    let vault = || with_header(&holding_first(), bare());
    let refused = |error: reauth::Error| assert_eq!(error.kind(), ErrorKind::Misconfigured);
    refused(AuthLayer::for_origin(ORIGIN, vault()).unwrap_err());
    refused(AuthMiddleware::for_origin(ORIGIN, vault()).unwrap_err());
    refused(AuthMiddleware::try_from(Authorizer::for_origin(ORIGIN, vault()).unwrap()).unwrap_err());
    let none = Authorizer::for_origin(ORIGIN, vault()).unwrap().without_redirects();
    assert!(AuthMiddleware::try_from(none).is_ok());
    let token = with_header(&holding_first(), AuthHeader::scheme("token").unwrap());
    assert!(AuthMiddleware::for_origin(ORIGIN, token).is_ok());
}

#[tokio::test(start_paused = true)]
async fn f54_a_layer_sends_the_header_if_nothing_below_follows_redirects() {
    use tower::{Layer as _, ServiceExt as _, service_fn};
    let send = async |layer: AuthLayer| {
        let service = service_fn(async |request: http::Request<String>| {
            assert_eq!(request.headers()[VAULT], "at-1");
            Ok::<_, std::convert::Infallible>(http::Response::new(()))
        });
        let request = http::Request::get(format!("{ORIGIN}/x")).body(String::new()).unwrap();
        layer.layer(service).oneshot(request).await
    };
    let layer = || AuthLayer::new(ORIGIN.parse().unwrap(), with_header(&holding_first(), bare()));
    assert!(matches!(send(layer()).await, Err(AuthError::Credentials(_))));
    assert!(send(layer().without_redirects()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn r70_a_log_out_and_credentials_from_elsewhere_keep_the_scheme() {
    let value = async |auth: &Authenticator| {
        let value = auth.credentials().await.unwrap().header_value();
        assert!(value.is_sensitive());
        value.to_str().unwrap().to_owned()
    };
    let key = || AuthHeader::new("x-api-auth", "Key").unwrap();
    let auth = with_header(&Script::new().then_ok(nth(1)).then_ok(nth(2)), key());
    assert_eq!(value(&auth).await, "Key at-1");
    auth.log_out().await.unwrap();
    assert_eq!(value(&auth).await, "Key at-2");

    // Those of another authenticator, with another scheme or none.
    let vault = with_header(&holding_first(), bare());
    let theirs = vault.credentials().await.unwrap();
    assert_eq!(theirs.header_value(), "at-1");
    auth.set_credentials(theirs.clone()).await.unwrap();
    assert_eq!(value(&auth).await, "Key at-1");
    assert_eq!(theirs.header_value(), "at-1", "the clone that was given stays as it is");
    let plain = Authenticator::builder(theirs.clone()).clock(StillClock::default()).build();
    assert_eq!(value(&plain).await, "Bearer at-1");
    let began =
        Authenticator::builder(Script::new()).clock(StillClock::default()).header(key()).initial(theirs);
    let began = began.build();
    assert_eq!(value(&began).await, "Key at-1");
}

#[tokio::test(start_paused = true)]
async fn r70_the_scheme_is_no_part_of_the_token() {
    // A token that another authenticator handed out is the same token here, whatever stands before it.
    let script = holding_first().then_ok(nth(2));
    let auth = with_header(&script, AuthHeader::scheme("OAuth").unwrap());
    let held = auth.credentials().await.unwrap();
    assert_eq!((held.access_token(), held.header_value().to_str().unwrap()), ("at-1", "OAuth at-1"));
    let newer = auth.reject(&credentials("at-1", None, None)).await.unwrap();
    assert_eq!(newer.access_token(), "at-2");
}

#[test]
fn r70_without_an_authenticator_the_header_is_bearer() {
    let value = Credentials::new("at-1").unwrap().header_value();
    assert_eq!((value.to_str().unwrap(), value.is_sensitive()), ("Bearer at-1", true));
}

/// Tokens that a program gives may be any visible ASCII (Sanctum's have a `|`).
#[tokio::test(start_paused = true)]
async fn r71_a_token_of_the_program_may_have_any_visible_character() {
    for way in ways::all() {
        let script = Script::new().holding(credentials("12|a,b;\"c\"", None, None));
        let api = wanting("authorization", "Bearer 12|a,b;\"c\"");
        let auth = of_authenticator(with_header(&script, AuthHeader::scheme("Bearer").unwrap()));
        let response = way.send(&auth, &api, get("/x")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{}", way.traits().name);
    }
    for token in ["", "a b", "a\tb", "a\r\nb", "ä", "a\u{7f}"] {
        assert_eq!(Credentials::new(token).unwrap_err().kind(), ErrorKind::Misconfigured, "{token:?}");
    }
}

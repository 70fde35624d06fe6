//! A 401 after a redirect below the layer counts against nothing by itself: the request goes once more, straight to
//! where the redirect led.

use http::header::COOKIE;
use http::{Method, Request, Response, StatusCode, Uri};
use reauth::per_request::NoReplay;
use reauth::{AuthLayer, Error, Origins, PassedKind, PassedReason, RenewalError};
use tower::Layer;

use super::api::{Api, ORIGIN, authenticator, holding_first, nth, send, status};
use crate::support::source::{Respond, Script};

/// The URI that a response came from, set by a follower below.
#[derive(Clone)]
struct CameFrom(Uri);

/// An API below a follower. On the way from a path in `links` the token is lost, as it is at a detour over another origin.
fn linking(links: &'static [(&'static str, &'static str)], good: &'static str) -> Api {
    Api::new(move |seen| {
        let link = links.iter().find(|(path, _)| seen.uri.path() == *path);
        let (token, from) = match link {
            Some((_, to)) => (None, to.parse().unwrap()),
            None => (seen.token(), seen.uri.clone()),
        };
        let code = if token == Some(good) { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        let mut response = status(code);
        response.extensions_mut().insert(CameFrom(from));
        Ok(response)
    })
}

fn over(origins: Origins, script: &Script) -> AuthLayer {
    let layer = AuthLayer::new(origins, authenticator(script));
    layer.response_uri(|extensions| Some(extensions.get::<CameFrom>()?.0.clone()))
}

fn own() -> Origins {
    Origins::new(ORIGIN).unwrap()
}

/// A GET without a body.
fn get(path: &str) -> Request<String> {
    Request::get(format!("{ORIGIN}{path}")).body(String::new()).unwrap()
}

/// What arrived: path and token.
fn arrived(api: &Api) -> Vec<(String, String)> {
    let seen = api.seen();
    seen.iter().map(|seen| (seen.uri.path().to_owned(), seen.token().unwrap_or("-").to_owned())).collect()
}

fn lines(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    lines.iter().map(|(path, token)| ((*path).to_owned(), (*token).to_owned())).collect()
}

fn reason(response: &Response<String>) -> &PassedReason {
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.extensions().get::<RenewalError>().is_none());
    response.extensions().get().expect("a reason")
}

#[tokio::test(start_paused = true)]
async fn f118_with_a_good_token_a_detour_costs_one_request_and_no_refresh() {
    // With a token at hand, and after waiting for one.
    for (script, logins) in [(holding_first(), 0), (Script::new().then_ok(nth(1)), 1)] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            let api = linking(&[("/link", "https://api.example.com/x")], "at-1");
            let mut request = get("/link");
            *request.method_mut() = method;
            let response = send(&over(own(), &script).layer(api.clone()), request).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(arrived(&api), lines(&[("/link", "at-1"), ("/x", "at-1")]));
            if logins == 1 {
                break;
            }
        }
        assert_eq!(script.requests(), logins);
    }
}

#[tokio::test(start_paused = true)]
async fn f118_credentials_that_cant_be_renewed_survive_a_detour() {
    let api = linking(&[("/link", "https://api.example.com/x")], "at-1");
    let auth = crate::support::clock::in_paused_time(nth(1)).build();
    let layer =
        AuthLayer::new(own(), auth).response_uri(|extensions| Some(extensions.get::<CameFrom>()?.0.clone()));
    let service = layer.layer(api.clone());
    for path in ["/x", "/link", "/x"] {
        assert_eq!(send(&service, get(path)).await.unwrap().status(), StatusCode::OK, "{path}");
    }
    assert_eq!(api.tokens(), ["at-1"; 4]);
}

#[tokio::test(start_paused = true)]
async fn r30_the_response_to_the_straight_request_counts() {
    let script = holding_first().then_ok(nth(2));
    let api = linking(&[("/link", "https://api.example.com/x")], "at-2");
    let response = send(&over(own(), &script).layer(api.clone()), get("/link")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(arrived(&api), lines(&[("/link", "at-1"), ("/x", "at-1"), ("/x", "at-2")]));
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn r30_a_straight_request_whose_token_cant_be_replaced_ends_with_its_401_and_the_reason() {
    let script = holding_first().then_err(Error::misconfigured("the secret is wrong"));
    let api = linking(&[("/link", "https://api.example.com/x")], "at-2");
    let response = send(&over(own(), &script).layer(api.clone()), get("/link")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.extensions().get::<RenewalError>().is_some());
    assert_eq!(arrived(&api), lines(&[("/link", "at-1"), ("/x", "at-1")]));
}

#[tokio::test(start_paused = true)]
async fn r30_without_a_token_for_the_straight_request_the_caller_gets_the_first_401_and_the_reason() {
    let script = Script::new()
        .then(Respond::Now(Ok(crate::support::source::credentials("at-1", None, Some(60)))))
        .then_err(Error::login_required("the password is wrong"));
    let layer = over(own(), &script);
    let (mock, mut api) = tower_test::mock::pair::<Request<String>, Response<String>>();
    let call = tokio::spawn(send(&layer.layer(mock), get("/link")));
    let (_, reply) = super::api::next(&mut api).await;
    // Meanwhile the token expires.
    tokio::time::sleep(std::time::Duration::from_secs(61)).await;
    let mut response = status(StatusCode::UNAUTHORIZED);
    response.extensions_mut().insert(CameFrom(Uri::from_static("https://api.example.com/x")));
    reply.send_response(response);
    let response = call.await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let renewal = response.extensions().get::<RenewalError>().unwrap();
    assert_eq!(renewal.error().kind(), reauth::ErrorKind::LoginRequired);
}

#[tokio::test(start_paused = true)]
async fn r30_what_may_not_be_sent_again_gets_the_401_and_rejects_nothing() {
    let script = holding_first();
    let with_body = |method| {
        let request = Request::builder().method(method).uri(format!("{ORIGIN}/link"));
        request.body("body".to_owned()).unwrap()
    };
    let post = || {
        let mut request = get("/link");
        *request.method_mut() = Method::POST;
        request
    };
    let mut marked = get("/link");
    marked.extensions_mut().insert(NoReplay);
    for request in [post(), with_body(Method::POST), with_body(Method::GET), marked] {
        let api = linking(&[("/link", "https://api.example.com/x")], "at-1");
        let response = send(&over(own(), &script).layer(api.clone()), request).await.unwrap();
        assert_eq!(reason(&response).kind(), PassedKind::Redirected);
        assert_eq!(arrived(&api), lines(&[("/link", "at-1")]));
    }
    assert_eq!(script.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn r30_a_straight_request_that_is_redirected_as_well_is_the_last() {
    let script = holding_first();
    let links = &[("/link", "https://api.example.com/link-2"), ("/link-2", "https://api.example.com/link-3")];
    let api = linking(links, "at-1");
    let response = send(&over(own(), &script).layer(api.clone()), get("/link")).await.unwrap();
    assert_eq!(reason(&response).kind(), PassedKind::Redirected);
    assert_eq!(arrived(&api), lines(&[("/link", "at-1"), ("/link-2", "at-1")]));
    assert_eq!(script.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn r20_a_straight_request_goes_only_to_one_of_the_origins() {
    for (link, to) in [
        ("/a", "https://other.test/x"),
        ("/b", "http://api.example.com/x"),
        ("/c", "https://ada@api.example.com/x"),
        ("/d", "/x"),
    ] {
        let script = holding_first();
        let api = linking(
            &[
                ("/a", "https://other.test/x"),
                ("/b", "http://api.example.com/x"),
                ("/c", "https://ada@api.example.com/x"),
                ("/d", "/x"),
            ],
            "at-1",
        );
        let response = send(&over(own(), &script).layer(api.clone()), get(link)).await.unwrap();
        let reason = reason(&response);
        assert_eq!(reason.kind(), PassedKind::RedirectedElsewhere, "{to}");
        assert!(reason.to_string().contains("the origins are https://api.example.com"), "{reason}");
        assert_eq!(arrived(&api), lines(&[(link, "at-1")]));
        assert_eq!(script.requests(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn r20_a_straight_request_to_another_of_the_origins_leaves_the_cookies_behind() {
    for (to, kept) in [("https://other.test/x", false), ("https://api.example.com/x", true)] {
        let script = holding_first();
        let links: &'static [_] = if kept {
            &[("/link", "https://api.example.com/x")]
        } else {
            &[("/link", "https://other.test/x")]
        };
        let api = linking(links, "at-1");
        let mut request = get("/link");
        request.headers_mut().insert(COOKIE, "a=b".parse().unwrap());
        request.headers_mut().insert("x-mine", "1".parse().unwrap());
        let layer = over(own().and("https://other.test").unwrap(), &script);
        let response = send(&layer.layer(api.clone()), request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let seen = api.seen();
        assert_eq!((seen[1].uri.to_string().as_str(), seen[1].token()), (to, Some("at-1")));
        assert_eq!(seen[1].headers.contains_key(COOKIE), kept);
        assert!(seen[1].headers.contains_key("x-mine"));
    }
}

/// While the request is under way, its user logs out and another one logs in.
#[tokio::test(start_paused = true)]
async fn r17_a_straight_request_carries_no_token_of_a_later_login() {
    let auth = authenticator(&holding_first());
    let (api, leaving) = (Api::new(|_| Ok(status(StatusCode::OK))), auth.clone());
    let seen = api.clone();
    let below = tower::service_fn(move |request: Request<String>| {
        let (api, auth) = (api.clone(), leaving.clone());
        async move {
            let mut response = send(&api, request).await?;
            auth.log_out().await.unwrap();
            auth.set_credentials(nth(9)).await.unwrap();
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response.extensions_mut().insert(CameFrom(format!("{ORIGIN}/y").parse().unwrap()));
            Ok::<_, super::api::Broken>(response)
        }
    });
    let layer = AuthLayer::new(own(), auth).response_uri(|e| Some(e.get::<CameFrom>()?.0.clone()));
    let response = send(&layer.layer(below), get("/x")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let reason = response.extensions().get::<RenewalError>().unwrap();
    assert_eq!(reason.error().kind(), reauth::ErrorKind::LoginRequired);
    assert_eq!(seen.tokens(), ["at-1"]);
}

//! A renewal that fails, and responses other than a 401 that reject a token.

use std::error::Error as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Response, StatusCode};
use reauth::{AuthError, AuthLayer, Error, ErrorKind, Event, RenewalError};
use tower::{Layer, service_fn};

use super::api::{Api, Broken, ORIGIN, get, holding_first, idle, layer, nth, send, status};
use crate::support::clock::in_paused_time;
use crate::support::source::Script;

#[tokio::test(start_paused = true)]
async fn r28_when_the_renewal_fails_the_caller_gets_the_servers_own_401_and_the_reason() {
    let script = Script::new().holding(nth(1)).then_err(Error::misconfigured("wrong client"));
    let failures = Arc::new(Mutex::new(Vec::new()));
    let observed = failures.clone();
    let auth = in_paused_time(script.clone())
        .observer(move |event| {
            if let Event::RefreshFailed { error, .. } = event {
                observed.lock().unwrap().push(error.kind());
            }
        })
        .build();
    let api = Api::new(|_| {
        let mut response = status(StatusCode::UNAUTHORIZED);
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"api\""));
        Ok(response)
    });
    let service = AuthLayer::for_origin(ORIGIN, auth).unwrap().layer(api.clone());
    let response = send(&service, get("/x")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer realm=\"api\"");
    let renewal = response.extensions().get::<RenewalError>().unwrap();
    assert_eq!(renewal.to_string(), "the rejected token could not be replaced");
    assert_eq!(renewal.source().unwrap().to_string(), "wrong client");
    let reason = renewal.error();
    assert_eq!((reason.kind(), reason.to_string().as_str()), (ErrorKind::Misconfigured, "wrong client"));
    assert_eq!(response.body(), "the API says 401 Unauthorized");
    assert_eq!(api.seen().len(), 1);
    assert_eq!(*failures.lock().unwrap(), [ErrorKind::Misconfigured]);
}

#[tokio::test(start_paused = true)]
async fn r08_without_credentials_the_request_is_not_sent() {
    let script = Script::new().then_err(Error::login_required("who are you?"));
    let (layer, _auth) = layer(&script);
    let api = Api::saying(StatusCode::OK);
    let error = send(&layer.layer(api.clone()), get("/x")).await.unwrap_err();
    let AuthError::Credentials(error) = error else { panic!("not the API's error") };
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
    assert!(api.seen().is_empty(), "an unauthenticated request went out");
}

/// A body that records that it was dropped.
#[derive(Debug)]
struct Recorded(Arc<AtomicBool>);

impl Drop for Recorded {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn r28_the_401_is_dropped_before_the_request_is_sent_again_and_not_earlier() {
    let script = holding_first();
    let refresh = script.then_when();
    let (layer, _auth) = layer(&script);
    let dropped = Arc::new(AtomicBool::new(false));
    let first = Arc::new(Mutex::new(Some(Recorded(dropped.clone()))));
    let at_replay = dropped.clone();
    let service = layer.layer(service_fn(move |_request: http::Request<String>| {
        let first = first.lock().unwrap().take();
        // Read in the call, and not in its future: a call may already take a connection.
        let is_dropped = at_replay.load(Ordering::SeqCst);
        async move {
            match first {
                Some(body) => Ok(Response::builder().status(401).body(body).unwrap()),
                None if is_dropped => Ok(Response::new(Recorded(Arc::default()))),
                None => Err(Broken("the 401 still holds its connection")),
            }
        }
    }));
    let call = tokio::spawn(async move { send(&service, get("/x")).await.map(|response| response.status()) });
    idle().await;
    // Until there is a new token, the caller may still get the 401.
    assert!(!dropped.load(Ordering::SeqCst));
    refresh.send(Ok(nth(2))).ok().unwrap();
    assert_eq!(call.await.unwrap().unwrap(), StatusCode::OK);
}

/// A layer with two more rejections: gRPC's status, and a 403 whose challenge says `invalid_token`.
fn with_classifier(script: &Script) -> AuthLayer {
    let (layer, _auth) = layer(script);
    layer.also_rejected_when(|head| {
        let invalid = |name: &str| {
            head.challenges().iter().any(|c| c.is(name) && c.param("error") == Some("invalid_token"))
        };
        head.is_grpc_unauthenticated() || (head.status == StatusCode::FORBIDDEN && invalid("bearer"))
    })
}

/// How often the API was called, and how many refreshes there were, if `at-1` gets this response.
async fn calls_and_refreshes(code: u16, headers: &[(&'static str, &'static str)]) -> (usize, usize) {
    let script = holding_first().then_ok(nth(2));
    let headers = headers.to_vec();
    let api = Api::new(move |seen| {
        if seen.token() == Some("at-2") {
            return Ok(status(StatusCode::OK));
        }
        let mut response = status(StatusCode::from_u16(code).unwrap());
        for (name, value) in &headers {
            response.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        Ok(response)
    });
    send(&with_classifier(&script).layer(api.clone()), get("/x")).await.unwrap();
    (api.seen().len(), script.requests())
}

#[tokio::test(start_paused = true)]
async fn r29_a_classifier_adds_rejections_and_reads_the_challenges() {
    const RENEWED: (usize, usize) = (2, 1);
    const NOT: (usize, usize) = (1, 0);
    let www = "www-authenticate";
    assert_eq!(calls_and_refreshes(200, &[("grpc-status", "16")]).await, RENEWED);
    assert_eq!(calls_and_refreshes(200, &[("grpc-status", "7")]).await, NOT);
    assert_eq!(calls_and_refreshes(403, &[(www, r#"Bearer error="invalid_token""#)]).await, RENEWED);
    assert_eq!(calls_and_refreshes(403, &[(www, r#"Bearer error="insufficient_scope""#)]).await, NOT);
    // Several challenges in one header, and several headers.
    let second = r#"Basic realm="a, b", bearer realm="api", error="invalid_token""#;
    assert_eq!(calls_and_refreshes(403, &[(www, second)]).await, RENEWED);
    let third = r#"BEARER error = "invalid_token""#;
    assert_eq!(calls_and_refreshes(403, &[(www, "Negotiate"), (www, third)]).await, RENEWED);
    // An absent or malformed header is tolerated.
    assert_eq!(calls_and_refreshes(403, &[]).await, NOT);
    assert_eq!(calls_and_refreshes(403, &[(www, "\"=,,Bearer error")]).await, NOT);
    // A 401 needs neither a classifier nor a challenge.
    assert_eq!(calls_and_refreshes(401, &[]).await, RENEWED);
    assert_eq!(calls_and_refreshes(401, &[(www, r#"Basic realm="x""#)]).await, RENEWED);
}

#[tokio::test(start_paused = true)]
async fn r29_a_classifier_that_is_set_on_a_clone_does_not_change_the_layer() {
    let script = holding_first();
    let (plain, _auth) = layer(&script);
    let strict = plain.clone().also_rejected_when(|_| true);
    let api = Api::saying(StatusCode::OK);
    send(&plain.layer(api.clone()), get("/x")).await.unwrap();
    assert_eq!(script.requests(), 0, "the clone changed the layer");
    script.push(crate::support::source::Respond::Now(Ok(nth(2))));
    send(&strict.layer(api.clone()), get("/x")).await.unwrap();
    assert_eq!(script.requests(), 1);
}
